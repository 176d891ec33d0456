"""Scores of images and of codes: what judges, likeness network and surrogate of one bundle say of them.

Exactly, in float64, or for screening, in float32 and several times faster. Screening only rules out candidates that
cannot win, so results do not depend on it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.bundle.files import Bundle
from muddle.images.pixels import to_unit
from muddle.networks.fuse import Network, fuse_batchnorm
from muddle.networks.surrogate import Prediction
from muddle.search.metrics import grey_share

LIKENESS_FLOOR = 10  # percentile of real digits below which likeness counts against an image
CODE_BLOCK, PIXEL_BLOCK = 1024, 32  # as many as a processor's cache takes with their hidden layers
SCREENING_PAYS = 8  # up to this many images, scoring all in float64 is as fast as screening them in float32 first
TOLERANCE = 3e-5  # of a judge's probability, ten times the largest float32 error on 2,160 images
MEAN_TOLERANCE = 5e-6  # of the judges' mean, ten times its largest on 132,000


class ImageScores(NamedTuple):
    """Scores of images (...)."""

    probabilities: Tensor  # (..., J, 10): each classifier's
    likeness: Tensor  # (...): the likeness logit, above that of the LIKENESS_FLOOR
    grey: Tensor  # (...): the grey share

    def map(self, function: Callable[[Tensor], Tensor]) -> "ImageScores":
        """The scores with the function applied to each column."""
        return ImageScores(*map(function, self))


class Opinions(NamedTuple):
    """What the judges say of N images."""

    each: Tensor  # (N, J, 10): probabilities to a hundredth
    mean: Tensor  # (N, 10): to a thousandth


class Scorer:
    """The networks of one bundle, as the search uses them. Holds no state."""

    def __init__(self, bundle: Bundle):
        self._judges, self._likeness, self._surrogate = fuse_batchnorm(bundle.judges), bundle.likeness, bundle.surrogate
        self._fast_judges, self._fast_likeness = _float32(bundle.judges), _float32(bundle.likeness)
        self._fast_surrogate = _float32(bundle.surrogate)
        self._floor = bundle.likeness.quantiles[LIKENESS_FLOOR]
        self.decode: Callable[[Tensor], Tensor] = fuse_batchnorm(bundle.autoencoder).decode

    def score_images(self, pixels: Tensor, *, screening: bool = False) -> ImageScores:
        """Scores of images, uint8 (N, 28, 28), by the judges (J of them) and the likeness network."""
        if screening:
            images = to_unit(pixels)
            fast = images.float()
            return self._image_scores(self._fast_judges(fast), self._fast_likeness(fast), grey_share(images))
        blocks = (to_unit(block) for block in pixels.split(PIXEL_BLOCK))
        return _concatenate([self._image_scores(self._judges(b), self._likeness(b), grey_share(b)) for b in blocks])

    def opinions(self, pixels: Tensor) -> Opinions:
        """What the judges say of images, uint8 (N, 28, 28), rounded.

        float32 suffices unless a value is within its error of a rounding boundary; those images are judged again in
        float64.
        """
        blocks = pixels.split(PIXEL_BLOCK)
        each = torch.cat([self.score_images(block, screening=True).probabilities.double() for block in blocks])
        unsure = _near_boundary(each.flatten(1), 100, TOLERANCE) | _near_boundary(each.mean(1), 1000, MEAN_TOLERANCE)
        if unsure.any():
            each[unsure] = self.score_images(pixels[unsure]).probabilities
        return Opinions(each.round(decimals=2), each.mean(1).round(decimals=3))

    def first_choices(self, pixels: Tensor) -> Tensor:
        """The digit that each judge takes for the likeliest, for images, uint8 (N, 28, 28): int64 (N, J).

        float32 suffices unless the two likeliest are within its error; those images are judged again in float64.
        """
        blocks = pixels.split(PIXEL_BLOCK)
        each = torch.cat([self.score_images(block, screening=True).probabilities.double() for block in blocks])
        first, second = each.topk(2, dim=2).values.unbind(2)
        unsure = (first - second < 2 * TOLERANCE).any(1)
        if unsure.any():
            each[unsure] = self.score_images(pixels[unsure]).probabilities
        return each.argmax(2)

    def score_codes(self, codes: Tensor, *, screening: bool = False) -> ImageScores:
        """Predicted scores of the images of codes, (..., D), without decoding them; J teachers instead of judges."""
        if not screening:
            return self._predicted_scores(self._surrogate(codes))
        blocks = codes.float().flatten(0, -2).split(CODE_BLOCK)
        scores = _concatenate([self._predicted_scores(self._fast_surrogate(block)) for block in blocks])
        return scores.map(lambda column: column.unflatten(0, codes.shape[:-1]))

    def score_codes_with_vjp(self, codes: Tensor) -> tuple[ImageScores, Callable[[Prediction], Tensor]]:
        """`score_codes` in float64, and the vector-Jacobian product: from the gradient with respect to logits, likeness
        and grey share to the gradient with respect to the codes."""
        prediction, vjp = self._surrogate.with_vjp(codes)
        return self._predicted_scores(prediction), vjp

    def percentile(self, scores: ImageScores) -> Tensor:
        """The likeness of images (N,) as the share of real test digits that score lower, 0 to 100: (N,)."""
        return self._likeness.percentile(scores.likeness + self._floor)

    def _image_scores(self, probabilities: Tensor, likeness: Tensor, grey: Tensor) -> ImageScores:
        return ImageScores(probabilities.movedim(0, 1), likeness - self._floor, grey)

    def _predicted_scores(self, prediction: Prediction) -> ImageScores:
        probabilities = prediction.logits.mT.contiguous().softmax(-2).mT  # five times as fast as along the last axis
        return ImageScores(probabilities, prediction.likeness - self._floor, prediction.grey)


def _near_boundary(values: Tensor, scale: int, error: float) -> Tensor:
    """Which rows have a value that an error could round to another whole number of 1 / scale: (N, M) -> (N,)."""
    return ((scale * values).remainder(1) - 0.5).abs().amin(1) < scale * error


def _concatenate(parts: list[ImageScores]) -> ImageScores:
    return ImageScores(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _float32(network: Network) -> Network:
    return fuse_batchnorm(network).float().to(memory_format=torch.channels_last)
