import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from support.probabilities import ambiguous, certain, row

from muddle.errors import ArgumentError
from muddle.evaluate.calibration import (
    COLUMNS,
    FLOOR,
    anchors,
    as_json,
    divergence_bits,
    evaluate,
    rank_correlation,
    ranks,
    report,
)

LOG10 = math.log2(10)


TWO = (  # two images, on which every figure can be had by hand
    np.stack([row(c4=0.75, c9=0.25), row(c1=0.5, c3=0.25, c7=0.25)]),  # the classifier
    np.stack([row(c4=0.5, c9=0.5), row(c1=0.5, c7=0.5)]),  # the soft labels
    np.array([4, 7]),
    np.array([9, 1]),
)


def test_every_figure_of_two_images_is_what_it_is_by_hand():
    e = evaluate(*TWO)
    assert e.count == 2
    assert e.top_pair == 0.5  # on the second, 3 and 7 tie for the second place
    first = 0.75 * math.log2(4 / 3) + 0.5
    assert e.entropy == pytest.approx((first + 1.5) / 2)
    assert e.soft_entropy == pytest.approx(1)
    assert e.rank_correlation == 0  # the soft labels' entropy is constant
    assert e.divergence == pytest.approx((0.5 * math.log2(0.5 / 0.75) + 0.5 * 1 + 0.5 * 1) / 2)
    assert e.calibration_error == pytest.approx(0.125)  # bins of their own: gaps 0.25 and 0
    assert e.overconfidence == pytest.approx(0.125)


def test_the_calibration_error_averages_within_a_bin_and_overconfidence_does_not():
    p = np.stack([row(c0=0.9, c1=0.1), row(c0=0.9, c1=0.1)])
    soft = np.stack([row(c0=0.8, c1=0.2), row(c0=1.0)])
    e = evaluate(p, soft, np.array([0, 0]), np.array([1, 1]))
    assert e.calibration_error == pytest.approx(0)
    assert e.overconfidence == pytest.approx(0.05)
    (only,) = [b for b in e.bins if b.count]
    assert (only.count, only.low, only.high) == (2, 13 / 15, 14 / 15)
    assert (only.confidence, only.correctness) == (pytest.approx(0.9), pytest.approx(0.9))


def test_too_much_doubt_is_a_calibration_error_and_no_overconfidence():
    e = evaluate(row(c0=0.6, c1=0.4)[None], row(c0=1.0)[None], np.array([0]), np.array([1]))
    assert e.calibration_error == pytest.approx(0.4)
    assert e.overconfidence == 0


def test_equal_doubt_about_other_digits_is_equal_to_the_last_bit():
    rng = np.random.default_rng(0)
    soft, digits, targets = ambiguous(50)
    same = np.stack([rng.permutation(soft[0]) for _ in soft])
    assert evaluate(same, soft, digits, targets).rank_correlation == 0


def test_a_perfect_classifier_gives_the_soft_labels():
    soft, digits, targets = ambiguous()
    e = evaluate(soft, soft, digits, targets)
    assert (e.top_pair, e.divergence, e.overconfidence) == (1, 0, 0)
    assert e.rank_correlation == pytest.approx(1)
    assert e.calibration_error == pytest.approx(0, abs=1e-12)
    assert e.entropy == e.soft_entropy


def test_a_clueless_classifier_is_calibrated_and_knows_nothing():
    soft, digits, targets = ambiguous()
    e = evaluate(np.full_like(soft, 0.1), soft, digits, targets)
    assert (e.top_pair, e.rank_correlation) == (0, 0)
    assert e.entropy == pytest.approx(LOG10)
    assert e.divergence == pytest.approx(LOG10 - e.soft_entropy)
    assert (e.calibration_error, e.overconfidence) == (pytest.approx(0), pytest.approx(0))


def test_a_classifier_that_is_always_certain_is_overconfident():
    soft, digits, targets = ambiguous()
    e = evaluate(certain(soft), soft, digits, targets)
    assert (e.top_pair, e.entropy, e.rank_correlation) == (0, 0, 0)
    assert e.overconfidence == pytest.approx(1 - soft.max(1).mean())
    assert e.calibration_error == pytest.approx(e.overconfidence)
    assert e.overconfidence < e.divergence < 20
    wrong = np.eye(10)[:, [1, 0, *range(2, 10)]][[0]]
    worst = evaluate(wrong, np.eye(10)[[0]], np.array([0]), np.array([2]))
    assert (worst.overconfidence, worst.calibration_error) == (1, 1)
    assert worst.divergence == pytest.approx(math.log2(1 / FLOOR))


def test_the_anchors_are_the_perfect_and_the_clueless_classifier():
    perfect, clueless = anchors(*TWO[1:]).values()
    assert (perfect.top_pair, perfect.divergence, clueless.top_pair) == (1, 0, 0)
    assert clueless.divergence == pytest.approx(LOG10 - 1)


