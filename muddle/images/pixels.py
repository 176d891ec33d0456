"""Convert between grey levels, uint8, and the values in [0, 1] that the networks take."""

import torch
from torch import Tensor


def to_unit(pixels: Tensor) -> Tensor:
    """Scale pixels for the networks: uint8 (N, 28, 28) -> float64 (N, 1, 28, 28) in [0, 1]."""
    return pixels[:, None].double() / 255


def to_pixels(images: Tensor) -> Tensor:
    """Round images to grey levels: float (N, 1, 28, 28) in [0, 1] -> uint8 (N, 28, 28)."""
    return (images.squeeze(1) * 255).round().to(torch.uint8)
