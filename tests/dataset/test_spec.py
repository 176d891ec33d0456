import dataclasses
from collections import Counter
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muddle.dataset.spec import KINDS, PAIRS, UNIFORM, Spec, format_pairs, parse_pairs
from muddle.errors import ArgumentError


@given(st.integers(10, 10_000), st.integers(1, 300), st.sampled_from([0, 0.3, 0.8]))
def test_shards_share_the_images_without_gap_or_overlap(count, shards, train):
    smallest = min(map(len, Spec(count=count, train=train).splits.values()))
    spec = Spec(count=count, shards=min(shards, smallest), train=train)
    parts = spec.parts()
    assert [i for shard in parts for i in shard.indices] == list(range(count))
    assert len({shard.name for shard in parts}) == spec.shards * len(spec.splits)
    for shard in parts:
        assert set(shard.indices) <= set(spec.splits[shard.split])


@pytest.mark.parametrize(
    ("count", "shards"), [(1, 1), (120, 3), (1000, 8), (10_000, 20), (10**5, 200), (10**6, 500), (10**8, 50_000)]
)  # fmt: skip
def test_there_are_enough_shards_to_share_and_a_stop_loses_little(count, shards):
    spec = Spec(count=count)
    assert spec.shards == shards
    assert max(len(shard.indices) for shard in spec.parts()[:3]) <= 2000  # less than a minute of one process


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"count": 0}, "bad-count"),
        ({"count": 10**9}, "bad-count"),
        ({"count": 2.5}, "bad-count"),
        ({"count": 10.0}, "bad-count"),
        ({"shards": 6}, "bad-shards"),
        ({"shards": -1}, "bad-shards"),
        ({"balance": 1.5}, "bad-balance"),
        ({"balance": float("nan")}, "bad-balance"),
        ({"balance": "even"}, "bad-balance"),
        ({"min_likeness": 99}, "bad-min"),
        ({"min_likeness": -1}, "bad-min"),
        ({"min_likeness": float("nan")}, "bad-min"),
        ({"min_likeness": "5"}, "bad-min"),
        ({"seed": -1}, "bad-seed"),
        ({"seed": 2**32}, "bad-seed"),
        ({"pairs": ()}, "bad-pairs"),
        ({"pairs": ((4, 4),)}, "bad-pairs"),
        ({"pairs": ((4, 9), (4, 10))}, "bad-pairs"),
        ({"pairs": 49}, "bad-pairs"),
        ({"pairs": ["49x"]}, "bad-pairs"),
        ({"train": 1}, "bad-split"),
        ({"train": 0.01}, "bad-split"),
        ({"train": -0.5}, "bad-split"),
        ({"real": "ab", "balance": 0.3}, "bad-mixed"),
        ({"real": "ab", "train": 0.5}, "bad-mixed"),
    ],
)
def test_a_field_outside_its_range_is_refused(wrong, code):
    with pytest.raises(ArgumentError) as caught:
        Spec(**{"count": 5, **wrong})
    assert caught.value.code == code


def test_numbers_and_pairs_of_other_kinds_mean_the_same():
    spec = Spec(count=np.int64(10), pairs=[[4, 9], np.array([3, 5])], balance=0, min_likeness=5)
    assert spec == Spec(count=10, pairs=((4, 9), (3, 5)), balance=0.0, min_likeness=5.0)
    assert spec.as_json() == Spec(count=10, pairs=((4, 9), (3, 5)), balance=0.0, min_likeness=5.0).as_json()
    assert isinstance(spec.count, int)


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


def test_pairs_come_in_rounds_that_are_shuffled_each_anew():
    spec = Spec(count=200)
    rounds = [[spec.pair(i) for i in range(90 * k, 90 * k + 90)] for k in range(2)]
    assert all(sorted(one) == list(PAIRS) for one in rounds)
    assert rounds[0] != rounds[1]
    assert [Spec(count=200, seed=1).pair(i) for i in range(90)] not in rounds
    assert len({a for a, _ in rounds[0][:10]}) > 4  # a small set is a sample of all


def test_the_draw_of_an_image_is_the_same_for_ever():
    spec = Spec(count=5, balance=UNIFORM, seed=3)
    assert (next(spec.seeds(4)), spec.draw_balance(4)) == (1910194625, 0.121055)
    assert Spec(count=9, balance=0.3, seed=3).draw_balance(4) == 0.3
    assert [spec.pair(i) for i in range(3)] == [(5, 4), (9, 1), (2, 5)]


def test_another_seed_image_or_attempt_draws_others():
    specs = [Spec(count=5, balance=UNIFORM, seed=seed) for seed in (0, 1)]
    seeds = {seed for spec in specs for i in (0, 1) for seed in islice(spec.seeds(i), 2)}
    assert len(seeds) == 8
    assert len({spec.draw_balance(i) for spec in specs for i in (0, 1)}) == 4


def test_uniform_balances_reach_evenly_from_0_to_1():
    spec = Spec(count=2000, balance=UNIFORM)
    counts = np.histogram([spec.draw_balance(i) for i in range(2000)], 10, (0, 1))[0]
    assert counts.min() > 150
    assert counts.max() < 250


def test_a_mixed_set_has_each_kind_once_in_every_four():
    spec = Spec(count=40, real="ab")
    assert all(sorted(spec.kind(4 * k + i) for i in range(4)) == sorted(KINDS) for k in range(10))
    assert len({tuple(spec.kind(4 * k + i) for i in range(4)) for k in range(10)}) > 4
    order = spec.order_of_real(100)
    assert Counter(order) == Counter(range(100))
    assert order != tuple(range(100))


def test_the_specification_as_json_tells_two_sets_apart():
    assert Spec(count=5).as_json() == {
        "count": 5, "pairs": "all", "balance": 0.5, "min_likeness": 0.0, "seed": 0, "train": 0.0, "real": "",
        "shards": 1,
    }  # fmt: skip
    assert Spec(count=5, pairs=((4, 9),)).as_json()["pairs"] == "4-9"


def test_the_share_that_came_out_is_the_targets_of_the_two(rows):
    share = rows.target_share()
    assert share == pytest.approx(rows.p_target / (rows.p_digit + rows.p_target))
    nothing = np.zeros(len(rows))
    assert dataclasses.replace(rows, p_digit=nothing, p_target=nothing).target_share().tolist() == nothing.tolist()
