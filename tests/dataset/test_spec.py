import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muddle.dataset.spec import PAIRS, UNIFORM, Spec, format_pairs, parse_pairs
from muddle.errors import ArgumentError


@given(st.integers(1, 10_000), st.integers(1, 300))
def test_shards_share_the_images_without_gap_or_overlap(count, shards):
    spec = Spec(count=count, shards=min(shards, count))
    assert [i for shard in range(spec.shards) for i in spec.indices(shard)] == list(range(count))


@pytest.mark.parametrize(("count", "shards"), [(1, 1), (50, 1), (120, 3), (1000, 8), (10_000, 20), (10**7, 256)])
def test_there_are_enough_shards_to_share_and_not_too_many(count, shards):
    assert Spec(count=count).shards == shards


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"count": 0}, "bad-count"),
        ({"count": 10**9}, "bad-count"),
        ({"count": 2.5}, "bad-count"),
        ({"shards": 6}, "bad-shards"),
        ({"shards": -1}, "bad-shards"),
        ({"balance": 1.5}, "bad-balance"),
        ({"balance": float("nan")}, "bad-balance"),
        ({"balance": "even"}, "bad-balance"),
        ({"min_likeness": 99}, "bad-min"),
        ({"min_likeness": -1}, "bad-min"),
        ({"min_likeness": float("nan")}, "bad-min"),
        ({"seed": -1}, "bad-seed"),
        ({"seed": 2**32}, "bad-seed"),
        ({"pairs": ()}, "bad-pairs"),
        ({"pairs": ((4, 4),)}, "bad-pairs"),
        ({"pairs": ((4, 9), (4, 10))}, "bad-pairs"),
    ],
)
def test_a_field_outside_its_range_is_refused(wrong, code):
    with pytest.raises(ArgumentError) as caught:
        Spec(**{"count": 5, **wrong})
    assert caught.value.code == code


def test_pairs_are_read_from_text_and_written_as_it():
    assert parse_pairs("all") == PAIRS
    assert parse_pairs("4-9, 3-5,4-9") == ((4, 9), (3, 5))
    assert parse_pairs(format_pairs(PAIRS[5:7])) == PAIRS[5:7]
    assert format_pairs(PAIRS) == "all"
    assert len(set(PAIRS)) == 90


@pytest.mark.parametrize("text", ["", "4", "4-4", "4-10", "a-b", "4-9-3", "4-9,"])
def test_text_that_names_no_pairs_is_refused(text):
    with pytest.raises(ArgumentError) as caught:
        parse_pairs(text)
    assert caught.value.code == "bad-pairs"


def test_the_draw_of_an_image_is_the_same_for_ever():
    spec = Spec(count=5, balance=UNIFORM, seed=3)
    assert spec.draw(4, 0) == (1910194625, 0.121055)
    assert Spec(count=9, balance=0.3, seed=3).draw(4, 0) == (1910194625, 0.3)


def test_another_seed_image_or_attempt_draws_others():
    draws = {Spec(count=5, balance=UNIFORM, seed=seed).draw(i, n) for seed in (0, 1) for i in (0, 1) for n in (0, 1)}
    assert len({seed for seed, _ in draws}) == len({balance for _, balance in draws}) == 8


def test_uniform_balances_reach_evenly_from_0_to_1():
    spec = Spec(count=2000, balance=UNIFORM)
    counts = np.histogram([spec.draw(i, 0)[1] for i in range(2000)], 10, (0, 1))[0]
    assert counts.min() > 150
    assert counts.max() < 250


def test_the_specification_as_json_tells_two_sets_apart():
    assert Spec(count=5).as_json() == {
        "count": 5, "pairs": "all", "balance": 0.5, "min_likeness": 0, "seed": 0, "shards": 1,
    }  # fmt: skip
    assert Spec(count=5, pairs=((4, 9),)).as_json()["pairs"] == "4-9"


def test_the_share_that_came_out_is_the_targets_of_the_two(rows):
    share = rows.target_share()
    assert share == pytest.approx(rows.p_target / (rows.p_digit + rows.p_target))
    assert rows._replace(p_digit=np.zeros(3), p_target=np.zeros(3)).target_share().tolist() == [0, 0, 0]
