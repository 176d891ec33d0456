"""The atlas: what the network would write at each place of the latent map."""

import numpy as np
import torch
from torch import Tensor

from muddle.bundle.files import Bundle
from muddle.images.palette import SEA, tinted
from muddle.images.pixels import decoded_pixels
from muddle.networks.fuse import fuse_batchnorm

COAST = 0.06  # how far from the nearest exemplar's place there is still land; the map is 2 wide
SIDE = 36  # digits from edge to edge of a picture that says no other
BLOCK = 500  # places that are decoded at once
EDGE = 1.05  # of the middle of the outermost pictures: land reaches a little beyond the exemplars, which lie within 1


def grid(side: int) -> Tensor:
    """Places in rows from the top left of the map, float64 (side * side, 2): x to the right, y upwards."""
    axis = torch.linspace(-EDGE, EDGE, side, dtype=torch.float64)
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def on_land(bundle: Bundle, places: Tensor) -> Tensor:
    """Which places, (N, 2), have a real image near them: bool (N,)."""
    return near(places, bundle.projection(bundle.exemplars.codes))


def near(places: Tensor, exemplars: Tensor) -> Tensor:
    """Which places, (N, 2), have one of the exemplars' places, (M, 2), within COAST: bool (N,)."""
    return torch.cat([torch.cdist(part, exemplars).amin(1) for part in places.split(BLOCK)]) < COAST


@torch.inference_mode()
def mosaic(bundle: Bundle, side: int = SIDE) -> np.ndarray:
    """The digit at each place of a grid in its country's colour, and the sea: uint8 (side * 28, side * 28, 3)."""
    places = grid(side)
    codes = bundle.inverse(places)
    decode = fuse_batchnorm(bundle.autoencoder).decode
    tiles = torch.cat([decoded_pixels(decode(part)) for part in codes.split(BLOCK)]).reshape(-1, 28, 28)
    top = bundle.surrogate(codes).teachers.softmax(-1).mean(-2).topk(2, dim=1)
    picture = tinted(tiles.numpy(), top.indices[:, 0].numpy(), top.values[:, 1].numpy())
    picture[~on_land(bundle, places).numpy()] = SEA
    return picture.reshape(side, side, 28, 28, 3).swapaxes(1, 2).reshape(side * 28, side * 28, 3)
