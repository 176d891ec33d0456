"""Measures of how well a classifier's doubt is calibrated, from its probabilities and the soft labels of digits.

Pure functions of arrays: N images, K = 10 classes. A *clueless* classifier gives every class 0.1.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from muddle.errors import ArgumentError
from muddle.search.metrics import entropy_bits, top_pair

CLASSES = 10
BINS = 15  # of confidence, of equal width
FLOOR = 1e-6  # a predicted probability below this counts as this, so that the divergence stays finite
DECIMALS = 6  # of figures in JSON
ENTROPY_DECIMALS = 9  # to which entropies are compared: below them is float64's noise

COLUMNS = {  # the heading of each figure in the table, and its decimals
    "top_pair": ("top-pair", 3),
    "entropy": ("entropy", 2),
    "soft_entropy": ("of soft labels", 2),
    "rank_correlation": ("rank correlation", 2),
    "divergence": ("divergence", 2),
    "calibration_error": ("calibration error", 3),
    "overconfidence": ("overconfidence", 3),
}
LEGEND = """top-pair: share of images whose two likeliest classes are the intended two; best: the soft labels' share.
entropy: mean in bits, of the probabilities and of the soft labels; best equal.
rank correlation: Spearman's, between the two entropies over images; best 1.
divergence: Kullback-Leibler, of the soft label from the prediction, in bits; best 0.
calibration error: gap between confidence and the soft label's probability of the guess, by confidence; best 0.
overconfidence: how far the confidence exceeds that probability, on average; best 0."""


@dataclass(frozen=True)
class Bin:
    """The images whose confidence lies in [low, high); the last bin includes 1. An empty bin's means are 0."""

    low: float
    high: float
    count: int
    confidence: float  # mean of the likeliest class's probability, 0 to 1
    correctness: float  # mean of the soft label's probability of that class, 0 to 1


@dataclass(frozen=True)
class Evaluation:
    """The figures of a classifier on N ambiguous digits.

    The *guess* is the likeliest class, the *confidence* its probability, the *correctness* the soft label's probability
    of it; where several classes tie for likeliest, the correctness is their mean.

    count: images.
    top_pair: share of images whose two likeliest classes are the intended two, 0 to 1. Both must be above every other
        class, so a clueless classifier scores 0, as does one that is always certain. A perfect one scores what the soft
        labels do, which is below 1 where a third class gets more than the lesser of the two.
    entropy: mean entropy of the probabilities in bits, 0 (always certain) to log2 10 = 3.32 (clueless).
    soft_entropy: the same of the soft labels: what a perfect classifier has.
    rank_correlation: Spearman's (1904) between the two entropies over images, -1 to 1: whether it doubts more where
        there is more doubt, whatever the amounts. 0 where either is constant, as a clueless classifier's is.
    divergence: mean Kullback-Leibler (1951) divergence of the soft label from the prediction in bits: 0 (perfect) to
        log2 1e6 = 19.93, as a prediction below 1e-6 counts as 1e-6. A clueless classifier scores 3.32 - soft_entropy.
    calibration_error: expected calibration error (Naeini et al., 2015) in 15 bins, with correctness in the place of
        accuracy: 0 to 1. A clueless classifier is calibrated and scores 0.
    overconfidence: mean of max(0, confidence - correctness), 0 (never surer than the soft label) to 1 (certain of the
        impossible). Per image and unweighted, unlike the overconfidence error of Thulasidasan et al. (2019), which is
        per bin as the calibration error is: here, doubt on one image does not make up for too little on another. A
        clueless classifier scores 0.
    bins: the reliability diagram's.
    """

    count: int
    top_pair: float
    entropy: float
    soft_entropy: float
    rank_correlation: float
    divergence: float
    calibration_error: float
    overconfidence: float
    bins: tuple[Bin, ...]


