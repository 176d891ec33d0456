"""Any picture of one handwritten digit as MNIST has its own: 28 x 28, white on black, sized and centred alike."""

from collections.abc import Callable

import numpy as np

from muddle.errors import ArgumentError
from muddle.images.codecs import check_size, resized

FIELD, BOX, CENTRE = 28, 20, 14  # LeCun: the ink fits 20 x 20, its centre of mass is the centre of 28 x 28
WORK = 160  # pixels along the longer side at which ink is looked for
CONTRAST = 12  # of 255: anything fainter is no ink
NOISE = 4  # standard deviations of the ground: anything fainter is no ink
CELLS = 64  # along the longer side, in which pieces of ink are told apart
SPECK = 0.04  # of the largest piece of ink: smaller pieces are dirt
THIN, STROKE = 1.3, 2.0  # pixels in the box: strokes narrower than the first, rare in MNIST, are drawn as the second


def prepare(pixels: np.ndarray) -> np.ndarray:
    """A picture of one digit as MNIST would have it: uint8 (28, 28), white ink on black.

    pixels: uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; any ink on any ground, which may be unevenly lit: the
    ground is what most of the border shows. Raises ArgumentError when no digit can be told from it.
    """
    ink = _crop(_cleaned(_contrast(_planes(_check(pixels)))))
    width = _stroke(ink) * BOX / max(ink.shape)
    if width < THIN:
        ink = np.pad(_fit(ink, 8 * BOX), 2 * BOX)  # room to grow, at 8 pixels to one of the result
        ink = _crop(_slide(ink, 2 * round(4 * (STROKE - width)) + 1, np.max))
    return _centred(_fit(ink, BOX))


def _check(pixels: np.ndarray) -> np.ndarray:
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or not array.size or array.ndim < 2 or array.shape[2:] not in ((), (3,), (4,)):
        wanted = "it must be uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA"
        raise ArgumentError("image", f"{array.dtype} {array.shape}", wanted)
    check_size(*array.shape[:2])
    return array


def _planes(pixels: np.ndarray) -> np.ndarray:
    """Where ink may show, at working size: uint8 (H, W) or (H, W, C) -> float32 (h, w, C'), 0 to 255.

    On a transparent ground that is the opacity, whatever the ink's colour.
    """
    layers = pixels.reshape(*pixels.shape[:2], -1)
    size = min(WORK, max(pixels.shape[:2]))
    layers = np.stack([_fit(layer.astype(np.float32), size) for layer in np.moveaxis(layers, 2, 0)], axis=2)
    if layers.shape[2] < 4:
        return layers
    colours, opacity = layers[..., :3], layers[..., 3:]
    if np.median(_border(opacity)) < 128 and opacity.mean() < 128:
        return opacity
    ground = np.median(colours[opacity[..., 0] > 127], axis=0)  # seen through the holes
    return ground + (colours - ground) * (opacity / 255)


def _contrast(planes: np.ndarray) -> np.ndarray:
    """How far each pixel is from the ground towards the ink: (H, W, C) -> (H, W), in grey levels of 255."""
    ground = _ground(planes)
    apart = planes - ground
    size = np.linalg.norm(apart, axis=2, keepdims=True)
    if size.max() < CONTRAST:
        raise ArgumentError("image", "one flat colour", "there must be a digit on it")
    direction = (apart * size * (size > size.max() / 2)).sum((0, 1))
    apart = apart @ (direction / (np.linalg.norm(direction) or 1))
    reach = max(apart.shape) // 3 | 1  # wider than any stroke, so what is wider still is a shadow
    narrow = apart - _slide(_slide(apart, reach, np.min), reach, np.max)
    narrow -= np.median(_border(narrow))
    if narrow.max() < apart.max() / 4:
        raise ArgumentError("image", "one large patch", "there must be a digit drawn in strokes")
    return narrow


