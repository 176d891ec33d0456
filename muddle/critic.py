"""What is said of images and of codes: by the judges, the likeness score and the grey share, and by the surrogate.

Said exactly, in float64, or roughly, in float32 and several times faster. The rough opinion only rules out what cannot
win, so results do not depend on it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.bundle import Bundle
from muddle.folding import Network, folded
from muddle.judge import Ensemble
from muddle.likeness import Likeness
from muddle.metrics import grey_share
from muddle.pixels import to_unit
from muddle.surrogate import Prediction, Surrogate

LIKENESS_FLOOR = 10  # percentile of real digits below which likeness counts against an image
CODE_BLOCK, PIXEL_BLOCK = 1024, 32  # as many as a processor's cache takes with their hidden layers
FEW = 8  # images that are judged as quickly exactly as roughly and then some of them exactly
TOLERANCE = 5e-6  # of a probability, ten times what the worst of 132,000 rough ones was off by


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
        self._judges, self._likeness, self._surrogate = folded(bundle.judges), bundle.likeness, bundle.surrogate
        self._rough_judges, self._rough_likeness = _rough(bundle.judges), _rough(bundle.likeness)
        self._rough_surrogate = _rough(bundle.surrogate)
        self._floor = bundle.likeness.quantiles[LIKENESS_FLOOR]

    def of_pixels(self, pixels: Tensor, *, rough: bool = False) -> Opinion:
        """Of images, uint8 (N, 28, 28): the judges' (J of them) and the likeness score's."""
        if rough:
            images = to_unit(pixels)
            return self._seen(self._rough_judges, self._rough_likeness, images.float(), grey_share(images))
        blocks = (to_unit(block) for block in pixels.split(PIXEL_BLOCK))
        return _joined([self._seen(self._judges, self._likeness, block, grey_share(block)) for block in blocks])

    def along(self, pixels: Tensor) -> Tensor:
        """The judges' mean on images, uint8 (N, 28, 28), to a thousandth: float64 (N, 10).

        Rough opinions do, but for those so close to a half thousandth that they might be rounded to the other side.
        """
        blocks = pixels.split(PIXEL_BLOCK)
        mean = torch.cat([self.of_pixels(block, rough=True).probabilities.double().mean(1) for block in blocks])
        unsure = ((1000 * mean).remainder(1) - 0.5).abs().amin(1) < 1000 * TOLERANCE
        if unsure.any():
            mean[unsure] = self.of_pixels(pixels[unsure]).probabilities.mean(1)
        return mean.round(decimals=3)

    def of_codes(self, codes: Tensor, *, rough: bool = False) -> Opinion:
        """Of the images of codes, (..., D), which are not decoded: the teachers' (J of them), as predicted."""
        if not rough:
            return self._predicted(self._surrogate, codes)
        blocks = codes.float().flatten(0, -2).split(CODE_BLOCK)
        seen = _joined([self._predicted(self._rough_surrogate, block) for block in blocks])
        return seen.each(lambda column: column.unflatten(0, codes.shape[:-1]))

    def of_codes_with_pull(self, codes: Tensor) -> tuple[Opinion, Callable[[Prediction], Tensor]]:
        """The same, exactly, and the function from the gradient by logits, likeness and grey to that by the codes."""
        seen, pull = self._surrogate.with_pull(codes)
        return self._opinion(seen), pull

    def percentile(self, seen: Opinion) -> Tensor:
        """The likeness of images (N,) as the share of real test digits that score lower, 0 to 100: (N,)."""
        return self._likeness.percentile(seen.likeness + self._floor)

    def _seen(self, judges: Ensemble, likeness: Likeness, images: Tensor, grey: Tensor) -> Opinion:
        return Opinion(judges(images).movedim(0, 1), likeness(images) - self._floor, grey)

    def _predicted(self, surrogate: Surrogate, codes: Tensor) -> Opinion:
        return self._opinion(surrogate(codes))

    def _opinion(self, seen: Prediction) -> Opinion:
        probabilities = seen.logits.mT.contiguous().softmax(-2).mT  # five times as fast as along the last axis
        return Opinion(probabilities, seen.likeness - self._floor, seen.grey)


def _joined(parts: list[Opinion]) -> Opinion:
    return Opinion(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _rough(network: Network) -> Network:
    return folded(network).float().to(memory_format=torch.channels_last)