def evaluate(probabilities: np.ndarray, soft_labels: np.ndarray, digits: np.ndarray, targets: np.ndarray) -> Evaluation:
    """Every figure, from (N, 10) and (N, 10), rows that sum to 1, and (N,) and (N,), the intended two.

    Raises ArgumentError when the shapes differ from these.
    """
    p, s = np.asarray(probabilities, np.float64), np.asarray(soft_labels, np.float64)
    pair = torch.as_tensor(np.asarray(digits, np.int64)), torch.as_tensor(np.asarray(targets, np.int64))
    shapes = (p.shape, s.shape, *(tuple(part.shape) for part in pair))
    if not len(p) or shapes != ((len(p), CLASSES), (len(p), CLASSES), (len(p),), (len(p),)):
        raise ArgumentError("shapes", shapes, "(N, 10), (N, 10), (N,) and (N,), with N at least 1")
    descending = -np.sort(-p, axis=1)
    both = top_pair(torch.from_numpy(p), *pair).numpy() & (descending[:, 1] > descending[:, 2])
    entropy, soft_entropy = (entropy_bits(torch.from_numpy(x)).numpy() for x in (p, s))
    confidence, correctness = descending[:, 0], _correctness(p, s)
    bins = reliability(confidence, correctness)
    return Evaluation(
        count=len(p),
        top_pair=float(both.mean()),
        entropy=float(entropy.mean()),
        soft_entropy=float(soft_entropy.mean()),
        rank_correlation=rank_correlation(entropy.round(ENTROPY_DECIMALS), soft_entropy.round(ENTROPY_DECIMALS)),
        divergence=float(divergence_bits(s, p).mean()),
        calibration_error=float(sum(b.count * abs(b.correctness - b.confidence) for b in bins) / len(p)),
        overconfidence=float(np.maximum(confidence - correctness, 0).mean()),
        bins=bins,
    )


def anchors(soft_labels: np.ndarray, digits: np.ndarray, targets: np.ndarray) -> dict[str, Evaluation]:
    """The scores on these images of a perfect classifier, which answers the soft labels, and of a clueless one."""
    answers = {"(soft labels)": soft_labels, "(clueless)": np.full(np.shape(soft_labels), 1 / CLASSES)}
    return {name: evaluate(p, soft_labels, digits, targets) for name, p in answers.items()}


def reliability(confidence: np.ndarray, correctness: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Mean confidence and correctness in bins of confidence of equal width: (N,), (N,) in [0, 1] -> as many `Bin`s."""
    which = (confidence * bins).astype(np.int64).clip(0, bins - 1)
    count = np.bincount(which, minlength=bins)
    sums = [np.bincount(which, values, minlength=bins) for values in (confidence, correctness)]
    means = [total / np.maximum(count, 1) for total in sums]
    return tuple(
        Bin(i / bins, (i + 1) / bins, int(count[i]), float(means[0][i]), float(means[1][i])) for i in range(bins)
    )


def divergence_bits(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of truth from prediction: (N, K), (N, K) -> (N,) bits, 0 to log2(1 / FLOOR).

    Predictions below FLOOR count as FLOOR, and a divergence that this makes negative counts as 0.
    """
    logs = np.log2(np.where(truth > 0, truth, 1)) - np.log2(np.maximum(prediction, FLOOR))
    return np.maximum((truth * logs).sum(1), 0)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation: (N,), (N,) -> -1 to 1; 0 where either is constant."""
    a, b = (ranks(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float(np.clip((a * b).sum() / scale, -1, 1)) if scale > 0 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the mean of theirs: (N,) -> float64 (N,)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]


def report(rows: dict[str, Evaluation]) -> str:
    """A Markdown table of named classifiers' figures, aligned for a terminal too, and its legend."""
    cells = [["classifier", *(head for head, _ in COLUMNS.values())]]
    for name, row in rows.items():
        values = (f"{getattr(row, key):.{decimals}f}" for key, (_, decimals) in COLUMNS.items())
        cells.append([name.replace("|", "\\|"), *values])
    name_width, *widths = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [
        f"| {name:<{name_width}} | {' | '.join(v.rjust(w) for v, w in zip(values, widths, strict=True))} |"
        for name, *values in cells
    ]
    rule = f"|{'-' * (name_width + 2)}|{'|'.join('-' * (w + 1) + ':' for w in widths)}|"
    return "\n".join([lines[0], rule, *lines[1:], "", *(f"- {line}" for line in LEGEND.splitlines())])


def as_json(rows: dict[str, Evaluation]) -> dict[str, dict[str, Any]]:
    """Named classifiers' figures and bins in JSON's types, rounded to six decimals."""
    return {name: _rounded(asdict(row)) for name, row in rows.items()}


def _correctness(p: np.ndarray, s: np.ndarray) -> np.ndarray:
    likeliest = p == p.max(1, keepdims=True)
    return (s * likeliest).sum(1) / likeliest.sum(1)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, DECIMALS) if isinstance(value, float) else value
