"""The projection of latent codes onto the latent map, a picture of the latent space in two dimensions.

A parametric t-SNE (van der Maaten, 2009): a smooth network instead of a table of points, so that any code has a place
and a path of codes is a curve. Neighbours on the map are neighbours in the latent space.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ProjectionConfig:
    """The length of the `latent` codes, and the `width` of two hidden layers."""

    latent: int = 10
    width: int = 128


class Projection(nn.Module):
    """A dense network from codes to places on the map.

    The buffers `centre` and `reach` scale the exemplars' places to [-1, 1]: 0 is the middle of each axis, and the
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
        """Project codes to places, (..., D) -> (..., 2): exemplars within [-1, 1], other codes near it."""
        return (self.net(codes) - self.centre) / self.reach


class Inverse(nn.Module):
    """A dense network from places on the map back to codes: of the many codes that lie at a place, a typical one."""

    def __init__(self, config: ProjectionConfig = ProjectionConfig()):
        super().__init__()
        self.config = config
        w = config.width
        self.net = nn.Sequential(nn.Linear(2, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, config.latent))

    def forward(self, places: Tensor) -> Tensor:
        """Codes of places, (..., 2) -> (..., D). Far from every exemplar's place they are no digits."""
        return self.net(places)
