"""Preprocess a drawing or a photo of one digit into MNIST's form: 28 x 28, white on black, sized and centred alike."""

from collections.abc import Callable

import numpy as np

from muddle.errors import ArgumentError
from muddle.images.codecs import check_size, resize

FIELD, BOX, CENTRE = 28, 20, 14  # LeCun: the ink fits 20 x 20, its centre of mass is the centre of 28 x 28
WORK = 160  # pixels along the longer side at which ink is looked for
CONTRAST = 12  # of 255: anything fainter is no ink
NOISE = 4  # standard deviations of the background: anything fainter is no ink
CELLS = 64  # along the longer side, on which connected components are found
SPECK = 0.04  # of the largest component: smaller ones are dirt
THIN, STROKE = 1.3, 2.0  # pixels in the box: strokes narrower than the first, rare in MNIST, are drawn as the second


def prepare(pixels: np.ndarray) -> np.ndarray:
    """Turn a picture of one digit into one of MNIST's form: uint8 (28, 28), white ink on black.

    pixels: uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; any ink on any background, which may be unevenly lit:
    the background is what most of the border shows. Raises ArgumentError when no digit is found.
    """
    ink = _crop(_clean(_contrast(_channels(_check(pixels)))))
    width = _stroke_width(ink) * BOX / max(ink.shape)
    if width < THIN:
        ink = np.pad(_fit(ink, 8 * BOX), 2 * BOX)  # room to grow, at 8 pixels to one of the result
        ink = _crop(_filter(ink, 2 * round(4 * (STROKE - width)) + 1, np.max))
    return _centre(_fit(ink, BOX))


def _check(pixels: np.ndarray) -> np.ndarray:
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or not array.size or array.ndim < 2 or array.shape[2:] not in ((), (3,), (4,)):
        allowed = "uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA"
        raise ArgumentError("image", f"{array.dtype} {array.shape}", allowed)
    check_size(*array.shape[:2])
    return array


def _channels(pixels: np.ndarray) -> np.ndarray:
    """The channels in which ink may show, at working size: uint8 (H, W) or (H, W, C) -> float32 (h, w, C'), 0 to 255.

    On a transparent background that is the opacity alone, whatever the ink's colour.
    """
    layers = pixels.reshape(*pixels.shape[:2], -1)
    size = min(WORK, max(pixels.shape[:2]))
    layers = np.stack([_fit(layer.astype(np.float32), size) for layer in np.moveaxis(layers, 2, 0)], axis=2)
    if layers.shape[2] < 4:
        return layers
    colours, opacity = layers[..., :3], layers[..., 3:]
    if np.median(_border(opacity)) < 128 and opacity.mean() < 128:
        return opacity
    background = np.median(colours[opacity[..., 0] > 127], axis=0)  # seen through the holes
    return background + (colours - background) * (opacity / 255)


def _contrast(channels: np.ndarray) -> np.ndarray:
    """Each pixel's difference from the background, along the direction of the ink's: (H, W, C) -> (H, W), of 255."""
    difference = channels - _background(channels)
    size = np.linalg.norm(difference, axis=2, keepdims=True)
    if size.max() < CONTRAST:
        raise ArgumentError("image", "one flat colour", "a picture of a digit")
    direction = (difference * size * (size > size.max() / 2)).sum((0, 1))
    contrast = difference @ (direction / (np.linalg.norm(direction) or 1))
    side = max(contrast.shape) // 3 | 1  # wider than any stroke, so what is wider still is a shadow
    narrow = contrast - _filter(_filter(contrast, side, np.min), side, np.max)  # white top-hat
    narrow -= np.median(_border(narrow))
    if narrow.max() < contrast.max() / 4:
        raise ArgumentError("image", "one large patch", "a digit drawn in strokes")
    return narrow


