"""The surrogate: what teachers would say of a code's image, predicted from the code without decoding it.

Searching images is slow and searching codes is not. A large ensemble of teachers labels decoded codes once, in
training; this small network learns their answers and is what the balanced strategy searches with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class SurrogateConfig:
    """How many `teachers` it imitates, from codes of length `latent`, with two hidden layers of `width`."""

    teachers: int
    latent: int = 10
    width: int = 256


class Prediction(NamedTuple):
    """What the surrogate says of codes (..., D)."""

    logits: Tensor  # (..., J, 10): each teacher's
    likeness: Tensor  # (...): the likeness logit
    grey: Tensor  # (...): the grey share, about 0 to 1


class Surrogate(nn.Module):
    """A dense network from codes to the logits of every teacher, the likeness logit and the grey share."""

    def __init__(self, config: SurrogateConfig):
        super().__init__()
        self.config = config
        w = config.width
        self.net = nn.Sequential(
            nn.Linear(config.latent, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, config.teachers * 10 + 2)
        )

    def forward(self, codes: Tensor) -> Prediction:
        """Predictions for codes (..., D)."""
        return _named(self.net(codes))

    def with_pull(self, codes: Tensor) -> tuple[Prediction, Callable[[Prediction], Tensor]]:
        """Predictions for codes (..., D), and the function from the gradient by them to the gradient by the codes."""
        first, _, second, _, last = self.net
        one = first(codes)
        gate_one = one.sigmoid()
        two = second(one * gate_one)
        gate_two = two.sigmoid()

        def pull(by: Prediction) -> Tensor:
            by_out = torch.cat([by.logits.flatten(-2), by.likeness[..., None], by.grey[..., None]], -1)
            by_two = (by_out @ last.weight) * (gate_two * (1 + two * (1 - gate_two)))  # SiLU's derivative
            return ((by_two @ second.weight) * (gate_one * (1 + one * (1 - gate_one)))) @ first.weight

        return _named(last(two * gate_two)), pull


def _named(out: Tensor) -> Prediction:
    return Prediction(out[..., :-2].unflatten(-1, (-1, 10)), out[..., -2], out[..., -1])


def of_pair(probabilities: Tensor, digit: Tensor, target: Tensor) -> Tensor:
    """What each classifier gives to the two intended digits: (..., J, 10) -> (..., J, 2).

    Digit and target are int64, of the shape of the axes before J or one that broadcasts to it.
    """
    index = torch.stack(torch.broadcast_tensors(digit, target), -1)[..., None, :]
    return probabilities.gather(-1, index.expand(*probabilities.shape[:-1], 2))


def undecided(pairs: Tensor) -> Tensor:
    """How far from a decision classifiers are, each for itself: the mean over them of 4 p(digit) p(target).

    0 (every one is sure, or means other digits) to 1 (every one gives both a half); clueless ones score 0.04.
    (..., J, 2), as `of_pair` gives it -> (...).
    """
    return 4 * (pairs[..., 0] * pairs[..., 1]).mean(-1)
