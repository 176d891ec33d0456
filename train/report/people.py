"""How well the judges predict what people saw in real test digits that are hard to read.

The votes, turk.csv: five Mechanical Turk workers each were shown 100 images of MNIST's test set with two possible
labels, MNIST's and the one that a cross-validated classifier thought likelier. Source: Northcutt, Athalye and Mueller
(2021), "Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks", github.com/cleanlab/label-errors,
mturk/mnist_mturk.json, Apache 2.0; counts of who chose only the one, only the other, both, or neither.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from muddle.errors import DataError
from muddle.muddler import Muddler
from muddle.votes.measures import predictions_by
from train.data import Digits

TURK = Path(__file__).with_name("turk.csv")


def turk_figures(muddler: Muddler, test: Digits) -> dict[str, Any]:
    """The prediction of who chose which of two labels, by the judges' mean, each judge alone, and a coin.

    Of images whose two labels differ; who chose both or neither is not counted. Raises DataError when the test images
    are not MNIST's.
    """
    with TURK.open(newline="") as file:
        rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["label"] != row["guess"] and row["only_label"] + row["only_guess"]]
    index, label, guess, first, second = (
        np.array([row[key] for row in rows]) for key in ("test_index", "label", "guess", "only_label", "only_guess")
    )
    if len(test) <= index.max() or (test.labels.numpy()[index] != label).any():
        raise DataError("The votes are on MNIST's own test images: train with --data mnist.")
    images, row = test.images.numpy()[index], np.arange(len(index))
    each = np.concatenate([muddler.judge(images)[:, None], muddler.judge_each(images)], 1)  # (N, 1 + J, 10)
    two = each[row, :, label], each[row, :, guess]
    names = [judge["name"] for judge in muddler.bundle.report["judges"]][:-1]
    found = predictions_by(first, second, two[1] / np.maximum(two[0] + two[1], 1e-9), names)
    figures = {
        name: {key: dict(figure._asdict()) for key, figure in prediction._asdict().items()}
        for name, prediction in found.items()
    }
    return {"images": len(rows), "votes": int((first + second).sum()), "predicted_by": figures}
