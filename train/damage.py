"""Damage that makes of a digit what is no digit: negative examples for the likeness network.

Every function maps images in [0, 1], (N, 1, 28, 28), to the same shape.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blend the digit with strong pixel noise, up to noise alone."""
    grain = torch.rand(images.shape, generator=generator)
    share = 0.3 + 0.7 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return torch.lerp(images, grain, share)


def blend(images: Tensor, generator: torch.Generator) -> Tensor:
    """Lay three digits over each other: their mean, or their maximum."""
    three = torch.stack([images, *(images[torch.randperm(len(images), generator=generator)] for _ in range(2))])
    soft = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(soft, three.mean(0) * 1.5, three.amax(0)).clamp(0, 1)


def erase(images: Tensor, generator: torch.Generator) -> Tensor:
    """Erase a band across the middle, which leaves strokes with a gap."""
    position = torch.arange(28) - torch.randint(8, 19, (len(images), 1), generator=generator)
    gap = position.abs() <= torch.randint(2, 5, (len(images), 1), generator=generator)  # (N, 28)
    upright = torch.rand(len(images), 1, 1, generator=generator) < 0.5
    mask = torch.where(upright, gap[:, :, None].expand(-1, 28, 28), gap[:, None, :].expand(-1, 28, 28))
    return images * ~mask[:, None]


def tear(images: Tensor, generator: torch.Generator) -> Tensor:
    """Slide the lower half sideways."""
    shift = torch.randint(4, 9, (), generator=generator) * (2 * torch.randint(0, 2, (), generator=generator) - 1)
    cut = int(torch.randint(10, 18, (), generator=generator))
    return torch.cat([images[:, :, :cut], images[:, :, cut:].roll(int(shift), 3)], 2)


def double(images: Tensor, generator: torch.Generator) -> Tensor:
    """Lay a shifted copy of the digit over it."""
    dy, dx = (int(v) for v in torch.randint(3, 7, (2,), generator=generator))
    return torch.maximum(images, images.roll((dy, dx), (2, 3)))


def off_centre(images: Tensor, generator: torch.Generator) -> Tensor:
    """Push the digit to the edge of the picture."""
    dy, dx = (int(v) for v in torch.randint(6, 11, (2,), generator=generator))
    return images.roll((dy, -dx), (2, 3))


def blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """Smear the strokes with a box filter, to the grey of an average."""
    return F.avg_pool2d(F.avg_pool2d(images, 3, 1, 1), 3, 1, 1).mul(1.6).clamp(0, 1)


def specks(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle tiles of 7 x 7 pixels."""
    tiles = F.unfold(images, 7, stride=7)  # (N, 49, 16)
    return F.fold(tiles[:, :, torch.randperm(16, generator=generator)], 28, 7, stride=7)


DAMAGE = (noise, blend, erase, tear, double, off_centre, blur, specks)