def _ground(planes: np.ndarray) -> np.ndarray:
    """The ground everywhere, also under the ink: smooth, as light falls off: (H, W, C) -> (H, W, C)."""
    y, x = np.linspace(-1, 1, planes.shape[0])[:, None], np.linspace(-1, 1, planes.shape[1])[None]
    terms = np.stack([y**i * x**j for i in range(3) for j in range(3 - i)], axis=2)
    ground = np.median(_border(planes), axis=0)
    for _ in range(4):  # what is near the ground found so far is ground
        far = np.abs(planes - ground).max(2)
        near = far <= max(3 * np.median(_border(far)), 2)
        some = terms[near]
        ground = terms @ np.linalg.lstsq(some.T @ some, some.T @ planes[near], rcond=None)[0]
    return ground


def _cleaned(apart: np.ndarray) -> np.ndarray:
    """Ink from 0 to 1, without the ground's noise and without specks: (H, W) -> (H, W)."""
    noise = NOISE * 1.4826 * np.median(np.abs(_border(apart)))  # 1.4826: a normal deviation by its median
    kept = _large(apart > max(noise, 0.1 * apart.max()))
    if apart.max() < max(CONTRAST, 1.5 * noise) or not kept.any():
        raise ArgumentError("image", "a picture without contrast", "there must be a digit that stands out")
    ink = (apart - noise).clip(0) * _slide(kept, 3, np.max)  # their soft edges as well
    return (ink / np.percentile(ink[ink > ink.max() / 2], 90)).clip(0, 1)


def _large(mask: np.ndarray) -> np.ndarray:
    """The mask without the pieces that are small beside the largest; nothing if that is small too: bool (H, W)."""
    cell = -(-max(mask.shape) // CELLS)
    whole = np.pad(mask, [(0, -n % cell) for n in mask.shape])
    area = whole.reshape(whole.shape[0] // cell, cell, -1, cell).sum((1, 3))
    name = np.arange(1, area.size + 1).reshape(area.shape) * (area > 0)
    while (wider := _slide(name, 3, np.max) * (area > 0)).sum() > name.sum():  # until each piece has one name
        name = wider
    size = np.bincount(name.ravel(), area.ravel())
    large = ((size >= SPECK * size.max()) & (size >= 4 * cell))[name]
    return mask & large.repeat(cell, 0).repeat(cell, 1)[: mask.shape[0], : mask.shape[1]]


def _stroke(ink: np.ndarray) -> float:
    """Mean width of the strokes in pixels: twice the area over the length of the outline."""
    padded = np.pad(ink, 1)
    outline = np.hypot(np.diff(padded, axis=0)[:, 1:], np.diff(padded, axis=1)[1:]).sum()
    return 2 * ink.sum() / outline


def _crop(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero((ink > 0.1).any(1)), np.flatnonzero((ink > 0.1).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(plane: np.ndarray, side: int) -> np.ndarray:
    """The plane with its longer side as given, its shape kept."""
    height, width = (max(1, round(n * side / max(plane.shape))) for n in plane.shape)
    return resized(plane.astype(np.float32), height, width)


def _centred(ink: np.ndarray) -> np.ndarray:
    """The centre of mass as near to the field's centre as the edges allow: (h, w) up to BOX -> uint8 (28, 28)."""
    field = np.zeros((FIELD, FIELD), np.uint8)
    mass = [(ink.sum(1 - axis) @ np.arange(n)) / ink.sum() for axis, n in enumerate(ink.shape)]
    y, x = (int(np.clip(round(CENTRE - m), 0, FIELD - n)) for m, n in zip(mass, ink.shape, strict=True))
    field[y : y + ink.shape[0], x : x + ink.shape[1]] = (ink.clip(0) / ink.max() * 255).round()
    return field


def _border(plane: np.ndarray) -> np.ndarray:
    """The pixels along the edge, one in 28 deep: (H, W, ...) -> (B, ...)."""
    deep = max(1, max(plane.shape[:2]) // 28)
    edge = np.ones(plane.shape[:2], bool)
    edge[deep:-deep, deep:-deep] = False
    return plane[edge]


def _slide(plane: np.ndarray, reach: int, pick: Callable) -> np.ndarray:
    """The least or the largest, as `pick` says, in the square of odd side `reach` around each pixel."""
    padded = np.pad(plane, reach // 2, mode="edge")
    for axis in (0, 1):
        padded = pick(np.lib.stride_tricks.sliding_window_view(padded, reach, axis), axis=-1)
    return padded