def test_doubt_turned_round_is_correlated_the_other_way():
    soft, digits, targets = ambiguous()
    sharpened = soft**2 / (soft**2).sum(1, keepdims=True)
    order = soft.max(1).argsort()
    swapped = np.empty_like(soft)
    swapped[order] = soft[order[::-1]]
    assert evaluate(sharpened, soft, digits, targets).rank_correlation > 0.999
    assert evaluate(swapped, soft, digits, targets).rank_correlation < -0.999


def test_ranks_of_equal_values_are_shared():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 100, 101])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, -1])) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 2, 2, 3]), np.array([1.0, 3, 2, 4])) == pytest.approx(math.sqrt(0.9))


@given(st.lists(st.integers(0, 4), min_size=3, max_size=12), st.integers(0, 99))
def test_ranks_and_their_correlation_are_scipys(values, seed):
    first = np.array(values, float)
    second = np.random.default_rng(seed).integers(0, 4, len(first)).astype(float)
    assert ranks(first).tolist() == scipy.stats.rankdata(first).tolist()
    if np.ptp(first) and np.ptp(second):
        expected = scipy.stats.spearmanr(first, second).statistic
        assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-12)
    else:
        assert rank_correlation(first, second) == 0


def test_the_divergence_is_finite_for_zeros_and_zero_for_the_same():
    p = np.stack([row(c0=1.0), row(c0=0.5, c1=0.5)])
    assert divergence_bits(p, p).tolist() == [0, 0]
    assert divergence_bits(p[[1]], p[[0]]) == pytest.approx(-1 - 0.5 * math.log2(FLOOR))


def dirichlet(count):
    alpha = st.sampled_from([0.02, 0.3, 1.0, 30.0])
    return st.builds(lambda a, s: np.random.default_rng(s).dirichlet(np.full(10, a), count), alpha, st.integers(0, 999))


@given(dirichlet(20), dirichlet(20), st.integers(0, 99))
def test_every_figure_keeps_its_bounds_and_no_order_matters(p, soft, seed):
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, 20)
    targets = (digits + rng.integers(1, 10, 20)) % 10
    e = evaluate(p, soft, digits, targets)
    for value in (e.top_pair, e.calibration_error, e.overconfidence):
        assert 0 <= value <= 1 + 1e-9
    for value in (e.entropy, e.soft_entropy):
        assert 0 <= value <= LOG10 + 1e-9
    assert -1 <= e.rank_correlation <= 1
    assert 0 <= e.divergence <= math.log2(1 / FLOOR)
    assert sum(b.count for b in e.bins) == e.count == 20
    images, classes = rng.permutation(20), rng.permutation(10)
    renamed = np.argsort(classes)  # class k becomes renamed[k]
    other = evaluate(p[images][:, classes], soft[images][:, classes], renamed[targets[images]], renamed[digits[images]])
    for key in COLUMNS:
        assert getattr(other, key) == pytest.approx(getattr(e, key), abs=1e-9), key


@pytest.mark.parametrize("change", [{0: np.zeros((2, 9))}, {1: np.zeros((3, 10))}, {2: np.array([1])}, {3: np.eye(2)}])
def test_shapes_that_do_not_fit_are_refused(change):
    with pytest.raises(ArgumentError) as caught:
        evaluate(*(change.get(i, part) for i, part in enumerate(TWO)))
    assert caught.value.code == "bad-shapes"


def test_no_images_are_refused():
    with pytest.raises(ArgumentError) as caught:
        evaluate(np.zeros((0, 10)), np.zeros((0, 10)), np.zeros(0), np.zeros(0))
    assert caught.value.code == "bad-shapes"


def test_the_table_is_markdown_and_aligned():
    soft, digits, targets = ambiguous()
    evaluation = evaluate(soft, soft, digits, targets)
    lines = report({"perfect": evaluation, "a|b": evaluation}).splitlines()
    table, rest = lines[:4], lines[4:]
    assert len({len(line) for line in table}) == 1
    assert [cell.strip() for cell in table[0].strip("|").split("|")] == [
        "classifier",
        *(h for h, _ in COLUMNS.values()),
    ]
    assert set(table[1]) <= set("|-:")
    assert table[1].count("|") == table[0].count("|") == table[2].count("|") == 9
    assert table[2].startswith("| perfect    |    1.000 |")
    assert table[3].startswith("| a\\|b       |")
    assert rest[0] == ""
    explained = {line.removeprefix("- ").split(":")[0] for line in rest[1:]}
    assert explained == {head for head, _ in COLUMNS.values()} - {"of soft labels"}


def test_json_holds_every_figure_and_the_bins():
    figures = json.loads(json.dumps(as_json({"two": evaluate(*TWO)}), allow_nan=False))["two"]
    assert set(figures) == {"count", *COLUMNS, "bins"}
    assert figures["count"] == 2
    assert figures["overconfidence"] == 0.125
    assert len(figures["bins"]) == 15
    assert figures["bins"][11] == {"low": 0.733333, "high": 0.8, "count": 1, "confidence": 0.75, "correctness": 0.5}
