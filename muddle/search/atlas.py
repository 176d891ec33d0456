"""The atlas: what the network would write at each place of the latent map."""

import torch
from torch import Tensor

from muddle.bundle.files import Bundle
from muddle.images.pixels import to_pixels
from muddle.networks.fuse import fuse_batchnorm

COAST = 0.06  # how far from the nearest exemplar's place there is still land; the map is 2 wide
BLOCK = 500  # places that are decoded at once
EDGE = 0.98  # of the middle of the outermost pictures


def grid(side: int) -> Tensor:
    """Places in rows from the top left of the map, float64 (side * side, 2): x to the right, y upwards."""
    axis = torch.linspace(-EDGE, EDGE, side, dtype=torch.float64)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def on_land(bundle: Bundle, places: Tensor) -> Tensor:
    """Which places, (N, 2), have a real image near them: bool (N,)."""
    exemplars = bundle.projection(bundle.exemplars.codes)
    return torch.cat([torch.cdist(part, exemplars).amin(1) for part in places.split(BLOCK)]) < COAST


@torch.inference_mode()
def mosaic(bundle: Bundle, side: int) -> Tensor:
    """The digit at each place of a grid, black in the sea: uint8 (side * 28, side * 28)."""
    places = grid(side)
    decode = fuse_batchnorm(bundle.autoencoder).decode
    tiles = torch.cat([to_pixels(decode(part)) for part in bundle.inverse(places).split(BLOCK)]).reshape(-1, 28, 28)
    tiles[~on_land(bundle, places)] = 0
    return tiles.unflatten(0, (side, side)).permute(0, 2, 1, 3).reshape(side * 28, side * 28)
