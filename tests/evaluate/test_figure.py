import io
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.probabilities import ambiguous, certain, rows_of

from muddle.errors import ArgumentError
from muddle.evaluate.figure import KINDS, check_name, picture
from muddle.evaluate.measures import evaluate


@pytest.fixture(scope="module")
def found():
    rows = rows_of(*ambiguous(60))
    answers = {"mine": certain(rows.soft_label), "clueless": np.full((60, 10), 0.1)}
    return {name: evaluate(p, rows, resamples=2) for name, p in answers.items()}


def test_the_kind_is_the_names_ending(found):
    assert Image.open(io.BytesIO(picture(found, Path("x.PNG")))).size == (1350, 660)
    assert ET.fromstring(picture(found, Path("x.svg"))).tag.endswith("svg")
    assert picture(found, Path("x.pdf")).startswith(b"%PDF")


def test_the_same_figures_give_the_same_picture_and_others_another(found):
    one = picture(found, Path("x.png"))
    assert picture(found, Path("y.png")) == one
    assert picture({"mine": found["clueless"]}, Path("x.png")) != one


@pytest.mark.parametrize("name", ["x", "x.gif", "svg"])
def test_another_ending_is_refused(name):
    with pytest.raises(ArgumentError) as caught:
        check_name(Path(name))
    assert caught.value.code == "bad-diagram"
    assert all(f".{kind}" in str(caught.value) for kind in KINDS)