def _background(channels: np.ndarray) -> np.ndarray:
    """The background everywhere, also under the ink: a quadratic, as light falls off: (H, W, C) -> (H, W, C)."""
    y, x = np.linspace(-1, 1, channels.shape[0])[:, None], np.linspace(-1, 1, channels.shape[1])[None]
    terms = np.stack([y**i * x**j for i in range(3) for j in range(3 - i)], axis=2)
    background = np.median(_border(channels), axis=0)
    for _ in range(4):  # fitted again to the pixels that are near the last fit
        distance = np.abs(channels - background).max(2)
        near = distance <= max(3 * np.median(_border(distance)), 2)
        some = terms[near]
        background = terms @ np.linalg.lstsq(some.T @ some, some.T @ channels[near], rcond=None)[0]
    return background


def _clean(contrast: np.ndarray) -> np.ndarray:
    """Remove the background's noise and specks: (H, W), of 255 -> ink from 0 to 1, (H, W)."""
    noise = NOISE * 1.4826 * np.median(np.abs(_border(contrast)))  # 1.4826: a normal deviation by its median
    kept = _large_components(contrast > max(noise, 0.1 * contrast.max()))
    if contrast.max() < max(CONTRAST, 1.5 * noise) or not kept.any():
        raise ArgumentError("image", "a picture without contrast", "a digit that stands out from its background")
    ink = (contrast - noise).clip(0) * _filter(kept, 3, np.max)  # their soft edges as well
    return (ink / np.percentile(ink[ink > ink.max() / 2], 90)).clip(0, 1)


def _large_components(mask: np.ndarray) -> np.ndarray:
    """The mask without connected components that are small beside the largest, or at all: bool (H, W)."""
    cell = -(-max(mask.shape) // CELLS)
    whole = np.pad(mask, [(0, -n % cell) for n in mask.shape])
    area = whole.reshape(whole.shape[0] // cell, cell, -1, cell).sum((1, 3))
    label = np.arange(1, area.size + 1).reshape(area.shape) * (area > 0)
    while (spread := _filter(label, 3, np.max) * (area > 0)).sum() > label.sum():  # until each component has one label
        label = spread
    size = np.bincount(label.ravel(), area.ravel())
    large = ((size >= SPECK * size.max()) & (size >= 4 * cell))[label]
    return mask & large.repeat(cell, 0).repeat(cell, 1)[: mask.shape[0], : mask.shape[1]]


def _stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes in pixels: twice the area over the length of the outline."""
    padded = np.pad(ink, 1)
    outline = np.hypot(np.diff(padded, axis=0)[:, 1:], np.diff(padded, axis=1)[1:]).sum()
    return 2 * ink.sum() / outline


def _crop(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero((ink > 0.1).any(1)), np.flatnonzero((ink > 0.1).any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fit(plane: np.ndarray, side: int) -> np.ndarray:
    """Resize a plane so that its longer side is `side`, keeping its aspect ratio."""
    height, width = (max(1, round(n * side / max(plane.shape))) for n in plane.shape)
    return resize(plane.astype(np.float32), height, width)


def _centre(ink: np.ndarray) -> np.ndarray:
    """Put the centre of mass as near to the field's centre as the edges allow: (h, w) up to BOX -> uint8 (28, 28)."""
    field = np.zeros((FIELD, FIELD), np.uint8)
    mass = [(ink.sum(1 - axis) @ np.arange(n)) / ink.sum() for axis, n in enumerate(ink.shape)]
    y, x = (int(np.clip(round(CENTRE - m), 0, FIELD - n)) for m, n in zip(mass, ink.shape, strict=True))
    field[y : y + ink.shape[0], x : x + ink.shape[1]] = (ink.clip(0) / ink.max() * 255).round()
    return field


def _border(plane: np.ndarray) -> np.ndarray:
    """The pixels along the edge, to a depth of a 28th: (H, W, ...) -> (B, ...)."""
    depth = max(1, max(plane.shape[:2]) // 28)
    edge = np.ones(plane.shape[:2], bool)
    edge[depth:-depth, depth:-depth] = False
    return plane[edge]


def _filter(plane: np.ndarray, side: int, pick: Callable) -> np.ndarray:
    """A minimum filter (np.min: erosion) or maximum filter (np.max: dilation) over squares of odd `side`."""
    padded = np.pad(plane, side // 2, mode="edge")
    for axis in (0, 1):
        padded = pick(np.lib.stride_tricks.sliding_window_view(padded, side, axis), axis=-1)
    return padded
