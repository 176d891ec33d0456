"""The surrogate: predicts from a latent code how a large ensemble of classifiers scores its image, without decoding it.

Searching images is slow, searching codes is not. In training, an ensemble of teachers labels decoded codes once; this
small network is distilled from those labels (Hinton et al., 2015), and the balanced strategy searches with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class SurrogateConfig:
    """The number of `teachers`, the length of the `latent` codes, and the `width` of two hidden layers."""

    teachers: int
    latent: int = 10
    width: int = 256


class Prediction(NamedTuple):
    """The surrogate's outputs for codes (..., D)."""

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
        """Predict for codes (..., D)."""
        return _prediction(self.net(codes))

    def with_vjp(self, codes: Tensor) -> tuple[Prediction, Callable[[Prediction], Tensor]]:
        """Predictions for codes (..., D), and their vector-Jacobian product: from the gradient with respect to the
        predictions to the gradient with respect to the codes. As torch.func.vjp, but three times as fast."""
        first, _, second, _, last = self.net
        one = first(codes)
        gate_one = one.sigmoid()
        two = second(one * gate_one)
        gate_two = two.sigmoid()

        def vjp(grad: Prediction) -> Tensor:
            grad_out = torch.cat([grad.logits.flatten(-2), grad.likeness[..., None], grad.grey[..., None]], -1)
            grad_two = (grad_out @ last.weight) * (gate_two * (1 + two * (1 - gate_two)))  # SiLU's derivative
            return ((grad_two @ second.weight) * (gate_one * (1 + one * (1 - gate_one)))) @ first.weight

        return _prediction(last(two * gate_two)), vjp


def _prediction(out: Tensor) -> Prediction:
    return Prediction(out[..., :-2].unflatten(-1, (-1, 10)), out[..., -2], out[..., -1])
