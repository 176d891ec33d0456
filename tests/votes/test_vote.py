import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.voters import DAY, VERSION, guess, query, session, switch

from muddle.errors import ArgumentError
from muddle.recipe import Recipe
from muddle.result import MORPH_STEPS
from muddle.votes.vote import LONGEST, Vote, from_line, muddle_id

GUESS = {"kind": "guess", "query": query(), "answer": 4, "seconds": 1.5, "day": DAY, "version": VERSION}
GUESS["session"] = session(1)
WHO = st.integers(0, 2**64)


@given(
    st.one_of(
        st.builds(guess, WHO, st.none() | st.integers(0, 9), st.integers(0, 999), st.floats(0, LONGEST)),
        st.builds(switch, WHO, st.integers(0, MORPH_STEPS)),
    )
)
def test_a_vote_comes_back_from_its_line(vote):
    assert "\n" not in vote.to_line()
    assert from_line(vote.to_line()) == vote


def test_a_vote_holds_nothing_of_the_visitor_but_a_random_number():
    fields = set(json.loads(guess().to_line()))
    assert fields == {"kind", "query", "real", "version", "step", "answer", "seconds", "day", "session"}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "like"}, {"kind": None}, {"kind": ["guess"]}, {"answer": 10}, {"answer": "4"}, {"answer": True},
        {"seconds": None}, {"seconds": -1}, {"seconds": 1e9}, {"seconds": "1"}, {"seconds": True},
        {"seconds": float("nan")}, {"step": 3}, {"query": None}, {"real": 3}, {"query": "?digit=4&target=9"},
        {"query": "?digit=4&target=4"}, {"query": 4}, {"query": query() + "&image=" + "A" * 5000},
        {"session": "x"}, {"session": session(1).upper() + "A"}, {"session": None}, {"version": "latest"},
        {"version": 4}, {"day": "yesterday"}, {"day": 20261130}, {"day": None},
        {"kind": "switch"}, {"kind": "switch", "answer": None, "seconds": None, "step": 34},
        {"kind": "switch", "answer": None, "seconds": None}, {"query": None, "real": -1}, {"query": None, "real": "3"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_vote_is_refused(change):
    with pytest.raises(ArgumentError):
        Vote(**{**GUESS, **change})


@given(
    st.text() | st.sampled_from(["{}", "[]", "null", "3", "[" * 100_000, '{"kind": "guess"}', guess().to_line()[:-9]])
)
def test_any_line_is_read_or_passed_over(line):
    assert from_line(line) is None or isinstance(from_line(line), Vote)
    assert from_line(json.dumps({**GUESS, "more": 1})) is None


def test_a_muddle_has_one_name_whatever_its_steps_and_a_drawing_has_none():
    names = {muddle_id(text) for text in ("?digit=4&target=9", "?digit=4&target=9&steps=2&v=4-0123456&utm=x")}
    assert names == {query()}
    assert muddle_id(Recipe(digit=4, target=9, steps=33)) == query()
    assert muddle_id(query(seed=3)) == query(seed=3)
    assert "steps=21" in muddle_id("?digit=4&target=9&strategy=farthest&steps=21")  # which picks another there
    assert "source=1000" in muddle_id("?digit=4&target=9&source=1000")
    for wrong in ("?digit=4", "?digit=4&target=x", "?target=4&image=eNpjYA"):
        with pytest.raises(ArgumentError):
            muddle_id(wrong)


def test_times_are_kept_to_the_tenth():
    assert guess(seconds=1.26).seconds == 1.3
    assert dataclasses.replace(guess(), seconds=2).seconds == 2.0
