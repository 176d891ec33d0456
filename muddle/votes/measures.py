"""What votes say: how people split, when they switch, and how well networks predict them. Needs SciPy.

Intervals are 95 %, by a bootstrap over images: the votes on one image are not independent of each other.
"""

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from muddle.errors import DataError
from muddle.recipe import Recipe
from muddle.votes.vote import Vote

RESAMPLES = 1000  # of the bootstrap
FLOOR = 0.01  # a share nearer to 0 or 1 counts as this: a slip of the finger refutes nobody
ENOUGH = 3  # guesses on a muddle from which on its split counts
THIRD = 1 / 3


class Figure(NamedTuple):
    """A value with its interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Split:
    """The guesses on one muddle."""

    query: str
    digit: int
    target: int
    first: int  # who said the digit
    second: int  # who said the target
    other: int  # who said another one
    none: int  # who saw no digit

    @property
    def total(self) -> int:
        """All of them."""
        return self.first + self.second + self.other + self.none

    @property
    def between(self) -> bool:
        """Whether both labels got at least a third."""
        return 3 * min(self.first, self.second) >= self.total


class Prediction(NamedTuple):
    """How well shares of the second label predict which of the two labels people choose."""

    log_likelihood: Figure  # mean of a vote, in nats: higher is better; a coin has -0.693
    brier: Figure  # mean squared error of a vote, 0 to 1: lower is better; a coin has 0.25
    rank_correlation: Figure  # Spearman's, of the entropies of people's shares and of the predicted ones


def splits(votes: Sequence[Vote]) -> list[Split]:
    """How people split on each muddle that they guessed at, the one with most guesses first."""
    said: dict[str, Counter[int | None]] = defaultdict(Counter)
    for vote in votes:
        if vote.kind == "guess" and vote.query is not None:
            said[vote.query][vote.answer] += 1
    found = []
    for query, answers in said.items():
        recipe = Recipe.from_query(query)
        two = answers[recipe.digit], answers[recipe.target]
        rest = answers.total() - sum(two) - answers[None]
        found.append(Split(query, int(recipe.digit or 0), int(recipe.target or 0), *two, rest, answers[None]))
    return sorted(found, key=lambda split: -split.total)


def predict(first: np.ndarray, second: np.ndarray, shares: np.ndarray, *, resamples: int = RESAMPLES) -> Prediction:
    """Measure predicted shares of the second label, (N,), on how many people chose each of the two, (N,) and (N,).

    Raises DataError when there are fewer than two images with a vote for one of the two, or without SciPy.
    """
    counted = first + second > 0
    if counted.sum() < 2:
        raise DataError("There are too few votes to measure a prediction: at least 2 images need one.")
    a, b, p = first[counted].astype(float), second[counted].astype(float), shares[counted].clip(FLOOR, 1 - FLOOR)
    likelihood = a * np.log1p(-p) + b * np.log(p)
    error = a * p**2 + b * (1 - p) ** 2
    people, predicted = _entropy(b / (a + b)), _entropy(p)

    def figures(index: np.ndarray) -> np.ndarray:
        total = (a[index] + b[index]).sum()
        rank = spearman(people[index], predicted[index])
        return np.array([likelihood[index].sum() / total, error[index].sum() / total, rank])

    return Prediction(*intervals(figures, int(counted.sum()), resamples))


def undecided(found: Sequence[Split], *, resamples: int = RESAMPLES) -> Figure:
    """The share of muddles, with ENOUGH guesses each, on which both labels got at least a third."""
    between = np.array([split.between for split in found if split.total >= ENOUGH], float)
    if len(between) < 2:
        return Figure(np.nan, np.nan, np.nan)
    return intervals(lambda index: np.array([between[index].mean()]), len(between), resamples)[0]


def switches(steps: np.ndarray, moments: np.ndarray, *, resamples: int = RESAMPLES) -> tuple[Figure, Figure]:
    """People's switching steps, (N,), beside a network's on the same morphs, (N,): how many steps later people switch,
    and Spearman's rank correlation."""
    if len(steps) < 2:
        return Figure(*[np.nan] * 3), Figure(*[np.nan] * 3)

    def figures(index: np.ndarray) -> np.ndarray:
        return np.array([(steps[index] - moments[index]).mean(), spearman(steps[index], moments[index])])

    later, rank = intervals(figures, len(steps), resamples)
    return later, rank


def moments_of(choices: np.ndarray, target: int) -> np.ndarray:
    """The step from which on each network reads the target for good, (T, J) first choices -> int64 (J,); T: never."""
    read = choices == target
    held = np.cumprod(read[::-1], axis=0).sum(0)  # steps at the end that read the target
    return len(choices) - held


def intervals(figures: Callable[[np.ndarray], np.ndarray], count: int, resamples: int) -> list[Figure]:
    """Figures of `count` things, by their numbers, each with an interval (Efron, 1979)."""
    generator = np.random.default_rng(0)
    values = figures(np.arange(count))
    drawn = np.stack([figures(generator.integers(0, count, count)) for _ in range(resamples)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of figures that are never defined
        low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    return [Figure(*map(float, row)) for row in zip(values, low, high, strict=True)]


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's rank correlation, NaN where one of the two is constant."""
    try:
        from scipy.stats import rankdata
    except ImportError as error:
        raise DataError("Measuring needs SciPy, and pictures matplotlib: pip install scipy matplotlib.") from error
    a, b = rankdata(first), rankdata(second)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / scale) if scale else np.nan


def prediction_table(predictions: Mapping[str, Prediction]) -> str:
    """Predictions by name as a Markdown table."""
    lines = ["| predicted by | log-likelihood | Brier score | rank correlation |", "|---|---:|---:|---:|"]
    for name, figures in predictions.items():
        lines.append(f"| {name} | {' | '.join(in_words(figure) for figure in figures)} |")
    return "\n".join(lines)


def in_words(figure: Figure, decimals: int = 2) -> str:
    """A figure with its interval, or a dash where it is not defined."""
    if figure.value != figure.value:
        return "–"
    low, high = (f"{value:.{decimals}f}" for value in figure[1:])
    return f"{figure.value:.{decimals}f} ({low} to {high})"


def predictions_by(
    first: np.ndarray, second: np.ndarray, shares: np.ndarray, names: Sequence[str]
) -> dict[str, Prediction]:
    """The predictions of the judges' mean, of each judge, and of a coin: shares (N, J + 1), the mean's first."""
    named = {"the judges' mean": shares[:, 0], **dict(zip(names, shares[:, 1:].T, strict=True))}
    named["a coin"] = np.full(len(shares), 0.5)
    return {name: predict(first, second, column) for name, column in named.items()}


def _entropy(share: np.ndarray) -> np.ndarray:
    p = np.stack([share, 1 - share])
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(0)
