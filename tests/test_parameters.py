import base64
import json
import re
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from muddle.errors import ArgumentError
from muddle.parameters import AUTO, IMAGE_CHARACTERS, Choice, Integer, Parameter, Pixels, Share

DIGIT, SHARE, CHOICE, PIXELS = Integer(0, 9), Share(), Choice({"one": "the first", "two": "the second"}), Pixels()
KINDS = (DIGIT, SHARE, CHOICE, PIXELS)
images = arrays(np.uint8, (28, 28)).filter(lambda image: image.any())
values = st.one_of(
    st.tuples(st.just(DIGIT), st.integers(0, 9)),
    st.tuples(st.just(Integer(0, 2**32 - 1)), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(SHARE), st.floats(0, 1)),
    st.tuples(st.just(CHOICE), st.sampled_from(["one", "two"])),
    st.tuples(st.just(PIXELS), images),
)


def refused(function, *arguments):
    with pytest.raises(ArgumentError) as caught:
        function(*arguments)
    return caught.value.code


@given(values)
def test_a_value_comes_back_from_its_text_to_the_bit(case):
    kind, value = case
    text = kind.format(value)
    assert re.fullmatch(r"[\w.-]+", text, re.ASCII), "it needs no escaping in a link"
    np.testing.assert_array_equal(kind.parse("x", text), kind.check("x", value))


WRONG = [
    (DIGIT, [-1, 10, 4.0, "4", None, True, float("nan"), np.bool_(True), np.float64(4), [4]]),
    (SHARE, [-0.1, 1.1, float("nan"), float("inf"), "0.5", None, True, np.float64("nan"), [0.5], np.complex128(0.3)]),
    (CHOICE, ["three", "One", "", None, 1, ["one"]]),
    (PIXELS, [np.zeros((28, 28), np.uint8), np.ones((28, 28)), np.ones((27, 28), np.uint8), "image", None, 3]),
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, wrong in WRONG for value in wrong])
def test_another_value_is_refused(kind, value):
    assert refused(kind.check, "x", value) == "bad-x"


WRONG_TEXTS = [
    (DIGIT, ["11", "-1", "", "x", "4.0", " 4", "٣", "9" * 5000, AUTO]),
    (SHARE, ["1.5", "-0.1", "nan", "1e-3", "0,3", ".5", "0.", "0.٣", "0." + "3" * 5000, ""]),
    (CHOICE, ["three", ""]),
    (PIXELS, ["???", "", "A" * (IMAGE_CHARACTERS + 1), "AAAA", "\0"]),
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, wrong in WRONG_TEXTS for text in wrong])
def test_another_text_is_refused(kind, text):
    assert refused(kind.parse, "x", text) == "bad-x"


@given(st.sampled_from(KINDS), st.text())
def test_any_text_is_read_or_refused(kind, text):
    try:
        value = kind.parse("x", text)
    except ArgumentError:
        return
    np.testing.assert_array_equal(kind.check("x", value), value)


def test_numbers_of_numpy_become_pythons():
    assert type(DIGIT.check("x", np.int64(4))) is type(DIGIT.check("x", np.uint8(4))) is int
    assert type(SHARE.check("x", np.float32(0.5))) is type(SHARE.check("x", 1)) is float


def test_a_share_is_written_plainly():
    assert [SHARE.format(x) for x in (0.3, 1e-7, -0.0, 1, 0)] == ["0.3", "0.0000001", "0.0", "1.0", "0.0"]


def test_an_image_is_a_copy_that_cannot_be_written_to():
    image = np.ones((28, 28), np.uint8)
    checked = PIXELS.check("x", image)
    image[:] = 0
    assert checked.all()
    with pytest.raises(ValueError, match="read-only"):
        checked[0, 0] = 3


def test_a_digit_makes_a_short_text(muddler):
    lengths = [len(PIXELS.format(image)) for image in muddler.bundle.exemplars.images[::50].numpy()]
    assert max(lengths) < 600 < IMAGE_CHARACTERS


@pytest.mark.parametrize("size", [0, 783, 785, 1_000_000, 50_000_000])  # the largest is too long a text
def test_an_image_of_another_size_is_refused_without_unpacking_it(size):
    packed = base64.urlsafe_b64encode(zlib.compress(b"\1" * size, 9)).decode().rstrip("=")
    tracemalloc.start()
    try:
        assert refused(PIXELS.parse, "x", packed) == "bad-x"
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


def test_none_is_taken_where_it_stands_for_something_and_nowhere_else():
    free, fixed = Parameter(DIGIT, "A digit", none="one that is drawn"), Parameter(DIGIT, "A digit", 3)
    assert free.check("x", None) is None
    assert free.parse("x", AUTO) is None
    assert free.format(None) == AUTO
    assert refused(fixed.check, "x", None) == "bad-x"
    assert refused(fixed.parse, "x", AUTO) == "bad-x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_json_with_help_range_and_default(kind):
    parameter = Parameter(kind, "A thing", "d", none="nothing", example="e")
    schema = json.loads(json.dumps(parameter.schema()))
    assert schema["default"] == "d"
    assert schema["examples"] == ["e"]
    assert schema["oneOf"] == [{"type": "null"}, kind.schema]
    assert schema["description"] == f"{parameter.describe()}; null: nothing."
    assert parameter.describe() in (f"A thing, {kind.span}", f"A thing: {kind.span}")
    required = parameter.schema(required=True)
    assert required.items() >= kind.schema.items()
    assert not {"default", "oneOf"} & required.keys()
    assert required["description"] == f"{parameter.describe()}."


def test_a_schema_without_none_or_example_has_neither():
    schema = Parameter(DIGIT, "A digit", 3).schema()
    assert schema == {"type": "integer", "minimum": 0, "maximum": 9, "default": 3, "description": "A digit, 0 to 9."}
    assert Parameter(CHOICE, "A thing", "one").schema()["enum"] == ["one", "two"]
    assert SHARE.schema == {"type": "number", "minimum": 0, "maximum": 1}


def test_whole_numbers_of_other_libraries_count():
    import torch

    for value in (np.int8(4), torch.tensor(4), np.array(4)):
        assert DIGIT.check("x", value) == 4
        assert type(DIGIT.check("x", value)) is int
