"""Measures of how well a classifier's doubt fits the soft labels of a data set, each with a bootstrap interval.

N images, K = 10 classes. A classifier's *guess* is its likeliest class, its *confidence* the probability that it gives
to the guess, and the *correctness* the soft label's probability of the guess, in the place of right or wrong; where
classes tie for likeliest, it is their mean. Needs SciPy.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from muddle.dataset.spec import KINDS, Rows
from muddle.errors import DataError
from muddle.evaluate.classifiers import check_probabilities
from muddle.parameters import Integer
from muddle.search.metrics import entropy_bits, expected_entropy, mutual_information, top_pair

BINS = 15  # of confidence, of equal width
TENTHS = 10  # of balance
RESAMPLES = Integer(2, 100_000)
NOISE = 9  # decimals to which entropies are compared: below them is float64's noise
FLOOR = 1e-6  # a predicted probability below this counts as this, so that logarithms stay finite
USUAL, BATCH = 200, 20  # resamples of the bootstrap; how many at once, which bounds memory
CONTRASTS = (("ambiguous", "clear"), ("ambiguous", "real"), ("ambiguous", "ood"), ("real", "clear"))


class Measure(NamedTuple):
    """What a figure is, for a table and its legend."""

    heading: str
    decimals: int
    legend: str


MEASURES = {
    "top_pair": Measure(
        "top-pair", 3, "share of images whose two likeliest classes are the intended two, both above every other one"
    ),
    "nll": Measure(
        "NLL", 3, "negative log-likelihood, the soft label's cross-entropy, in nats; proper, lower is better"
    ),
    "brier": Measure("Brier", 3, "of a label drawn from the soft label (Brier, 1950), 0 to 2; proper, lower is better"),
    "divergence": Measure("divergence", 3, "Kullback-Leibler (1951), of soft label from prediction, in bits; best 0"),
    "calibration_error": Measure(
        "ECE", 3, f"expected calibration error (Naeini et al., 2015), correctness for accuracy, {BINS} bins; best 0"
    ),
    "gap": Measure("gap", 3, "confidence less correctness, on average: above 0 too sure, below too doubtful; best 0"),
    "over": Measure("over", 3, "the same where confidence is too high, over all images; best 0"),
    "under": Measure("under", 3, "and where it is too low; gap = over - under"),
    "entropy": Measure("entropy", 2, "mean of the prediction's in bits, beside the soft labels' own"),
    "entropy_error": Measure("entropy error", 2, "mean absolute difference of the two, image by image; best 0"),
    "rank_correlation": Measure("rank", 2, "Spearman's (1904) correlation of the two entropies over images; best 1"),
}


class Figure(NamedTuple):
    """A value with the 95 % interval of a bootstrap over images (Efron, 1979); NaN where it is not defined."""

    value: float
    low: float
    high: float


class Bin(NamedTuple):
    """The images whose confidence lies in [low, high); the last bin includes 1. An empty bin's means are 0."""

    low: float
    high: float
    count: int
    confidence: float
    correctness: float


