import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muddle.search.metrics import both_above, entropy_bits, grey_share, indecision, pair_probabilities, top_pair

distributions = st.lists(st.floats(0.001, 1), min_size=10, max_size=10).map(
    lambda x: torch.tensor(x, dtype=torch.float64) / sum(x)
)
CLUELESS = torch.full((1, 10), 0.1, dtype=torch.float64)
COIN = torch.tensor([[0.5, 0.5] + [0] * 8], dtype=torch.float64)


def test_grey_share_of_known_images():
    image = torch.zeros(3, 1, 28, 28)
    image[0, 0, :2, :2] = torch.tensor([[1.0, 0.5], [0.05, 1.0]])  # ink: 3 pixels, of which 1 is grey
    image[1, 0, 0, 0] = 1.0
    assert grey_share(image).tolist() == pytest.approx([1 / 3, 0, 1])


def test_entropy_of_a_coin_is_one_bit_and_of_no_clue_log2_of_ten():
    assert entropy_bits(COIN).item() == pytest.approx(1)
    assert entropy_bits(CLUELESS).item() == pytest.approx(math.log2(10))
    assert entropy_bits(torch.eye(10, dtype=torch.float64)).abs().max() == 0


@given(distributions)
def test_entropy_is_between_nothing_and_no_clue(p):
    assert 0 <= entropy_bits(p) <= math.log2(10) + 1e-9


def test_a_coin_is_split_and_a_clueless_judge_is_not():
    first, second = torch.tensor([0]), torch.tensor([1])
    assert both_above(COIN, first, second, 0.4).all()
    assert not both_above(CLUELESS, first, second, 0.2).any()
    assert not both_above(COIN, first, torch.tensor([2]), 0.4).any()


@given(distributions, st.integers(0, 9), st.integers(0, 9))
def test_the_order_of_the_pair_does_not_matter(p, a, b):
    first, second = torch.tensor([a]), torch.tensor([b])
    assert top_pair(p[None], first, second).equal(top_pair(p[None], second, first))
    assert both_above(p[None], first, second, 0.3).equal(both_above(p[None], second, first, 0.3))
    pairs, swapped = (pair_probabilities(p[None, None], *two) for two in ((first, second), (second, first)))
    assert pairs.equal(swapped.flip(-1))
    assert indecision(pairs).equal(indecision(swapped))


def test_top_pair_wants_both_and_nothing_else():
    p = torch.tensor([[0.3, 0.1, 0.6, 0, 0, 0, 0, 0, 0, 0]])
    assert top_pair(p, torch.tensor([0]), torch.tensor([2])).item()
    assert not top_pair(p, torch.tensor([1]), torch.tensor([2])).item()


def test_the_pair_of_each_row_is_its_own():
    p = torch.arange(60, dtype=torch.float64).reshape(3, 2, 10)  # three images, two judges
    first, second = torch.tensor([0, 4, 9]), torch.tensor([1, 0, 5])
    assert pair_probabilities(p, first, second).tolist() == [
        [[0, 1], [10, 11]],
        [[24, 20], [34, 30]],
        [[49, 45], [59, 55]],
    ]
    one, steps = torch.tensor([[0], [4], [9]]), p[:, None].expand(3, 5, 2, 10)  # one pair for all steps of a path
    assert pair_probabilities(steps, one, torch.tensor([[1], [0], [5]]))[:, 3].tolist() == [
        [[0, 1], [10, 11]], [[24, 20], [34, 30]], [[49, 45], [59, 55]]
    ]  # fmt: skip


def test_judges_who_disagree_are_not_undecided():
    digit, target = torch.tensor([0]), torch.tensor([1])
    sure = torch.eye(10)[[0, 1]][None]  # two judges, each certain of the other digit: their mean is a coin
    unsure = COIN.float().expand(2, 10)[None]
    assert indecision(pair_probabilities(sure, digit, target)).item() == 0
    assert indecision(pair_probabilities(unsure, digit, target)).item() == pytest.approx(1)
    assert indecision(pair_probabilities(CLUELESS[None], digit, target)).item() == pytest.approx(0.04)
