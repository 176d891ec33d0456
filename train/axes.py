"""What each axis of the code does to the handwriting, by image moments."""

import torch
from torch import Tensor

from muddle.networks.autoencoder import Autoencoder

NAMES = {  # of a moment that grows with the axis, and of one that shrinks
    "weight": ("bolder", "lighter"),
    "width": ("wider", "narrower"),
    "height": ("taller", "flatter"),
    "slant": ("leans right", "leans left"),
}
EFFECT = 0.5  # that an axis needs for a name: standard deviations that a step from -1 to 1 moves a moment
AGREED = 0.95  # share of the digits that it must move the same way


def moments(images: Tensor) -> Tensor:
    """Weight, width, height and slant of images in [0, 1], (N, 1, 28, 28): float64 (N, 4).

    Weight: the sum of the ink. Width and height: its standard deviations in pixels. Slant: how many pixels the ink goes
    to the right for each one that it goes up, by linear regression; MNIST's digits are often made upright by it.
    """
    ink = images.squeeze(1).double()
    axis = torch.arange(28, dtype=torch.float64)
    weight = ink.sum((1, 2))
    x = axis - ((ink.sum(1) @ axis) / weight)[:, None]  # (N, 28), from the ink's middle
    y = ((ink.sum(2) @ axis) / weight)[:, None] - axis  # upwards
    width, height = ((ink.sum(1) * x**2).sum(1) / weight).sqrt(), ((ink.sum(2) * y**2).sum(1) / weight).sqrt()
    together = torch.einsum("nij,ni,nj->n", ink, y, x) / weight
    return torch.stack([weight, width, height, together / height**2], 1)


def axis_names(autoencoder: Autoencoder, codes: Tensor) -> list[str]:
    """What happens to the digits of codes, (N, D), as each axis grows by two: D of NAMES' words, or an empty text.

    It is the moment that moves most, in its own standard deviations over the digits, among those that AGREED of the
    digits agree on.
    """
    spread = moments(autoencoder.decode(codes)).std(0).clamp_min(1e-9)
    names = []
    for axis in torch.eye(codes.shape[1], dtype=codes.dtype):
        change = (moments(autoencoder.decode(codes + axis)) - moments(autoencoder.decode(codes - axis))) / spread
        mean = change.mean(0)
        agreed = (change.sign() == mean.sign()).double().mean(0) > AGREED
        effect, moment = (mean.abs() * agreed).max(0)
        grows, shrinks = NAMES[list(NAMES)[moment]]
        names.append((grows if mean[moment] > 0 else shrinks) if effect > EFFECT else "")
    return names
