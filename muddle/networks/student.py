"""The student: predicts from an image how each of many classifiers scores it, at the cost of one small network.

It is distilled from them (Hinton et al., 2015): from the judges, and from more teachers than would fit into a bundle.
The surrogate, which has no image to look at, leads a search; the student chooses among the images where it arrives.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from muddle.networks.judges import conv
from muddle.networks.surrogate import EXTRA, Prediction


@dataclass(frozen=True)
class StudentConfig:
    """The number of `teachers`, and the `width` that scales the layers."""

    teachers: int
    width: int = 16


class Student(nn.Module):
    """Two strided convolutions, a residual one, and two dense layers."""

    def __init__(self, config: StudentConfig):
        super().__init__()
        self.config = config
        w = config.width
        self.strided = nn.Sequential(*conv(1, w, kernel=5, stride=2), *conv(w, 2 * w, stride=2))
        self.body = conv(2 * w, 2 * w)
        hidden, outputs = 12 * w, config.teachers * 10 + EXTRA
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(2 * w * 49, hidden), nn.SiLU(), nn.Linear(hidden, outputs))

    def forward(self, images: Tensor) -> Prediction:
        """Predict for images in [0, 1], (N, 1, 28, 28)."""
        x = self.strided(images)
        return Prediction.from_columns(self.head(x + self.body(x)))
