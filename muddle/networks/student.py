"""The student: predicts from an image how each of many classifiers scores it, at the cost of one small network.

It is distilled from them (Hinton et al., 2015): from the judges, and from more teachers than would fit into a bundle.
The surrogate, which has no image to look at, leads a search; the student chooses among the images where it arrives.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from muddle.networks.surrogate import Prediction


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
        self.strided = nn.Sequential(
            nn.Conv2d(1, w, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(w), nn.SiLU(),
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(2 * w), nn.SiLU(),
        )  # fmt: skip
        self.body = nn.Sequential(nn.Conv2d(2 * w, 2 * w, 3, padding=1, bias=False), nn.BatchNorm2d(2 * w), nn.SiLU())
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(2 * w * 49, 12 * w), nn.SiLU(), nn.Linear(12 * w, config.teachers * 10 + 12)
        )

    def forward(self, images: Tensor) -> Prediction:
        """Predict for images in [0, 1], (N, 1, 28, 28)."""
        x = self.strided(images)
        return Prediction.from_columns(self.head(x + self.body(x)))
