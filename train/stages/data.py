"""Stage `data`: read both splits, downloading them if need be, and count the digits."""

import torch

from train.run import Run


def run_stage(run: Run) -> None:
    """Print how many images each split has, in all and of each digit. Raises DataError."""
    for name, digits in (("training", run.digits(train=True)), ("test", run.digits(train=False))):
        counts = torch.bincount(digits.labels, minlength=10).tolist()
        print(f"{len(digits)} {name} images of {run.source}; of each digit: {counts}")
