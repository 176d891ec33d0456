import inspect
import pickle
from urllib.parse import parse_qs, urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muddle import Muddler
from muddle.errors import ArgumentError
from muddle.parameters import AUTO
from muddle.recipe import LINK_KEYS, PARAMETERS, STRATEGIES, Recipe

images = arrays(np.uint8, (28, 28)).filter(lambda image: image.any())
recipes = st.builds(
    Recipe,
    digit=st.integers(0, 4),
    target=st.none() | st.integers(5, 9),
    seed=st.integers(0, 2**32 - 1),
    strategy=st.sampled_from(STRATEGIES),
    steps=st.integers(3, 64),
    source=st.none() | st.integers(0, 2499),
)
balances = st.floats(0, 1)
IMAGE = np.eye(28, dtype=np.uint8)


def fields_of(recipe):
    return {**vars(recipe), "image": None if recipe.image is None else recipe.image.tobytes()}


WRONG = [
    ("digit", {"digit": 11}),
    ("digit", {"digit": -1}),
    ("digit", {"digit": "four"}),
    ("digit", {"digit": True}),
    ("digit", {"digit": float("nan")}),
    ("digit", {"digit": None}),
    ("target", {"target": 4}),
    ("target", {"target": 10}),
    ("target", {"target": 9.0}),
    ("seed", {"seed": -1}),
    ("seed", {"seed": 2**32}),
    ("seed", {"seed": None}),
    ("strategy", {"strategy": "best"}),
    ("strategy", {"strategy": None}),
    ("steps", {"steps": 1}),
    ("steps", {"steps": 65}),
    ("steps", {"steps": 2, "strategy": "farthest"}),
    ("source", {"source": -1}),
    ("source", {"source": 10**6}),
    ("source", {"source": "x"}),
    ("image", {"image": np.zeros((28, 28), np.uint8)}),
    ("image", {"image": np.ones((28, 28))}),
    ("image", {"image": np.ones((27, 28), np.uint8)}),
    ("balance", {"balance": 1.5}),
    ("balance", {"balance": float("nan")}),
    ("balance", {"balance": None}),
    ("balance", {"balance": 0.3, "strategy": "midpoint"}),
    ("balance", {"balance": 0.3, "strategy": "farthest"}),
]


@pytest.mark.parametrize(("name", "change"), WRONG, ids=[str(change)[:60] for _, change in WRONG])
def test_a_recipe_is_checked_when_it_is_made(name, change):
    with pytest.raises(ArgumentError) as caught:
        Recipe(**{"digit": 4, **change})
    assert caught.value.code == f"bad-{name}"


def test_every_parameter_has_a_wrong_value_among_these():
    assert {name for name, _ in WRONG} == set(PARAMETERS)


def test_a_recipe_takes_keywords_alone():
    with pytest.raises(TypeError):
        Recipe(4, 9)


def test_numbers_of_numpy_are_as_good_as_pythons():
    digit, target, seed, steps = np.int64(4), np.int8(9), np.uint32(7), np.uint8(3)
    recipe = Recipe(digit=digit, target=target, seed=seed, steps=steps, balance=np.float32(0.25))
    assert fields_of(recipe) == fields_of(Recipe(digit=4, target=9, seed=7, steps=3, balance=0.25))
    assert [type(value) for value in (recipe.digit, recipe.target, recipe.seed, recipe.steps)] == [int] * 4
    assert type(recipe.balance) is float


def test_an_image_takes_the_place_of_a_source_and_may_leave_the_digit_open():
    assert Recipe(digit=4, source=7, image=IMAGE).source is None
    assert Recipe(image=IMAGE).digit is None


@pytest.mark.parametrize("function", [Muddler.muddle, Muddler.muddle_image])
def test_signatures_have_the_defaults_of_the_table(function):
    defaults = {p.name: p.default for p in inspect.signature(function).parameters.values()}
    written = {name: value for name, value in defaults.items() if value is not inspect.Parameter.empty}
    assert written == {name: PARAMETERS[name].default for name in written}
    assert PARAMETERS.keys() - defaults.keys() == {"image" if function is Muddler.muddle else "source"}


