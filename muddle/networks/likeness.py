"""The likeness network: scores how much an image looks like a digit, whichever it is. Trained apart from the judges."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

PERCENTILES = 101


@dataclass(frozen=True)
class LikenessConfig:
    """The `width` of the first of three convolutions; each following one doubles it."""

    width: int = 16


class Likeness(nn.Module):
    """A binary classifier of real digits against damaged ones, whose logit is read as a percentile.

    `quantiles` holds the logits of real test digits at percentiles 0 to 100.
    """

    def __init__(self, config: LikenessConfig = LikenessConfig()):
        super().__init__()
        self.config = config
        w = config.width
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, w), (w, 2 * w), (2 * w, 4 * w)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(4 * w * 9, 1))
        self.register_buffer("quantiles", torch.linspace(-1, 1, PERCENTILES))

    def forward(self, images: Tensor) -> Tensor:
        """The logit of "a real digit": (N, 1, 28, 28) in [0, 1] -> (N,)."""
        return self.net(images).squeeze(1)

    def percentile(self, logits: Tensor) -> Tensor:
        """The share of real test digits that score lower, in percent, 0 to 100: (N,) -> (N,).

        Real digits are uniformly distributed over 0 to 100; noise scores 0.
        """
        above = torch.searchsorted(self.quantiles, logits.contiguous()).clamp(1, PERCENTILES - 1)
        low, high = self.quantiles[above - 1], self.quantiles[above]
        part = ((logits - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
        return above - 1 + part
