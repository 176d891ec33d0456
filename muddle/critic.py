"""What is said of images and of codes: by the judges, the likeness score and the grey share, and by the surrogate.

Said exactly, in float64, or roughly, in float32 and several times faster. The rough opinion only rules out what cannot
win, so results do not depend on it.
"""

import copy
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from muddle.bundle import Bundle
from muddle.judge import Ensemble
from muddle.likeness import Likeness
from muddle.metrics import grey_share
from muddle.pixels import to_unit
from muddle.surrogate import Surrogate

LIKENESS_FLOOR = 10  # percentile of real digits below which likeness counts against an image
CODE_BLOCK, PIXEL_BLOCK = 1024, 32  # as many as a processor's cache takes with their hidden layers
Network = TypeVar("Network", bound=nn.Module)


class Opinion(NamedTuple):
    """What is said of images (...)."""

    probabilities: Tensor  # (..., J, 10): each classifier's
    likeness: Tensor  # (...): the likeness logit, above that of the LIKENESS_FLOOR
    grey: Tensor  # (...): the grey share

    def each(self, change: Callable[[Tensor], Tensor]) -> "Opinion":
        """The same change made to each column."""
        return Opinion(*map(change, self))


class Critic:
    """Opinions by the networks of one bundle."""

    def __init__(self, bundle: Bundle):
        self._judges, self._likeness, self._surrogate = bundle.judges, bundle.likeness, bundle.surrogate
        self._rough_judges, self._rough_likeness = (_float32(net) for net in (bundle.judges, bundle.likeness))
        self._rough_surrogate = _float32(bundle.surrogate)
        self._floor = bundle.likeness.quantiles[LIKENESS_FLOOR]

    def of_pixels(self, pixels: Tensor, *, rough: bool = False) -> Opinion:
        """Of images, uint8 (N, 28, 28): the judges' (J of them) and the likeness score's."""
        if rough:
            images = to_unit(pixels)
            return self._seen(self._rough_judges, self._rough_likeness, images.float(), grey_share(images))
        blocks = (to_unit(block) for block in pixels.split(PIXEL_BLOCK))
        return _joined([self._seen(self._judges, self._likeness, block, grey_share(block)) for block in blocks])

    def of_codes(self, codes: Tensor, *, rough: bool = False) -> Opinion:
        """Of the images of codes, (..., D), which are not decoded: the teachers' (J of them), as predicted."""
        if not rough:
            return self._predicted(self._surrogate, codes)
        blocks = codes.float().flatten(0, -2).split(CODE_BLOCK)
        seen = _joined([self._predicted(self._rough_surrogate, block) for block in blocks])
        return seen.each(lambda column: column.unflatten(0, codes.shape[:-1]))

    def percentile(self, seen: Opinion) -> Tensor:
        """The likeness of images (N,) as the share of real test digits that score lower, 0 to 100: (N,)."""
        return self._likeness.percentile(seen.likeness + self._floor)

    def _seen(self, judges: Ensemble, likeness: Likeness, images: Tensor, grey: Tensor) -> Opinion:
        return Opinion(judges(images).movedim(0, 1), likeness(images) - self._floor, grey)

    def _predicted(self, surrogate: Surrogate, codes: Tensor) -> Opinion:
        seen = surrogate(codes)
        probabilities = seen.logits.mT.contiguous().softmax(-2).mT  # five times as fast as along the last axis
        return Opinion(probabilities, seen.likeness - self._floor, seen.grey)


def _joined(parts: list[Opinion]) -> Opinion:
    return Opinion(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _float32(network: Network) -> Network:
    return copy.deepcopy(network).float()
