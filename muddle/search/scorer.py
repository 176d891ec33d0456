"""Scores of images and of codes: what judges, likeness network, student and surrogate of one bundle say of them.

Exactly, in float64, or for screening, in float32 and several times faster. Screening only rules out candidates that
cannot win, so results do not depend on it.
"""

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.bundle.files import Bundle
from muddle.images.pixels import to_unit
from muddle.networks.fuse import Network, fuse_batchnorm
from muddle.networks.surrogate import Prediction
from muddle.search.metrics import grey_share

LIKENESS_FLOOR = 10  # percentile of real digits below which likeness counts against an image
CPU = torch.device("cpu")
PIXEL_BLOCK = 32  # as many images as a processor's cache takes with their hidden layers in float64
FAST_BLOCK = 128  # the same in float32
DEVICE_BLOCK = 4096  # as many as fill another device
TOLERANCE = 3e-5  # of a judge's probability, ten times the largest float32 error on 2,160 images
MEAN_TOLERANCE = 5e-6  # of the judges' mean, ten times its largest on 132,000


class ImageScores(NamedTuple):
    """Scores of images (...)."""

    probabilities: Tensor  # (..., J, 10): each classifier's
    likeness: Tensor  # (...): the likeness logit, above that of the LIKENESS_FLOOR
    grey: Tensor  # (...): the grey share


class Opinions(NamedTuple):
    """What the judges say of N images."""

    each: Tensor  # (N, J, 10): probabilities to a hundredth
    mean: Tensor  # (N, 10): to a thousandth


class Scorer:
    """The networks of one bundle on a device, where everything that is scored must be, as the search uses them. Holds
    no state."""

    def __init__(self, bundle: Bundle, device: torch.device = CPU):
        self.device = device
        self._judges, self._student, self._autoencoder = (
            fuse_batchnorm(network).to(device) for network in (bundle.judges, bundle.student, bundle.autoencoder)
        )
        self._likeness, self._surrogate = (
            network if device == CPU else copy.deepcopy(network).to(device)
            for network in (bundle.likeness, bundle.surrogate)
        )
        self._fast_judges, self._fast_student = (_float32(network) for network in (self._judges, self._student))
        self._floor = self._likeness.quantiles[LIKENESS_FLOOR]
        self._block = PIXEL_BLOCK if device == CPU else DEVICE_BLOCK

    def decode(self, codes: Tensor) -> Tensor:
        """Images of codes: (N, D) -> (N, 1, 28, 28) in [0, 1]."""
        return torch.cat([self._autoencoder.decode(block) for block in codes.split(self._block)])

    def judge(self, pixels: Tensor, *, screening: bool = False) -> Tensor:
        """Each judge's probabilities of images, uint8 (N, 28, 28): (N, J, 10)."""
        judges = self._fast_judges if screening else self._judges
        return torch.cat([judges(images).movedim(0, 1) for images in self._blocks(pixels, screening)])

    def score_images(self, pixels: Tensor) -> ImageScores:
        """Scores of images, uint8 (N, 28, 28), by the judges (J of them) and the likeness network."""
        scores = [(self._likeness(images) - self._floor, grey_share(images)) for images in self._blocks(pixels)]
        return ImageScores(self.judge(pixels), *map(torch.cat, zip(*scores, strict=True)))

    def predict_images(self, pixels: Tensor, *, screening: bool = False) -> Prediction:
        """What the student says of images, uint8 (N, 28, 28); the likeness logit as in `predict`."""
        student = self._fast_student if screening else self._student
        parts = zip(*(student(images) for images in self._blocks(pixels, screening)), strict=True)
        return self._above_floor(Prediction(*map(torch.cat, parts)))

    def _blocks(self, pixels: Tensor, screening: bool = False) -> Iterator[Tensor]:
        """The images in [0, 1] and in the precision of the networks, block after block."""
        for block in pixels.split(max(self._block, FAST_BLOCK) if screening else self._block):
            yield to_unit(block).float() if screening else to_unit(block)

    def opinions(self, pixels: Tensor) -> Opinions:
        """What the judges say of images, uint8 (N, 28, 28), rounded.

        float32 suffices unless a value is within its error of a rounding boundary; those images are judged again in
        float64.
        """
        each = self.judge(pixels, screening=True).double()
        unsure = _near_boundary(each.flatten(1), 100, TOLERANCE) | _near_boundary(each.mean(1), 1000, MEAN_TOLERANCE)
        if unsure.any():
            each[unsure] = self.judge(pixels[unsure])
        return Opinions(each.round(decimals=2), each.mean(1).round(decimals=3))

    def first_choices(self, pixels: Tensor) -> Tensor:
        """The digit that each judge takes for the likeliest, for images, uint8 (N, 28, 28): int64 (N, J).

        float32 suffices unless the two likeliest are within its error; those images are judged again in float64.
        """
        each = self.judge(pixels, screening=True).double()
        first, second = each.topk(2, dim=2).values.unbind(2)
        unsure = (first - second < 2 * TOLERANCE).any(1)
        if unsure.any():
            each[unsure] = self.judge(pixels[unsure])
        return each.argmax(2)

    def predict(self, codes: Tensor) -> Prediction:
        """What the surrogate says of the images of codes, (..., D), without decoding them; the likeness logit is the
        one above that of the LIKENESS_FLOOR."""
        return self._above_floor(self._surrogate(codes))

    def predict_with_vjp(self, codes: Tensor) -> tuple[Prediction, Callable[[Prediction], Tensor]]:
        """`predict`, and the vector-Jacobian product: from the gradient with respect to the prediction to the gradient
        with respect to the codes."""
        prediction, vjp = self._surrogate.with_vjp(codes)
        return self._above_floor(prediction), vjp

    def scout(self, codes: Tensor) -> Tensor:
        """The logits of the teachers' mean, roughly, for codes (..., D): (..., 10)."""
        return self._surrogate.scout(codes)

    def percentile(self, scores: ImageScores) -> Tensor:
        """The likeness of images (N,) as the share of real test digits that score lower, 0 to 100: (N,)."""
        return self._likeness.percentile(scores.likeness + self._floor)

    def _above_floor(self, prediction: Prediction) -> Prediction:
        return prediction._replace(likeness=prediction.likeness - self._floor)


def _near_boundary(values: Tensor, scale: int, error: float) -> Tensor:
    """Which rows have a value that an error could round to another whole number of 1 / scale: (N, M) -> (N,)."""
    return ((scale * values).remainder(1) - 0.5).abs().amin(1) < scale * error


def _float32(network: Network) -> Network:
    return copy.deepcopy(network).float().to(memory_format=torch.channels_last)
