"""Encode digits as PNG, GIF and WebP, and decode image files: the one door to PIL."""

import base64
import io
import threading
import warnings

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from muddle.errors import ArgumentError

MAX_PIXELS = 4096 * 4096
MAX_SIDE = 16_384
MAX_BYTES = 5_000_000
MAX_BASE64 = 7_000_000  # characters: a file of MAX_BYTES, and a head
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
ONE_WAY, SHORTEST, HOLD = 1400, 20, 400  # milliseconds: source to partner; a frame; more for the ends and the muddle
_FILE = "PNG, JPEG, WebP, GIF or BMP file"
_SIZE = f"of at most {MAX_PIXELS:,} pixels, such as 4096 x 4096"
_FILTERS = threading.Lock()  # Python's warning filters are one list for all threads


def to_image(pixels: np.ndarray, scale: int = 1) -> Image.Image:
    """A picture of uint8 pixels, grey (H, W) or in colours (H, W, 3), each drawn as a square of scale x scale."""
    image = Image.fromarray(pixels)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST) if scale > 1 else image


def png(pixels: np.ndarray, scale: int = 1) -> bytes:
    """A PNG file of uint8 pixels, (H, W) or (H, W, 3). The same pixels give the same bytes."""
    buffer = io.BytesIO()
    to_image(pixels, scale).save(buffer, format="PNG")
    return buffer.getvalue()


def from_png(data: bytes) -> np.ndarray:
    """Decode a file that `png` made: uint8 (H, W)."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        return np.array(picture)


def tiled(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Arrange images, uint8 (N, 28, 28), row by row on one black sheet: uint8 (H, W)."""
    n, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap), np.uint8)
    for i, image in enumerate(images):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = image
    return sheet


def strip(frames: np.ndarray, scale: int = 1) -> bytes:
    """A PNG file of frames, uint8 (T, 28, 28), side by side without a gap."""
    return png(np.concatenate(list(frames), axis=1), scale)


def gif(frames: np.ndarray, scale: int = 8, hold: int | None = None) -> bytes:
    """A GIF file that plays uint8 (T, 28, 28) there and back, in a loop: lossless, as its palette is the 256 greys.

    It rests on the ends, and on the frame `hold`.
    """
    return _animation(frames, scale, hold, format="GIF")


def webp(frames: np.ndarray, scale: int = 8, hold: int | None = None) -> bytes:
    """A lossless WebP file of the same."""
    return _animation(frames, scale, hold, format="WEBP", lossless=True)


def there_and_back(frames: np.ndarray, hold: int | None = None) -> tuple[np.ndarray, list[int]]:
    """Frames 0 to T-1 and back to 1, uint8 (M, 28, 28), and the duration of each in milliseconds.

    Equal neighbours are merged into one frame with the sum of their durations: encoders merge them anyway, and some
    lose a duration.
    """
    count = len(frames)
    order = [*range(count), *range(count - 2, 0, -1)]
    each = max(SHORTEST, 10 * round(ONE_WAY / count / 10))  # GIF counts in hundredths of a second
    shown: list[int] = []
    times: list[int] = []
    for i in order:
        time = each + (HOLD if i in (0, hold, count - 1) else 0)
        if shown and (frames[i] == frames[shown[-1]]).all():
            times[-1] += time
        else:
            shown.append(i)
            times.append(time)
    return frames[shown], times


def card(source: np.ndarray, muddle: np.ndarray, partner: np.ndarray, question: str, answer: str) -> bytes:
    """A PNG file of 1200 x 630 pixels, the size of a social card.

    The muddle between its source and partner, below a question and above another line.
    """
    picture = Image.new("L", (1200, 630), 24)
    for pixels, scale, x in ((source, 9, 80), (muddle, 14, 404), (partner, 9, 868)):
        image = to_image(pixels, scale)
        picture.paste(image, (x, 332 - image.height // 2))
    draw = ImageDraw.Draw(picture)
    draw.text((600, 72), question, 255, ImageFont.load_default(60), anchor="mm")
    draw.text((600, 582), answer, 190, ImageFont.load_default(32), anchor="mm")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _animation(frames: np.ndarray, scale: int, hold: int | None, **options: object) -> bytes:
    shown, times = there_and_back(frames, hold)
    first, *rest = (to_image(frame, scale) for frame in shown)
    buffer = io.BytesIO()
    duration = times if rest else times[0]
    first.save(buffer, save_all=True, append_images=rest, duration=duration, loop=0, **options)
    return buffer.getvalue()


def resize(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resample a plane, float32 (H, W), antialiased when it shrinks: float32 (height, width)."""
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.HAMMING))


def read(data: bytes) -> np.ndarray:
    """Decode an image file, turned as its EXIF says: uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA.

    PNG, JPEG, WebP, GIF and BMP; of an animation the first frame. Raises ArgumentError for any other file, a broken
    one, one of more than MAX_BYTES, and, before anything is decoded, one of more than MAX_PIXELS.
    """
    if not data:
        raise ArgumentError("image", "an empty file", f"a {_FILE}")
    if len(data) > MAX_BYTES:
        raise ArgumentError("image", f"a file of {len(data):,} bytes", f"a file of at most {MAX_BYTES:,} bytes")
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                check_size(picture.height, picture.width)
                return _pixels(ImageOps.exif_transpose(picture))
        except ArgumentError:
            raise
        except Image.DecompressionBombError as error:
            raise ArgumentError("image", "a picture of too many pixels", f"a picture {_SIZE}") from error
        except Image.UnidentifiedImageError as error:
            raise ArgumentError("image", "a file of another kind", f"a {_FILE}") from error
        except Exception as error:  # a broken file can raise nearly anything, from IndexError to struct.error
            raise ArgumentError("image", "a broken file", f"a whole {_FILE}") from error


def from_base64(text: object) -> np.ndarray:
    """Read an image file in base64, with or without the head of a data URI: uint8 (H, W[, C]). Raises ArgumentError."""
    if not isinstance(text, str) or len(text) > MAX_BASE64:
        size = f"{len(text):,} characters" if isinstance(text, str) else type(text).__name__
        raise ArgumentError("image", size, f"a picture in base64, at most {MAX_BASE64:,} characters")
    try:
        data = base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except ValueError as error:  # not base64, or not even letters that could be
        raise ArgumentError("image", text[:20], "a picture in base64 or as a data URI") from error
    return read(data)


def check_size(height: int, width: int) -> None:
    """Raise ArgumentError for more than MAX_PIXELS, or a side longer than MAX_SIDE, which is as slow to process."""
    if max(height, width) > MAX_SIDE:
        raise ArgumentError("image", f"{width} x {height} pixels", f"a picture of at most {MAX_SIDE:,} pixels a side")
    if height * width > MAX_PIXELS:
        raise ArgumentError("image", f"{width} x {height} pixels", f"a picture {_SIZE}")


def _pixels(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I"):  # 16 bits a pixel: the upper 8 remain
        return (np.asarray(picture).clip(0, 65535) >> 8).astype(np.uint8)
    mode = "RGBA" if picture.has_transparency_data else "L" if picture.mode in ("1", "L") else "RGB"
    return np.array(picture.convert(mode))
