import io
import json

import numpy as np
import pytest
from PIL import Image

from muddle.export.files import WRITERS, to_file
from muddle.export.serialize import as_json
from muddle.result import SCALE, STRIP_SCALE


@pytest.fixture(scope="module")
def m(muddler):
    return muddler.muddle(4, 9, seed=7, steps=5)


def frames_of(data):
    """The grey levels of every frame of a picture file."""
    with Image.open(io.BytesIO(data)) as picture:
        frames = []
        for i in range(getattr(picture, "n_frames", 1)):
            picture.seek(i)
            frames.append(np.array(picture.convert("L")))
        return np.stack(frames)


def durations_of(data):
    """The milliseconds of every frame of an animation."""
    with Image.open(io.BytesIO(data)) as picture:
        times = []
        for i in range(picture.n_frames):
            picture.seek(i)
            picture.load()
            times.append(picture.info["duration"])
        return times


def enlarged(pixels, scale):
    return pixels.repeat(scale, -1).repeat(scale, -2)


def test_every_kind_is_written_and_the_same_each_time(m):
    for kind in WRITERS:
        assert to_file(m, kind) == to_file(m, kind) != b""


@pytest.mark.parametrize(("scale", "expected"), [(None, SCALE), (3, 3)])
def test_a_png_is_the_muddle(m, scale, expected):
    assert (frames_of(to_file(m, "png", scale))[0] == enlarged(m.image, expected)).all()


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_is_the_path_there_and_back(m, kind):
    data = to_file(m, kind, 1)
    assert (frames_of(data) == m.frames[[0, 1, 2, 3, 4, 3, 2, 1]]).all()
    times = durations_of(data)
    assert 0 < m.pick < 4
    assert {i for i, time in enumerate(times) if time > min(times)} == {0, m.pick, 4, 8 - m.pick}, "where it rests"
    assert frames_of(to_file(m, kind)).shape[1:] == (28 * SCALE, 28 * SCALE)


def test_the_judges_one_by_one(m):
    said = json.loads(to_file(m, "judges"))
    assert (said["query"], said["pick"]) == (m.query, m.pick)
    assert said["judge_probabilities"] == m.judge_probabilities.tolist()


@pytest.mark.parametrize(("scale", "expected"), [(None, STRIP_SCALE), (1, 1)])
def test_a_strip_is_the_path_side_by_side(m, scale, expected):
    assert (frames_of(to_file(m, "strip", scale))[0] == enlarged(np.concatenate(list(m.frames), 1), expected)).all()


def test_a_card_is_as_large_as_social_networks_have_them(m):
    assert frames_of(to_file(m, "card")).shape == (1, 630, 1200)


def test_json_is_everything_about_the_muddle(m):
    data = to_file(m, "json")
    assert json.loads(data) == json.loads(json.dumps(as_json(m)))
    assert data.endswith(b"}\n")


def test_an_npz_has_every_array_by_its_name(m):
    with np.load(io.BytesIO(to_file(m, "npz")), allow_pickle=False) as file:
        arrays = {name for name, value in vars(m).items() if isinstance(value, np.ndarray)}
        assert {"image", "frames", "source", "partner", "probabilities", "soft_label", "codes", "code"} <= arrays
        for name in arrays:
            np.testing.assert_array_equal(file[name], getattr(m, name))