class Tenth(NamedTuple):
    """The images whose asked-for balance lies in a tenth of 0 to 1: the target's mean share of the two labels,
    as it was asked for, as it is predicted, and in the soft labels.

    An empty tenth's means are 0.
    """

    low: float
    high: float
    count: int
    asked: float
    predicted: float
    soft_label: float


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a classifier on a data set.

    figures: by the names of MEASURES, without images of no digit. auroc: how well an uncertainty tells ambiguous
    muddles from clear ones, from real digits and from images of no digit, and real digits from clear muddles, by names
    such as "ambiguous-clear total"; for mixed sets. pairs: the same figures for each ordered pair with at least two
    images, without intervals.
    """

    count: int  # of images, without those of no digit
    figures: dict[str, Figure]
    auroc: dict[str, Figure]
    bins: tuple[Bin, ...]
    curve: tuple[Tenth, ...]
    pairs: dict[str, dict[str, float]]


def evaluate(probabilities: np.ndarray, rows: Rows, *, resamples: int = USUAL) -> Evaluation:
    """Measure predictions for the images of a data set, in their order.

    probabilities: (N, 10), or (M, N, 10) of an ensemble, whose mean is measured. Raises DataError where these are no
    probabilities, or too few, and when a library is missing.
    """
    _libraries()
    resamples = RESAMPLES.check("resamples", resamples)
    if len(rows) < 2:
        raise DataError("Measuring needs at least 2 images.")
    p = check_probabilities(probabilities, len(rows), "probabilities")
    mean = p if p.ndim == 2 else p.mean(0)
    return _evaluation([_View(p, mean, rows.soft_label, rows)], rows, resamples)


def anchors(rows: Rows, *, resamples: int = USUAL) -> dict[str, Evaluation]:
    """What figures mean on these images: those of the soft labels themselves, of one judge beside the mean of the
    others, averaged over the judges, and of a clueless classifier, which gives every class 0.1."""
    _libraries()
    judges, count = rows.judges, rows.judges.shape[1]
    others = (judges.sum(1, keepdims=True) - judges) / (count - 1)
    one = [_View(judges[:, j], judges[:, j], others[:, j], rows) for j in range(count)]
    clueless = np.full(rows.soft_label.shape, 0.1)
    return {
        "(soft labels)": _evaluation(
            [_View(judges.swapaxes(0, 1), rows.soft_label, rows.soft_label, rows)], rows, resamples
        ),
        "(one judge)": _evaluation(one, rows, resamples),
        "(clueless)": _evaluation([_View(clueless, clueless, rows.soft_label, rows)], rows, resamples),
    }


class _View:
    """Every quantity of single images that figures are made of: a prediction beside its truth."""

    def __init__(self, members: np.ndarray, p: np.ndarray, truth: np.ndarray, rows: Rows):
        pair = torch.from_numpy(rows.digit), torch.from_numpy(rows.target)
        descending = -np.sort(-p, axis=1)
        likeliest = p == descending[:, :1]
        self.confidence = descending[:, 0]
        self.correctness = (truth * likeliest).sum(1) / likeliest.sum(1)
        self.entropy, self.true_entropy = (_bits(x) for x in (p, truth))
        excess = self.confidence - self.correctness
        logs = np.log(np.maximum(p, FLOOR))
        nll = -(truth * logs).sum(1)
        own = -(truth * np.log(np.where(truth > 0, truth, 1))).sum(1)
        both = top_pair(torch.from_numpy(p), *pair).numpy() & (descending[:, 1] > descending[:, 2])
        self.means = {
            "top_pair": both.astype(float),
            "nll": nll,
            "brier": (p * p).sum(1) - 2 * (p * truth).sum(1) + 1,
            "divergence": np.maximum(nll - own, 0) / np.log(2),
            "gap": excess,
            "over": np.maximum(excess, 0),
            "under": np.maximum(-excess, 0),
            "entropy": self.entropy,
            "entropy_error": np.abs(self.entropy - self.true_entropy),
        }
        self.which = (self.confidence * BINS).astype(int).clip(0, BINS - 1)
        each = torch.from_numpy(np.ascontiguousarray(members))
        self.uncertainty = {"total": self.entropy.round(NOISE)}
        if members.ndim == 3:
            by_image = each.movedim(0, 1)
            self.uncertainty["expected"] = expected_entropy(by_image).numpy().round(NOISE)
            self.uncertainty["mutual"] = mutual_information(by_image).numpy().round(NOISE)
        row = np.arange(len(p))
        self.share = _share(p[row, rows.digit], p[row, rows.target])
        self.true_share = _share(truth[row, rows.digit], truth[row, rows.target])

    def figures(self, index: np.ndarray) -> list[float]:
        """The values of MEASURES for some images."""
        from scipy.stats import spearmanr

        values = {name: column[index].mean() for name, column in self.means.items()}
        gaps = np.bincount(self.which[index], self.means["gap"][index], minlength=BINS)
        values["calibration_error"] = np.abs(gaps).sum() / len(index)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constant entropies, whose correlation is not defined
            doubts = self.entropy[index].round(NOISE), self.true_entropy[index].round(NOISE)
            values["rank_correlation"] = spearmanr(*doubts).statistic
        return [values[name] for name in MEASURES]

    def auroc(self, kinds: np.ndarray, index: np.ndarray) -> dict[str, float]:
        """How well each uncertainty tells kinds apart, for some images."""
        of = {kind: index[kinds[index] == kind] for kind in KINDS}
        return {
            f"{one}-{other} {name}": area_under_roc(values[of[one]], values[of[other]])
            for name, values in self.uncertainty.items()
            for one, other in CONTRASTS
        }


def _evaluation(views: Sequence[_View], rows: Rows, resamples: int) -> Evaluation:
    """The figures of predictions, averaged over the views."""
    everything = np.arange(len(rows))
    digits = np.flatnonzero(rows.kind != "ood")

    def figures(index: np.ndarray) -> np.ndarray:
        return np.mean([view.figures(index) for view in views], 0)

    def areas(index: np.ndarray) -> np.ndarray:
        return np.mean([list(view.auroc(rows.kind, index).values()) for view in views], 0)

    mixed = set(KINDS) <= set(rows.kind.tolist())
    names = views[0].auroc(rows.kind, everything) if mixed else {}
    confidence = np.concatenate([view.confidence[digits] for view in views])
    correctness = np.concatenate([view.correctness[digits] for view in views])
    shares = np.mean([view.share for view in views], 0), np.mean([view.true_share for view in views], 0)
    return Evaluation(
        count=len(digits),
        figures=dict(zip(MEASURES, _intervals(figures, digits, resamples), strict=True)),
        auroc=dict(zip(names, _intervals(areas, everything, resamples), strict=True)) if mixed else {},
        bins=tuple(Bin(*row) for row in binned(confidence, BINS, confidence, correctness)),
        curve=tuple(
            Tenth(*row)
            for row in binned(rows.balance[digits], TENTHS, rows.balance[digits], *(share[digits] for share in shares))
        ),
        pairs={
            f"{a}-{b}": dict(zip(MEASURES, figures(here).tolist(), strict=True))
            for a in range(10)
            for b in range(10)
            if len(here := digits[(rows.digit[digits] == a) & (rows.target[digits] == b)]) > 1
        },
    )


def _intervals(statistic, everything: np.ndarray, resamples: int) -> list[Figure]:
    """A statistic of images, by their numbers, with an interval for each of its values."""
    from scipy.stats import bootstrap

    values = statistic(everything)
    generator = np.random.default_rng(0)
    options = {"n_resamples": resamples, "vectorized": False, "method": "percentile", "batch": BATCH, "rng": generator}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of figures that are the same for all images
        found = bootstrap((everything,), statistic, **options).confidence_interval
    return [Figure(*map(float, row)) for row in zip(values, found.low, found.high, strict=True)]


def binned(by: np.ndarray, bins: int, *columns: np.ndarray) -> list[tuple]:
    """Low, high, count and the columns' means in bins of 0 to 1, of equal width."""
    which = (by * bins).astype(int).clip(0, bins - 1)
    count = np.bincount(which, minlength=bins)
    means = [np.bincount(which, column, minlength=bins) / np.maximum(count, 1) for column in columns]
    return [(i / bins, (i + 1) / bins, int(count[i]), *(float(mean[i]) for mean in means)) for i in range(bins)]


def area_under_roc(some: np.ndarray, others: np.ndarray) -> float:
    """The chance that one of `some` is above one of `others`, half for a tie: AUROC, as the Mann-Whitney statistic.

    (N,), (M,) -> 0 to 1; NaN where either is empty.
    """
    from scipy.stats import rankdata

    if not len(some) or not len(others):
        return np.nan
    ranks = rankdata(np.concatenate([some, others]))[: len(some)]
    return float((ranks.sum() - len(some) * (len(some) + 1) / 2) / (len(some) * len(others)))


def _share(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return second / np.maximum(first + second, 1e-9)


def _bits(p: np.ndarray) -> np.ndarray:
    return entropy_bits(torch.from_numpy(np.ascontiguousarray(p))).numpy()


def _libraries() -> None:
    try:
        import scipy.stats  # noqa: F401
    except ImportError as error:
        raise DataError("Measuring needs SciPy, and pictures matplotlib: pip install scipy matplotlib.") from error
