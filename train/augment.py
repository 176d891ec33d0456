"""Random changes that leave a digit the digit it is."""

import torch
import torch.nn.functional as F
from torch import Tensor


def affine(images: Tensor, strength: float, *, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shear and shift each image at random: (N, 1, 28, 28) -> the same shape.

    At strength 1: rotation of up to 15 degrees, scale 0.85 to 1.15, shear up to 0.2, shift up to 2 pixels.
    """
    n = len(images)
    angle, scale, shear, *shift = (2 * torch.rand(5, n, generator=generator) - 1) * strength
    angle, scale = angle * 15 * torch.pi / 180, 1 + 0.15 * scale
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = [
        torch.stack([cos, -sin + 0.2 * shear, 2 * 2 * shift[0] / 28], 1),
        torch.stack([sin, cos, 2 * 2 * shift[1] / 28], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1).to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def mixup(images: Tensor, targets: Tensor, share: float, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Blend a share of the images, and their soft targets, with others (Zhang et al., 2018, at alpha = 1).

    (N, 1, 28, 28), (N, K) -> the same shapes.
    """
    partner = torch.randperm(len(images), generator=generator)
    weight = torch.rand(len(images), generator=generator)
    blended = torch.rand(len(images), generator=generator) < share
    weight = torch.where(blended, weight, 1.0).to(images.device)
    mixed = torch.lerp(images[partner], images, weight[:, None, None, None])
    return mixed, torch.lerp(targets[partner], targets, weight[:, None])