@given(recipes)
def test_a_query_gives_the_recipe_back(recipe):
    assert fields_of(Recipe.from_query(recipe.query())) == fields_of(recipe)


@given(images, st.none() | st.integers(0, 9))
def test_an_image_in_a_link_comes_back_to_the_byte(image, digit):
    again = Recipe.from_query(Recipe(image=image, digit=digit).query())
    assert (again.image == image).all()
    assert again.digit == digit, "left to the judges, if it was"


@given(balances)
def test_a_balance_comes_back_to_the_bit(balance):
    query = Recipe(digit=4, balance=balance).query()
    assert Recipe.from_query(query).balance == balance
    assert ("&balance=" in query) == (balance != 0.5)


def test_a_link_names_all_but_what_is_rare():
    assert Recipe(digit=4).query() == f"?digit=4&target={AUTO}&seed=0&strategy=balanced&steps=11"
    whole = Recipe(digit=4, target=9, seed=7, strategy="balanced", steps=5, source=3, balance=0.3)
    assert whole.query() == "?digit=4&target=9&seed=7&strategy=balanced&steps=5&source=3&balance=0.3"
    assert "digit" not in parse_qs(Recipe(image=IMAGE).query()[1:])


def test_a_link_tells_with_which_version_it_was_made():
    query = Recipe(digit=4, image=IMAGE, balance=0.3).query("2-abcdef0")
    assert query.endswith("&v=2-abcdef0")
    assert fields_of(Recipe.from_query(query)) == fields_of(Recipe(digit=4, image=IMAGE, balance=0.3))
    assert parse_qs(query[1:]).keys() <= set(LINK_KEYS)


def test_a_link_without_anything_is_a_four_with_every_default():
    assert fields_of(Recipe.from_query("")) == fields_of(Recipe(digit=4))


def test_a_seed_that_is_left_out_is_0_in_a_link_as_everywhere():
    assert Recipe.from_query("?digit=4&target=9").seed == Recipe(digit=4, target=9).seed == 0
    for function in (Muddler.muddle, Muddler.muddle_image):
        assert inspect.signature(function).parameters["seed"].default == 0


BAD_TEXTS = [
    ("digit", "11"),
    ("digit", "٣"),
    ("digit", ""),
    ("target", "4"),
    ("target", "x"),
    ("seed", "-1"),
    ("seed", "9" * 5000),
    ("steps", "1"),
    ("strategy", "best"),
    ("source", "1.5"),
    ("balance", "1.5"),
    ("balance", "1e-3"),
    ("image", "???"),
]


@pytest.mark.parametrize(("name", "text"), BAD_TEXTS, ids=[f"{name}={text[:5]}" for name, text in BAD_TEXTS])
def test_a_part_of_a_link_that_cannot_be_read_is_named(name, text):
    with pytest.raises(ArgumentError) as caught:
        Recipe.from_query(f"{name}={text if name != 'image' else '%3F'}")
    assert caught.value.code == f"bad-{name}"


def test_a_parameter_given_twice_is_refused_and_other_keys_are_left_alone():
    with pytest.raises(ArgumentError) as caught:
        Recipe.from_query("?digit=4&digit=5")
    assert caught.value.code == "bad-digit"
    assert Recipe.from_query("?digit=3&__theme=dark&__theme=light").digit == 3


@given(st.dictionaries(st.sampled_from(list(PARAMETERS)), st.text()))
def test_without_the_parts_that_are_named_one_by_one_any_link_can_be_read(fields):
    while True:  # as the page does it
        try:
            recipe = Recipe.from_query(urlencode(fields))
            break
        except ArgumentError as error:
            del fields[error.code.removeprefix("bad-")]
    assert fields_of(Recipe.from_query(recipe.query())) == fields_of(recipe)


@given(recipes)
def test_a_recipe_can_be_sent_to_another_process(recipe):
    assert fields_of(pickle.loads(pickle.dumps(recipe))) == fields_of(recipe)
