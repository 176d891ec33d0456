"""Convert between grey levels, uint8, and the values in [0, 1] that the networks take."""

import torch
from torch import Tensor

from muddle.images import BLACK


def to_unit(pixels: Tensor) -> Tensor:
    """Scale pixels for the networks: uint8 (N, 28, 28) -> float64 (N, 1, 28, 28) in [0, 1]."""
    return pixels[:, None].double() / 255


def to_pixels(images: Tensor) -> Tensor:
    """Round images to grey levels: float (N, 1, 28, 28) in [0, 1] -> uint8 (N, 28, 28)."""
    return (images.squeeze(1) * 255).round().to(torch.uint8)


def decoded_pixels(images: Tensor) -> Tensor:
    """The same for what a decoder has made, on a background that is black: nothing from 1 to BLACK - 1 is left."""
    return to_pixels(on_black(images))


def on_black(images: Tensor) -> Tensor:
    """Images in [0, 1] without what is too faint to be seen."""
    return images * (images * 255 >= BLACK - 0.5)
