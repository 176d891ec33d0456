import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muddle.arguments import STRATEGIES
from muddle.errors import ArgumentError
from muddle.recipe import AUTO, Recipe, from_text, parse, to_text

images = arrays(np.uint8, (28, 28)).filter(lambda image: image.any())
recipes = st.builds(
    Recipe,
    st.integers(0, 4),
    st.none() | st.integers(5, 9),
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(STRATEGIES)),
    st.integers(3, 64),
    st.none() | st.integers(0, 2499),
)
balances = st.floats(0, 1)


def fields_of(recipe):
    return {**vars(recipe), "image": None if recipe.image is None else recipe.image.tobytes()}


@given(recipes)
def test_a_query_gives_the_recipe_back(recipe):
    assert fields_of(Recipe.from_query(recipe.query())) == fields_of(recipe)


@given(images)
def test_an_image_in_a_link_comes_back_to_the_byte(image):
    assert (Recipe.from_query(Recipe(image=image).query()).image == image).all()


def test_a_drawn_digit_makes_a_link_that_can_be_sent(muddler):
    lengths = [len(to_text(image)) for image in muddler.bundle.exemplars.images[::50].numpy()]
    assert max(lengths) < 600


def test_a_link_without_anything_shows_the_usual():
    assert fields_of(Recipe.from_query("")) == fields_of(Recipe())
    assert Recipe().query() == f"?digit=4&target={AUTO}&seed=27&strategy=balanced&steps=11"


def test_a_link_tells_with_which_version_it_was_made(muddler):
    assert Recipe().query(muddler.version).endswith(f"&v={muddler.version}")


WRONG = [
    ("digit", "11", "give a whole number from 0 to 9"),
    ("digit", "٣", "give a whole number from 0 to 9"),
    ("digit", "", "give a whole number from 0 to 9"),
    ("target", "4", "it must differ from the digit"),
    ("target", "x", "give a whole number"),
    ("seed", "-1", "give a whole number from 0 to 4294967295"),
    ("seed", "9" * 5000, "give a whole number from 0 to 4294967295"),
    ("steps", "1", "give a whole number from 2 to 64"),
    ("strategy", "best", "choose one of balanced, midpoint, farthest"),
    ("source", "1.5", "give a whole number"),
    ("balance", "1.5", "give a number from 0 to 1"),
    ("balance", "-0.1", "give a number from 0 to 1"),
    ("balance", "nan", "give a number from 0 to 1"),
    ("balance", "1e-3", "give a number from 0 to 1"),
    ("balance", "0,3", "give a number from 0 to 1"),
    ("balance", "0.٣", "give a number from 0 to 1"),
    ("balance", "0." + "3" * 5000, "give a number from 0 to 1"),
    ("image", "???", "an image as a share link holds it"),
]


@pytest.mark.parametrize(("name", "value", "text"), WRONG, ids=[f"{n}={v[:5]}" for n, v, _ in WRONG])
def test_what_cannot_be_read_is_named_and_takes_the_usual_value(name, value, text):
    recipe, (error,) = parse({name: value, "seed": "3"} if name != "seed" else {name: value})
    assert error.name == name
    assert text in str(error)
    assert getattr(recipe, name) == getattr(Recipe(), name)
    assert recipe.seed == (Recipe().seed if name == "seed" else 3)
    with pytest.raises(ArgumentError, match=name):
        Recipe.from_query(f"{name}={value}" if name != "image" else "image=%3F")


def test_a_strategy_that_needs_more_steps_gets_them():
    recipe, (error,) = parse({"strategy": "farthest", "steps": "2"})
    assert recipe.steps == Recipe().steps
    assert "farthest picks an inner step" in str(error)


def test_a_strategy_that_knows_no_balance_gets_none_and_each_mistake_is_told():
    recipe, wrong = parse({"strategy": "farthest", "steps": "2", "balance": "0.3"})
    assert (recipe.steps, recipe.balance) == (Recipe().steps, 0.5)
    assert [error.name for error in wrong] == ["steps", "balance"]


@given(balances)
def test_a_balance_comes_back_to_the_bit(balance):
    query = Recipe(balance=balance).query()
    assert Recipe.from_query(query).balance == balance
    assert ("&balance=" in query) == (balance != 0.5)


def test_a_balance_is_written_plainly():
    assert Recipe(balance=0.3).query().endswith("&balance=0.3")
    assert Recipe(balance=1e-7).query().endswith("&balance=0.0000001")
    assert Recipe(balance=-0.0).query().endswith("&balance=0.0")


def test_an_argument_given_twice_is_refused_and_what_is_no_argument_is_left_alone():
    with pytest.raises(ArgumentError, match="give it once"):
        Recipe.from_query("?digit=4&digit=5")
    assert Recipe.from_query("?digit=3&__theme=dark&__theme=light").digit == 3


@given(st.dictionaries(st.sampled_from(list(Recipe.__dataclass_fields__)), st.text()))
def test_no_query_whatever_breaks_the_page(fields):
    recipe, _ = parse(fields)
    assert Recipe.from_query(recipe.query()).digit == recipe.digit


@pytest.mark.parametrize("size", [0, 783, 785, 50_000_000])
def test_an_image_of_another_size_is_refused_without_unpacking_it(size):
    packed = base64.urlsafe_b64encode(zlib.compress(b"\1" * size, 9)).decode().rstrip("=")
    with pytest.raises(ArgumentError, match="as a share link holds it"):
        from_text(packed)


def test_a_black_image_is_refused():
    with pytest.raises(ArgumentError, match="some ink"):
        from_text(to_text(np.zeros((28, 28), np.uint8)))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(3, None, 5),
        Recipe(2, 7, 5, "midpoint", 6),
        Recipe(4, 9, 1, source=1020),
        Recipe(4, 9, 7, balance=0.3),
    ],
)
def test_a_muddle_has_the_recipe_that_makes_it_again(muddler, recipe):
    m = recipe.make(muddler)
    again = Recipe.of(m).make(muddler)
    assert (again.image == m.image).all()
    assert Recipe.of(m).source == recipe.source
    assert Recipe.of(m).target == m.target
    assert Recipe.of(m).balance == recipe.balance


def test_a_given_image_is_part_of_the_recipe(muddler):
    image = muddler.bundle.exemplars.images[3].numpy()
    m = muddler.muddle_image(image, target=6, seed=2)
    again = Recipe.from_query(Recipe.of(m).query()).make(muddler)
    assert (again.image == m.image).all()
    assert (again.source == image).all()
