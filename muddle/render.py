"""The one door to PIL: images as PNG."""

import io

import numpy as np
from PIL import Image


def to_image(pixels: np.ndarray, scale: int = 1) -> Image.Image:
    """A grey picture of uint8 (H, W) pixels, each drawn as a square of scale x scale."""
    image = Image.fromarray(pixels)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST) if scale > 1 else image


def png(pixels: np.ndarray, scale: int = 1) -> bytes:
    """PNG file of uint8 (H, W) pixels. The same pixels give the same bytes."""
    buffer = io.BytesIO()
    to_image(pixels, scale).save(buffer, format="PNG")
    return buffer.getvalue()


def tiled(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Images uint8 (N, 28, 28) on one black sheet, row by row: uint8 (H, W)."""
    n, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap), np.uint8)
    for i, image in enumerate(images):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[y : y + height, x : x + width] = image
    return sheet
