import csv
import math

import numpy as np
import pytest
import torch

from muddle.errors import DataError
from train.data import Digits
from train.report.people import TURK, turk_figures


def rows():
    with TURK.open() as file:
        return [{key: int(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def stand_ins(muddler):
    """Ten thousand test images with MNIST's labels where there are votes, of exemplars of those labels."""
    labels = torch.zeros(10_000, dtype=torch.int64)
    for row in rows():
        labels[row["test_index"]] = row["label"]
    exemplars = muddler.bundle.exemplars
    first = torch.tensor([int(exemplars.indices_of(digit)[0]) for digit in range(10)])
    return Digits(exemplars.images[first[labels]], labels)


def test_the_table_of_votes_is_whole():
    assert len(rows()) == 100
    for row in rows():
        assert 4 <= row["only_label"] + row["only_guess"] + row["both"] + row["neither"] <= 5
        assert 0 <= row["label"] <= 9
        assert 0 <= row["guess"] <= 9


def test_judges_that_are_sure_of_the_label_are_scored_by_those_who_chose_it(muddler, stand_ins):
    found = turk_figures(muddler, stand_ins)
    counted = [row for row in rows() if row["label"] != row["guess"] and row["only_label"] + row["only_guess"]]
    first, second = (sum(row[key] for row in counted) for key in ("only_label", "only_guess"))
    assert (found["images"], found["votes"]) == (len(counted), first + second)
    mean = found["predicted_by"]["the judges' mean"]
    assert mean["brier"]["value"] == pytest.approx(second / (first + second), abs=0.02)
    assert found["predicted_by"]["a coin"]["log_likelihood"]["value"] == pytest.approx(math.log(0.5))
    assert len(found["predicted_by"]) == 12


def test_other_images_than_mnists_are_refused(muddler):
    exemplars = muddler.bundle.exemplars
    with pytest.raises(DataError, match="--data mnist"):
        turk_figures(muddler, Digits(exemplars.images, exemplars.labels))


def test_the_shipped_report_has_every_judge_beside_people(muddler):
    people = muddler.bundle.report["people"]
    assert people["votes"] > 350
    judges = [judge["name"] for judge in muddler.bundle.report["judges"]][:-1]
    assert list(people["predicted_by"]) == ["the judges' mean", *judges, "a coin"]
    for figures in people["predicted_by"].values():
        value, low, high = (figures["brier"][key] for key in ("value", "low", "high"))
        assert low <= value <= high
    assert np.isfinite(people["predicted_by"]["the judges' mean"]["rank_correlation"]["value"])
