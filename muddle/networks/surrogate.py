"""The surrogate: predicts from a latent code how the judges score its image, without decoding it.

Searching images is slow, searching codes is not. In training, the judges label decoded codes once; this small network
is distilled from those labels (Hinton et al., 2015), the judges being its teachers, and leads the balanced strategy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

EXTRA = 12  # outputs that are no teacher's: ten logits without faint ink, the likeness logit, the grey share


@dataclass(frozen=True)
class SurrogateConfig:
    """The number of `teachers`, the length of the `latent` codes, and the widths of two hidden layers: `width` of the
    network's, `scout` of its scout's."""

    teachers: int
    latent: int = 10
    width: int = 256
    scout: int = 64


class Prediction(NamedTuple):
    """What is predicted of codes (..., D) or of images (...)."""

    logits: Tensor  # (..., J + 1, 10): each teacher's, and the judges' mean's on the image without its faint ink
    likeness: Tensor  # (...): the likeness logit
    grey: Tensor  # (...): the grey share, about 0 to 1

    @property
    def teachers(self) -> Tensor:
        """The teachers' logits alone: (..., J, 10)."""
        return self.logits[..., :-1, :]

    @staticmethod
    def from_columns(out: Tensor) -> "Prediction":
        """The outputs of a network's last layer, (..., J * 10 + 12), by their names."""
        return Prediction(out[..., :-2].unflatten(-1, (-1, 10)), out[..., -2], out[..., -1])


class Surrogate(nn.Module):
    """A dense network from codes to what a Prediction has, and a scout: a much smaller one to the logits of the
    teachers' mean alone."""

    def __init__(self, config: SurrogateConfig):
        super().__init__()
        self.config = config
        self.net = _dense(config.latent, config.width, config.teachers * 10 + EXTRA)
        self.scout = _dense(config.latent, config.scout, 10)

    def forward(self, codes: Tensor) -> Prediction:
        """Predict for codes (..., D)."""
        return Prediction.from_columns(self.net(codes))

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

        return Prediction.from_columns(last(two * gate_two)), vjp


def _dense(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, outputs)
    )
