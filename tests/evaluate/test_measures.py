import builtins
import math

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from support.probabilities import ambiguous, certain, row, rows_of

from muddle.errors import ArgumentError, DataError
from muddle.evaluate.measures import FLOOR, MEASURES, anchors, area_under_roc, evaluate
from muddle.search.metrics import entropy_bits

LOG10 = math.log2(10)
FEW = {"resamples": 2}  # where intervals are not looked at

TWO = np.stack([row(c4=0.75, c9=0.25), row(c1=0.5, c3=0.25, c7=0.25)])  # on these, figures can be had by hand
TWO_ROWS = rows_of(np.stack([row(c4=0.5, c9=0.5), row(c1=0.5, c7=0.5)]), np.array([4, 7]), np.array([9, 1]))


def values(p, rows):
    return {name: figure.value for name, figure in evaluate(p, rows, **FEW).figures.items()}


def test_every_figure_of_two_images_is_what_it_is_by_hand():
    e = values(TWO, TWO_ROWS)
    assert e["top_pair"] == 0.5  # on the second, 3 and 7 tie for the second place
    first = 0.75 * math.log2(4 / 3) + 0.5
    assert e["entropy"] == pytest.approx((first + 1.5) / 2)
    assert e["entropy_error"] == pytest.approx((1 - first + 0.5) / 2)
    bits = (0.5 * math.log2(0.5 / 0.75) + 0.5 + 0.5) / 2
    assert e["divergence"] == pytest.approx(bits)
    assert e["nll"] == pytest.approx((bits + 1) * math.log(2))  # the soft labels' own entropy is 1 bit
    assert e["brier"] == pytest.approx(((0.625 - 1 + 1) + (0.375 - 0.75 + 1)) / 2)
    assert e["calibration_error"] == pytest.approx(0.125)  # bins of their own: gaps 0.25 and 0
    assert (e["gap"], e["over"], e["under"]) == (pytest.approx(0.125), pytest.approx(0.125), 0)
    assert math.isnan(e["rank_correlation"])  # the soft labels' entropy is constant


def test_the_calibration_error_averages_within_a_bin_and_over_and_under_do_not():
    p = np.stack([row(c0=0.9, c1=0.1), row(c0=0.9, c1=0.1)])
    rows = rows_of(np.stack([row(c0=0.8, c1=0.2), row(c0=1.0)]), np.array([0, 0]), np.array([1, 1]))
    e = evaluate(p, rows, **FEW)
    assert e.figures["calibration_error"].value == pytest.approx(0)
    assert e.figures["gap"].value == pytest.approx(0)
    assert (e.figures["over"].value, e.figures["under"].value) == (pytest.approx(0.05), pytest.approx(0.05))
    (only,) = [b for b in e.bins if b.count]
    assert (only.count, only.low, only.high) == (2, 13 / 15, 14 / 15)
    assert (only.confidence, only.correctness) == (pytest.approx(0.9), pytest.approx(0.9))


def test_a_perfect_classifier_gives_the_soft_labels():
    rows = rows_of(*ambiguous())
    e = values(rows.soft_label, rows)
    assert (e["top_pair"], e["divergence"], e["entropy_error"]) == (1, 0, pytest.approx(0, abs=1e-12))
    assert (e["over"], e["under"]) == (pytest.approx(0, abs=1e-12), pytest.approx(0, abs=1e-12))
    assert e["rank_correlation"] == pytest.approx(1)
    assert e["nll"] == pytest.approx(rows.entropy.mean() * math.log(2), abs=1e-5)
    assert e["brier"] == pytest.approx(1 - (rows.soft_label**2).sum(1).mean())


def test_a_clueless_classifier_is_calibrated_and_knows_nothing():
    rows = rows_of(*ambiguous())
    e = values(np.full_like(rows.soft_label, 0.1), rows)
    assert (e["top_pair"], e["brier"]) == (0, pytest.approx(0.9))
    assert e["entropy"] == pytest.approx(LOG10)
    assert e["nll"] == pytest.approx(math.log(10))
    assert e["divergence"] == pytest.approx(LOG10 - rows.entropy.mean(), abs=1e-5)
    assert (e["calibration_error"], e["gap"]) == (pytest.approx(0), pytest.approx(0))
    assert math.isnan(e["rank_correlation"])


