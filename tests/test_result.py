import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from muddle.errors import ArgumentError, DataError
from muddle.images.codecs import from_png
from muddle.recipe import Recipe
from muddle.result import Columns, Muddle, Origin, concatenate


def test_an_origin_is_named_with_its_revision_if_it_has_one():
    assert str(Origin("embedded", note="why")) == "embedded"
    assert str(Origin("somebody/mnist-muddle", "v1")) == "somebody/mnist-muddle at v1"


@dataclass(frozen=True, eq=False, repr=False)
class Two(Columns):
    a: np.ndarray
    b: np.ndarray


@pytest.mark.parametrize("sizes", [(3,), (2, 0, 4)])
def test_batches_are_concatenated_row_by_row(sizes):
    parts = [Two(np.full(n, i), np.full((n, 2), 10 * i)) for i, n in enumerate(sizes)]
    whole = concatenate(parts)
    assert type(whole) is Two
    assert len(whole) == sum(sizes)
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


def test_columns_have_rows_and_scalars_and_a_short_text(muddler):
    batch = muddler.muddle_many([4, 3], [9, 5], [0, 1])
    assert len(batch) == 2
    assert (batch.rows([1]).images[0] == batch.images[1]).all()
    assert batch.rows(batch.targets == 9).sources.tolist() == batch.sources[:1].tolist()
    table = batch.scalars()
    assert {"targets", "entropy", "likeness"} <= table.keys()
    assert {len(column) for column in table.values()} == {2}
    assert all(column.ndim == 1 for column in table.values())
    assert len(repr(batch)) < 500


def test_a_muddle_is_shown_in_a_line_and_in_notebooks_as_three_pictures(muddler):
    m = muddler.muddle(4, 9, seed=7, steps=3)
    assert repr(m).startswith("<Muddle ?digit=4&target=9&seed=7")
    assert len(repr(m)) < 120
    assert repr(muddler) == f"<Muddler {muddler.version} on {muddler.origin}>"
    assert from_png(m._repr_png_()).shape[1] > 3 * 28 * 4 - 1


def test_a_muddle_is_saved_by_the_ending_of_the_name(muddler, tmp_path):
    m = muddler.muddle(4, 9, seed=7, steps=3, balance=0.3)
    m.save(tmp_path / "m.PNG", scale=1)
    assert (from_png((tmp_path / "m.PNG").read_bytes()) == m.image).all()
    m.save(str(tmp_path / "m.gif"))
    assert (tmp_path / "m.gif").read_bytes() == m.to_file("gif")
    m.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        assert (file["image"] == m.image).all()
        assert (int(file["digit"]), int(file["target"]), int(file["seed"])) == (4, 9, 7)
        assert float(file["balance"]) == 0.3
        assert (str(file["version"]), str(file["query"])) == (m.version, m.query)
        assert float(file["likeness"]) == m.scores.likeness
    with pytest.raises(ArgumentError) as caught:
        m.save(tmp_path / "m.bmp")
    assert caught.value.code == "bad-kind"
    assert not (tmp_path / "m.bmp").exists()
    with pytest.raises(DataError, match="cannot be written"):
        m.save(tmp_path / "nowhere/m.png")
