import math

import numpy as np
import pytest
import scipy.stats
from support.voters import drawn, entropy_nats, guess, query, switch

from muddle.errors import DataError
from muddle.votes.measures import (
    moments_of,
    predict,
    prediction_table,
    predictions_by,
    spearman,
    splits,
    switches,
    undecided,
)


def test_guesses_are_counted_by_muddle_and_label():
    votes = [guess(i, answer, query(4, 9)) for i, answer in enumerate((4, 4, 9, 7, None))]
    votes += [guess(9, 3, query(3, 5)), guess(9, 3, 17), switch(9)]
    first, second = splits(votes)
    assert (first.query, first.total) == (query(4, 9), 5)
    assert (first.first, first.second, first.other, first.none) == (2, 1, 1, 1)
    assert (second.digit, second.target, second.total) == (3, 5, 1)
    assert not first.between


@pytest.mark.parametrize(("counts", "between"), [((3, 3), True), ((1, 2), True), ((1, 3), False), ((2, 0), False)])
def test_a_third_for_each_label_is_between(counts, between):
    votes = [guess(i, 4 if i < counts[0] else 9) for i in range(sum(counts))]
    assert splits(votes)[0].between == between


def test_predictions_are_what_they_are_by_hand():
    first, second = np.array([3, 1, 0]), np.array([1, 3, 0])
    found = predict(first, second, np.array([0.25, 0.5, 0.9]))
    likelihood = 3 * math.log(0.75) + math.log(0.25) + 4 * math.log(0.5)
    assert found.log_likelihood.value == pytest.approx(likelihood / 8)
    assert found.brier.value == pytest.approx((3 * 0.0625 + 0.5625 + 4 * 0.25) / 8)
    coin = predict(first, second, np.full(3, 0.5))
    assert coin.log_likelihood == pytest.approx([math.log(0.5)] * 3)
    assert coin.brier == pytest.approx([0.25] * 3)
    assert math.isnan(coin.rank_correlation.value)


def test_a_share_of_nothing_costs_no_more_than_a_slip():
    found = predict(np.array([1, 1]), np.array([0, 0]), np.array([1.0, 1.0]))
    assert found.log_likelihood.value == pytest.approx(math.log(0.01))


def test_the_truth_is_found_by_intervals_that_hold_it_as_often_as_they_say():
    """200 studies of 60 muddles and 8 voters each, whose expected figures are known as integrals over the shares."""
    grid = np.linspace(0.1, 0.9, 8001)
    truths = [-entropy_nats(grid).mean(), (grid * (1 - grid)).mean()]
    hits = np.zeros(2)
    for study in range(200):
        generator = np.random.default_rng(study)
        shares = generator.uniform(0.1, 0.9, 60)
        found = predict(*drawn(shares, 8, generator), shares, resamples=100)
        for i, truth in enumerate(truths):
            hits[i] += found[i].low <= truth <= found[i].high
    assert (hits / 200 > 0.89).all(), hits
    assert (hits / 200 < 0.995).all(), hits


def test_the_share_of_undecided_muddles_is_found_too():
    """Nine voters with a coin: both labels get a third with the probability of 3 to 6 heads."""
    truth = scipy.stats.binom(9, 0.5).cdf(6) - scipy.stats.binom(9, 0.5).cdf(2)
    hits = 0
    for study in range(200):
        generator = np.random.default_rng(study)
        heads = generator.binomial(9, 0.5, 60)
        votes = [guess(i, 9 if i < n else 4, query(seed=m)) for m, n in enumerate(heads.tolist()) for i in range(9)]
        found = undecided(splits(votes), resamples=100)
        hits += found.low <= truth <= found.high
    assert 0.88 < hits / 200 < 0.995, hits


def test_a_better_prediction_is_told_from_a_coin_and_from_a_worse_one():
    generator = np.random.default_rng(0)
    shares = generator.uniform(0, 1, 300)
    noisy = (shares + generator.normal(0, 0.3, 300)).clip(0, 1)
    found = predictions_by(*drawn(shares, 6, generator), np.stack([shares, shares, noisy], 1), ["good", "noisy"])
    assert list(found) == ["the judges' mean", "good", "noisy", "a coin"]
    assert found["good"].log_likelihood.low > found["a coin"].log_likelihood.high
    assert found["good"].brier.value < found["noisy"].brier.value
    assert found["good"].rank_correlation.value > found["noisy"].rank_correlation.value > 0.1
    table = prediction_table(found)
    assert "| a coin | -0.69 (-0.69 to -0.69) | 0.25 (0.25 to 0.25) | – |" in table


def test_the_moment_of_a_network_is_the_first_step_of_the_last_run():
    choices = np.array([[4, 9, 4, 9], [9, 9, 4, 4], [4, 9, 4, 9], [9, 9, 4, 9]])
    assert moments_of(choices, 9).tolist() == [3, 0, 4, 2]


def test_people_who_switch_later_are_seen_to():
    generator = np.random.default_rng(0)
    moments = generator.integers(5, 28, 200)
    later, rank = switches(moments + 3, moments)
    assert later == pytest.approx([3, 3, 3])
    assert rank.value == pytest.approx(1)
    nothing, _ = switches(np.zeros(1), np.zeros(1))
    assert math.isnan(nothing.value)


def test_the_rank_correlation_is_scipys():
    a, b = np.random.default_rng(0).integers(0, 5, (2, 40))
    assert spearman(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic)


def test_too_few_votes_are_a_sentence():
    with pytest.raises(DataError, match="too few"):
        predict(np.array([1, 0]), np.array([0, 0]), np.array([0.5, 0.5]))
