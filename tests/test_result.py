import pickle
from typing import NamedTuple

import numpy as np
import pytest

from muddle.recipe import Recipe
from muddle.result import Muddle, Origin, concatenate


def test_an_origin_is_named_with_its_revision_if_it_has_one():
    assert str(Origin("embedded", note="why")) == "embedded"
    assert str(Origin("somebody/mnist-muddle", "v1")) == "somebody/mnist-muddle at v1"


class Columns(NamedTuple):
    a: np.ndarray
    b: np.ndarray


@pytest.mark.parametrize("sizes", [(3,), (2, 0, 4)])
def test_batches_are_concatenated_row_by_row(sizes):
    parts = [Columns(np.full(n, i), np.full((n, 2), 10 * i)) for i, n in enumerate(sizes)]
    whole = concatenate(parts)
    assert type(whole) is Columns
    assert whole.a.tolist() == [i for i, n in enumerate(sizes) for _ in range(n)]
    assert whole.b.tolist() == [[10 * i] * 2 for i, n in enumerate(sizes) for _ in range(n)]


def test_a_muddle_has_its_recipes_values_and_its_link(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=3, balance=0.3)
    assert (m.digit, m.target, m.seed, m.strategy, m.steps, m.balance) == (4, 9, 7, "balanced", 3, 0.3)
    assert m.query == Recipe(digit=4, target=9, seed=7, steps=3, balance=0.3).query(muddler.version)
    assert (m.version, m.origin, m.fingerprint) == (muddler.version, muddler.origin, muddler.fingerprint)


@pytest.mark.parametrize("given", [False, True], ids=["drawn", "given"])
def test_a_muddle_can_be_sent_to_another_process(muddler, given):
    image = muddler.bundle.exemplars.images[3].numpy()
    m = muddler.muddle_image(image, seed=2, steps=3) if given else muddler.muddle(4, seed=7, steps=3)
    again = pickle.loads(pickle.dumps(m))
    assert isinstance(again, Muddle)
    assert again.query == m.query
    for name, value in vars(m).items():
        if name != "recipe":
            np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)
