"""The projection: where a latent code lies on the latent map, a picture of the latent space in two dimensions.

A network, not a table of points, so that any code has a place and a path of codes is a curve. It is smooth, and what
is near on the map was near in the latent space: a parametric t-SNE, taught in training.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ProjectionConfig:
    """From codes of length `latent`, with two hidden layers of `width`."""

    latent: int = 10
    width: int = 128


class Projection(nn.Module):
    """A dense network from codes to places on the map.

    Its buffers `centre` and `reach` put the exemplars' places within [-1, 1]: 0 is the middle of each axis, and the
    longer axis is filled. Both axes have the same scale.
    """

    def __init__(self, config: ProjectionConfig = ProjectionConfig()):
        super().__init__()
        self.config = config
        w = config.width
        self.net = nn.Sequential(nn.Linear(config.latent, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, 2))
        self.register_buffer("centre", torch.zeros(2))
        self.register_buffer("reach", torch.ones(()))

    def forward(self, codes: Tensor) -> Tensor:
        """Places of codes, (..., D) -> (..., 2): exemplars within [-1, 1], other codes near it."""
        return (self.net(codes) - self.centre) / self.reach