def test_a_classifier_that_is_always_certain_is_too_sure():
    rows = rows_of(*ambiguous())
    e = values(certain(rows.soft_label), rows)
    assert (e["top_pair"], e["entropy"]) == (0, 0)
    assert e["over"] == e["gap"] == pytest.approx(1 - rows.soft_label.max(1).mean())
    assert e["calibration_error"] == pytest.approx(e["over"])
    wrong = values(np.eye(10)[[1, 1]], rows_of(np.eye(10)[[0, 0]], np.array([0, 0]), np.array([2, 2])))
    assert (wrong["over"], wrong["calibration_error"], wrong["brier"]) == (1, 1, 2)
    assert wrong["divergence"] == pytest.approx(math.log2(1 / FLOOR))


def test_an_ensemble_is_measured_by_its_mean():
    rows = rows_of(*ambiguous())
    members = np.stack([certain(rows.soft_label), rows.soft_label])
    for name, value in values(members, rows).items():
        assert value == pytest.approx(values(members.mean(0), rows)[name], nan_ok=True), name


def test_the_anchors_are_the_ceiling_one_judge_and_the_clueless():
    soft, digits, targets = ambiguous(60)
    rng = np.random.default_rng(0)
    judges = np.stack([rng.dirichlet(20 * p + 0.01, 4) for p in soft])
    rows = rows_of(judges.mean(1), digits, targets, judges=judges)
    perfect, judge, clueless = (one.figures for one in anchors(rows, **FEW).values())
    assert perfect["divergence"].value == 0
    assert 0 < judge["divergence"].value < clueless["divergence"].value
    others = (judges.sum(1, keepdims=True) - judges) / 3
    alone = [values(judges[:, j], rows_of(others[:, j], digits, targets)) for j in range(4)]
    for name in MEASURES:
        assert judge[name].value == pytest.approx(np.mean([one[name] for one in alone])), name


def test_intervals_hold_the_value_and_are_as_wide_as_they_should_be():
    soft, digits, targets = ambiguous(400)
    p = np.where(np.arange(400)[:, None] % 4 == 0, np.full_like(soft, 0.1), soft)  # clueless on a quarter
    e = evaluate(p, rows_of(soft, digits, targets))
    for name, figure in e.figures.items():
        assert figure.low <= figure.value + 1e-9, name
        assert figure.value <= figure.high + 1e-9, name
    value, low, high = e.figures["top_pair"]
    assert value == 0.75
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.75 * 0.25 / 400), rel=0.2)
    assert evaluate(p, rows_of(soft, digits, targets)).figures == e.figures  # the same each time


def test_the_curve_has_the_shares_of_each_tenth_and_pairs_have_their_figures():
    soft, digits, targets = ambiguous()
    rows = rows_of(soft, digits, targets)
    e = evaluate(np.full_like(soft, 0.1), rows, **FEW)
    assert sum(tenth.count for tenth in e.curve) == 200
    for tenth in e.curve:
        here = (rows.balance >= tenth.low) & (rows.balance < tenth.high)
        assert tenth.count == here.sum()
        if tenth.count:
            assert tenth.predicted == pytest.approx(0.5)
            assert tenth.asked == pytest.approx(rows.balance[here].mean())
            assert tenth.soft_label == pytest.approx(rows.target_share()[here].mean())
    for pair, figures in e.pairs.items():
        a, b = map(int, pair.split("-"))
        here = rows.rows((rows.digit == a) & (rows.target == b))
        assert len(here) > 1
        assert figures["divergence"] == pytest.approx(LOG10 - here.entropy.mean(), abs=1e-4)


def mixed_rows():
    """Twenty of each kind: sure, undecided, and without an idea; real ones as the clear."""
    sure, torn = row(c1=0.99, c2=0.01), row(c1=0.5, c2=0.5)
    kinds = ["real", "clear", "ambiguous", "ood"] * 20
    soft = np.stack([{"ambiguous": torn, "ood": np.full(10, 0.1)}.get(kind, sure) for kind in kinds])
    return rows_of(soft, np.full(80, 1), np.full(80, 2), kind=kinds)


def test_uncertainties_tell_the_kinds_of_a_mixed_set_apart():
    rows = mixed_rows()
    e = evaluate(rows.soft_label, rows, **FEW)
    assert {name: area.value for name, area in e.auroc.items()} == {
        "ambiguous-clear total": 1, "ambiguous-real total": 1, "ambiguous-ood total": 0, "real-clear total": 0.5,
    }  # fmt: skip
    torn = rows.kind == "ambiguous"
    sides = np.stack([np.where(torn[:, None], row(**{c: 1.0}), rows.soft_label) for c in ("c1", "c2")])
    areas = evaluate(sides, rows, **FEW).auroc  # two members, each certain, that disagree
    assert areas["ambiguous-clear mutual"].value == 1
    assert areas["ambiguous-clear expected"].value == 0
    assert areas["ambiguous-ood mutual"].value == 1
    assert evaluate(rows.soft_label, rows_of(*ambiguous(80)), **FEW).auroc == {}


