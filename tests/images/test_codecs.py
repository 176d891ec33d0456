import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from muddle.errors import ArgumentError
from muddle.images.codecs import (
    MAX_BYTES,
    card,
    from_png,
    gif,
    png,
    read,
    resize,
    strip,
    there_and_back,
    tiled,
    webp,
)


@given(arrays(np.uint8, (28, 28)), st.integers(1, 4))
def test_a_png_gives_every_pixel_back(pixels, scale):
    shown = np.array(Image.open(io.BytesIO(png(pixels, scale))))
    assert (shown == pixels.repeat(scale, 0).repeat(scale, 1)).all()
    assert (from_png(png(pixels, scale)) == shown).all()
    assert png(pixels.copy(), scale) == png(pixels, scale)


@given(st.integers(1, 25), st.integers(1, 7))
def test_a_sheet_has_every_image_in_its_place(n, columns):
    images = np.arange(1, n + 1, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    sheet = tiled(images, columns, gap=2)
    assert sheet.shape == (-(-n // columns) * 30 - 2, columns * 30 - 2)
    for i in range(n):
        y, x = (i // columns) * 30, (i % columns) * 30
        assert (sheet[y : y + 28, x : x + 28] == i + 1).all()


@given(arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(28), st.just(28))))
def test_a_strip_has_the_frames_side_by_side(frames):
    sheet = read(strip(frames))
    assert sheet.shape == (28, 28 * len(frames))
    for i, frame in enumerate(frames):
        assert (sheet[:, 28 * i : 28 * i + 28] == frame).all()
    assert read(strip(frames, 3)).shape == (84, 84 * len(frames))


def moving(count):
    """Frames that all differ, and together hold every grey."""
    ramp = np.arange(28 * 28, dtype=np.int64).reshape(28, 28)
    return np.stack([(ramp + 5 * i) % 256 for i in range(count)]).astype(np.uint8)


@given(st.integers(2, 64))
def test_one_way_takes_about_a_second_and_a_half_whatever_the_number_of_frames(count):
    shown, times = there_and_back(moving(count))
    assert len(shown) == len(times) == 2 * count - 2
    assert (shown[:count] == moving(count)).all()
    assert (shown[count:] == moving(count)[-2:0:-1]).all()
    assert times[0] == times[count - 1] == times[1 if count > 2 else 0] + (400 if count > 2 else 0)
    assert abs(sum(times[:count]) - 2 * 400 - 1400) <= 5 * count  # what rounding to hundredths costs
    assert all(time >= 20 and time % 10 == 0 for time in times)


@given(st.lists(st.integers(0, 2), min_size=2, max_size=12))
def test_equal_neighbours_become_one_frame_and_no_time_is_lost(greys):
    frames = np.array(greys, np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    shown, times = there_and_back(frames)
    assert (shown[1:] != shown[:-1]).any((1, 2)).all()
    assert sum(times) == sum(there_and_back(moving(len(greys)))[1])


def played(data):
    """Every frame's pixels and milliseconds, and how often the file repeats (0: without end)."""
    with Image.open(io.BytesIO(data)) as film:
        frames, times = [], []
        for i in range(getattr(film, "n_frames", 1)):
            film.seek(i)
            film.load()
            frames.append(np.array(film.convert("RGB")))
            times.append(film.info.get("duration"))
        return np.stack(frames), times, film.info.get("loop")


@pytest.mark.parametrize("write", [gif, webp])
@settings(max_examples=20)
@given(
    frames=st.one_of(
        st.integers(2, 64).map(moving),
        arrays(np.uint8, st.tuples(st.integers(2, 5), st.just(28), st.just(28))),
        st.lists(st.sampled_from([0, 1, 255]), min_size=2, max_size=6).map(
            lambda greys: np.array(greys, np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
        ),
    ),
    scale=st.integers(1, 3),
)
def test_a_film_plays_every_pixel_there_and_back_without_end(write, frames, scale):
    data = write(frames, scale)
    seen, times, loop = played(data)
    shown, planned = there_and_back(frames)
    assert (seen == shown.repeat(scale, 1).repeat(scale, 2)[..., None]).all()
    if write is gif or len(shown) > 1:  # a WebP of one frame is a still, which has no time
        assert times == planned
        assert loop == 0
    assert write(frames.copy(), scale) == data


def test_a_plane_keeps_its_mean_when_it_shrinks_and_its_level_when_it_grows():
    plane = np.zeros((40, 40), np.float32)
    plane[11:20, 11:20] = 1
    assert resize(plane, 20, 20).sum() == pytest.approx(9 * 9 / 4, rel=0.01)
    assert np.allclose(resize(np.full((3, 5), 0.3, np.float32), 30, 50), 0.3)
    assert resize(plane, 7, 3).shape == (7, 3)


COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [255, 255, 255], [90, 90, 90]]], np.uint8)
TALL = COLOURS.repeat(40, 0).repeat(20, 1)  # 80 x 60


def file(pixels, kind, mode=None, **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(buffer, kind, **options)
    return buffer.getvalue()


FILES = {
    "PNG": file(TALL, "PNG"),
    "PNG with a palette": file(Image.fromarray(TALL).quantize(6), "PNG"),
    "BMP": file(TALL, "BMP"),
    "GIF": file(TALL, "GIF"),
    "WebP": file(TALL, "WEBP", lossless=True),
    "JPEG": file(TALL, "JPEG", quality=95, subsampling=0),
    "JPEG in CMYK": file(TALL, "JPEG", "CMYK", quality=95),
    "JPEG, progressive": file(TALL, "JPEG", quality=95, progressive=True, subsampling=0),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_each_kind_is_read(kind):
    seen = read(FILES[kind])
    assert seen.dtype == np.uint8
    assert seen.shape == (80, 60, 3)
    inside = (slice(10, None, 20), slice(10, None, 20))  # away from the borders, which JPEG blurs
    assert np.abs(seen[inside].astype(int) - TALL[inside]).max() <= 12


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_greys_stay_grey_and_what_is_transparent_stays_so():
    assert (read(file(GREY, "PNG")) == GREY).all()
    assert (read(file(GREY, "PNG", "1")) == np.array(Image.fromarray(GREY).convert("1")) * 255).all()
    sixteen = GREY.astype(np.uint16) * 256 + 13
    assert (read(file(sixteen, "PNG")) == GREY).all()
    opacity = np.dstack([GREY.T, GREY])
    assert (read(file(opacity, "PNG")) == np.dstack([GREY.T] * 3 + [GREY])).all()
    rgba = np.dstack([GREY, GREY.T, GREY[::-1], np.maximum(GREY, 1)])
    assert (read(file(rgba, "PNG")) == rgba).all()
    assert (read(file(rgba, "WEBP", lossless=True)) == rgba).all()
    marked = read(file(GREY, "PNG", transparency=7))  # one grey stands for nothing
    assert (marked[..., 3] == np.where(GREY == 7, 0, 255)).all()
    palette = read(file(Image.fromarray(TALL).convert("P"), "GIF", transparency=0))
    assert palette.shape == (80, 60, 4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photo_is_turned_as_its_exif_says(turn, kind):
    upright = np.zeros((40, 24), np.uint8)
    upright[:20, :12] = 255
    stored = {  # how a camera held so lays the upright picture down
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[turn]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = turn
    seen = read(file(np.ascontiguousarray(stored), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
    seen = seen if seen.ndim == 2 else seen[..., 0]
    assert np.abs(seen.astype(int) - upright).max() <= 60


def test_the_first_frame_of_many_is_read():
    assert (read(webp(moving(3), 1))[..., 0] == moving(3)[0]).all()
    first = read(gif(moving(3), 1))
    assert ((first if first.ndim == 2 else first[..., 0]) == moving(3)[0]).all()


def header(width, height):
    """A PNG that promises so many pixels and holds none."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(b"")
    parts = [body, b"IDAT" + data]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts
    )


REFUSED = {
    "an empty file": b"",
    "too many bytes": bytes(MAX_BYTES + 1),
    "a text": b"a digit",
    "an SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0L9 9'/></svg>",
    "a TIFF": file(TALL, "TIFF"),
    "too many pixels": header(4097, 4096),
    "so many that PIL would warn": header(10_000, 10_000),
    "so many that PIL would raise": header(60_000, 60_000),
    "a side too long": header(16_385, 1),
    "few enough pixels, but none there": header(4096, 4096),
    **{f"{kind} that ends early": data[: len(data) * 3 // 4] for kind, data in FILES.items()},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused(name):
    with pytest.raises(ArgumentError) as caught:
        read(REFUSED[name])
    assert caught.value.code == "bad-image"


@pytest.mark.parametrize(("size", "part"), [((4097, 4096), "4097 x 4096"), ((1, 16_385), "1 x 16385")])
def test_the_size_of_a_picture_is_seen_before_it_is_decoded(size, part):
    with pytest.raises(ArgumentError) as caught:
        read(header(*size))
    assert part in caught.value.value  # and not that the file is broken, which it is


@settings(max_examples=100)
@given(st.sampled_from(sorted(FILES)), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
def test_a_damaged_file_gives_pixels_or_an_error_and_never_a_warning(kind, damage):
    data = bytearray(FILES[kind])
    for place, value in damage:
        data[place % len(data)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            seen = read(bytes(data))
        except ArgumentError:
            return
    assert seen.dtype == np.uint8


def test_a_social_card_shows_source_muddle_and_partner_side_by_side_between_two_lines():
    source, muddle, partner = (np.full((28, 28), grey, np.uint8) for grey in (60, 120, 180))
    cards = [read(card(source, muddle, partner, question, "Can you?")) for question in ("When?", "When, and why?")]
    for picture in cards:
        assert picture.shape == (630, 1200)
        across = picture[332][np.flatnonzero(np.diff(picture[332].astype(int), prepend=-1))]
        assert across.tolist() == [24, 60, 24, 120, 24, 180, 24]
        assert picture[40:110].max() == 255  # the question
        assert 100 < picture[560:610].max() <= 190
        assert (picture[:, :60] == 24).all()
        assert (picture[:, -60:] == 24).all()
    assert (cards[0][:110] != cards[1][:110]).any()
    assert (cards[0][110:] == cards[1][110:]).all()