def test_members_that_all_say_the_same_disagree_nowhere():
    rows = mixed_rows()
    generator = np.random.default_rng(0)
    p = generator.dirichlet(np.ones(10), len(rows))
    areas = evaluate(np.stack([p] * 5), rows, **FEW).auroc
    assert {area.value for name, area in areas.items() if name.endswith("mutual")} == {0.5}


@pytest.mark.parametrize("resamples", [0, 1, -1, 1.5, "200"])
def test_resamples_are_at_least_two(resamples):
    with pytest.raises(ArgumentError) as caught:
        evaluate(TWO, TWO_ROWS, resamples=resamples)
    assert caught.value.code == "bad-resamples"


def test_images_of_no_digit_count_in_no_figure():
    rows = mixed_rows()
    sure_of_nothing = np.where((rows.kind == "ood")[:, None], row(c7=1.0), rows.soft_label)
    e = evaluate(sure_of_nothing, rows, **FEW)
    assert (e.figures["divergence"].value, e.figures["over"].value) == (0, 0)
    assert sum(b.count for b in e.bins) == e.count == 60


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_the_area_is_scikit_learns(some, others):
    known = sklearn.metrics.roc_auc_score([1] * len(some) + [0] * len(others), some + others)
    assert area_under_roc(np.array(some), np.array(others)) == pytest.approx(known)


def test_the_area_of_nothing_is_not_defined():
    assert math.isnan(area_under_roc(np.zeros(0), np.zeros(3)))


def test_the_rank_correlation_is_scipys():
    rows = rows_of(*ambiguous(50))
    p = np.random.default_rng(0).dirichlet(np.ones(10), 50)
    entropies = [np.asarray(scipy.stats.entropy(x, base=2, axis=1)) for x in (p, rows.soft_label)]
    assert values(p, rows)["rank_correlation"] == pytest.approx(scipy.stats.spearmanr(*entropies).statistic)


def dirichlet(count):
    alpha = st.sampled_from([0.02, 0.3, 1.0, 30.0])
    return st.builds(lambda a, s: np.random.default_rng(s).dirichlet(np.full(10, a), count), alpha, st.integers(0, 999))


@given(dirichlet(20), dirichlet(20), st.integers(0, 99))
def test_every_figure_keeps_its_bounds_and_no_order_matters(p, soft, seed):
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, 20)
    targets = (digits + rng.integers(1, 10, 20)) % 10
    e = values(p, rows_of(soft, digits, targets))
    for name in ("top_pair", "calibration_error", "over", "under"):
        assert 0 <= e[name] <= 1 + 1e-9, name
    assert 0 <= e["entropy"] <= LOG10 + 1e-9
    assert 0 <= e["divergence"] <= math.log2(1 / FLOOR)
    assert -1e-9 <= e["brier"] <= 2 + 1e-9
    assert e["gap"] == pytest.approx(e["over"] - e["under"])
    images, classes = rng.permutation(20), rng.permutation(10)
    renamed = np.argsort(classes)  # class k becomes renamed[k]
    moved = rows_of(soft[images][:, classes], renamed[targets[images]], renamed[digits[images]])
    for name, value in values(p[images][:, classes], moved).items():
        assert value == pytest.approx(e[name], abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 9)), np.zeros((3, 10)), np.zeros((2, 2, 2, 10)), 3 * TWO,
     np.log(TWO + 1e-9), TWO * np.nan, "two", None],
    ids=str,
)  # fmt: skip
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(DataError):
        evaluate(wrong, TWO_ROWS)


def test_tensors_that_ask_for_gradients_are_taken():
    import torch

    p = torch.tensor(TWO, requires_grad=True)
    assert values(p, TWO_ROWS)["entropy"] == pytest.approx(entropy_bits(torch.tensor(TWO)).mean().item())


def test_one_image_is_too_few():
    with pytest.raises(DataError, match="at least 2"):
        evaluate(TWO[:1], TWO_ROWS.rows([0]))


def test_a_missing_scipy_is_named(monkeypatch):
    original = builtins.__import__

    def without(name, *arguments):
        if name.startswith("scipy"):
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match="pip install scipy"):
        evaluate(TWO, TWO_ROWS)
