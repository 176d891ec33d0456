"""The results: one muddle with all that led to it, or many as columns. Plain data, for whoever prints or stores it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from muddle.errors import ArgumentError, DataError
from muddle.images import codecs
from muddle.recipe import PARAMETERS, Recipe
from muddle.storage import write_whole

SCALE, STRIP_SCALE = 10, 4  # screen pixels a pixel, unless said


@dataclass(frozen=True)
class Origin:
    """Where a bundle came from: `name` for people; `note` says why it is not the requested one, or is empty."""

    name: str
    revision: str | None = None
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} at {self.revision}" if self.revision else self.name


@dataclass(frozen=True)
class Scores:
    """The figures by which a reader knows how good one muddle is.

    p_digit, p_target: the judges' mean probability of the two intended classes, 0 to 1; a perfect muddle has 0.5 and
    0.5, a clueless judge gives 0.1 and 0.1. entropy: of the soft label in bits, 0 (certain), 1 (a fair coin), 3.32
    (clueless). likeness: percentile among real test digits, 0 (not a digit) to 100; real digits average 50, noise
    scores 0. grey: share of the ink that is grey, 0 to 1; real test digits average 0.506, a blur 0.87.
    """

    p_digit: float
    p_target: float
    entropy: float
    likeness: float
    grey: float


@dataclass(frozen=True, eq=False)
class Muddle:
    """One muddle and how it came to be. T steps, J judges, K = 10 classes, D latent axes; images are uint8."""

    recipe: Recipe  # reproduces this muddle: digit and target are resolved, source is set only if it was given
    version: str  # of algorithm and bundle, as a share link names it
    origin: Origin  # of the bundle
    fingerprint: str  # of the bundle: sha256 of everything that muddles depend on
    source: np.ndarray  # (28, 28): the real image of the digit, or the given one
    partner: np.ndarray  # (28, 28): the real image of the target
    source_index: int | None  # the exemplar that is the source; None for a given image
    partner_index: int
    codes: np.ndarray  # float64 (T, D): the path, from the source's code over the muddle's to the partner's
    frames: np.ndarray  # (T, 28, 28): the decoded path
    judge_probabilities: np.ndarray  # float64 (T, J, K): each judge's on each frame, to a hundredth
    probabilities: np.ndarray  # float64 (T, K): the judges' mean on each frame, to a thousandth
    t: float  # how much of the path lies before the muddle, 0 to 1
    pick: int  # the step that is the muddle; with two steps the nearer end
    code: np.ndarray  # float64 (D,): the muddle's code
    image: np.ndarray  # (28, 28): the muddle
    soft_label: np.ndarray  # float64 (K,): the judges' mean on it
    judge_soft_labels: np.ndarray  # float64 (J, K): each judge's
    scores: Scores
    place: np.ndarray  # float64 (2,): where the muddle's code lies on the latent map, about -1 to 1
    places: np.ndarray  # float64 (T, 2): the same of the path's codes

    @property
    def digit(self) -> int:
        """The label of the source."""
        assert self.recipe.digit is not None
        return self.recipe.digit

    @property
    def target(self) -> int:
        """The label of the partner."""
        assert self.recipe.target is not None
        return self.recipe.target

    @property
    def seed(self) -> int:
        """As in the recipe."""
        return self.recipe.seed

    @property
    def strategy(self) -> str:
        """As in the recipe."""
        return self.recipe.strategy

    @property
    def steps(self) -> int:
        """As in the recipe: T."""
        return self.recipe.steps

    @property
    def balance(self) -> float:
        """As in the recipe: the share that was asked for; `scores` has the one that came out."""
        return self.recipe.balance

    @property
    def query(self) -> str:
        """The query of the share link, from its question mark on."""
        return self.recipe.query(self.version)

    def to_file(self, kind: str, scale: int = SCALE) -> bytes:
        """A file's bytes: png the muddle, gif and webp its path there and back, npz every array and all that names it.

        scale: screen pixels a pixel. Raises ArgumentError for another kind.
        """
        if kind == "png":
            return codecs.png(self.image, scale)
        if kind in ("gif", "webp"):
            return getattr(codecs, kind)(self.frames, scale, self.pick)
        if kind != "npz":
            raise ArgumentError("kind", kind, "one of png, gif, webp, npz")
        arrays = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        given = {name: getattr(self, name) for name in PARAMETERS if name not in ("source", "image")}
        about: dict[str, Any] = {**given, **vars(self.scores), "t": self.t, "pick": self.pick}
        about |= {"query": self.query, "version": self.version, "fingerprint": self.fingerprint}
        about |= {"source_index": -1 if self.source_index is None else self.source_index}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays, **about, partner_index=self.partner_index)
        return buffer.getvalue()

    def save(self, path: str | Path, scale: int = SCALE) -> None:
        """Write `to_file`'s kind that the path ends in, whole or not at all. Raises ArgumentError, DataError."""
        data = self.to_file(Path(path).suffix.lower().removeprefix("."), scale)
        try:
            write_whole(Path(path), data)
        except OSError as error:
            raise DataError(f"{path}: cannot be written ({error.strerror}).") from error

    def _repr_png_(self) -> bytes:
        """Source, muddle and partner, as notebooks show it."""
        return codecs.strip(np.stack([self.source, self.image, self.partner]), STRIP_SCALE)

    def __repr__(self) -> str:
        digit, target = (f"{100 * share:.0f} %" for share in (self.scores.p_digit, self.scores.p_target))
        return f"<Muddle {self.query}: {self.digit} {digit}, {self.target} {target}>"


MORPH_STEPS = 33  # odd, so that one is the middle


class Morph(NamedTuple):
    """A way from source over muddle to partner, its steps where opinions change: T = MORPH_STEPS, J judges."""

    frames: np.ndarray  # uint8 (T, 28, 28); the middle one is the muddle
    choices: np.ndarray  # uint8 (T, J): the digit that each judge takes for the likeliest


@dataclass(frozen=True, eq=False, repr=False)
class Columns:
    """Arrays by name, a row of each for an image; `len` counts the rows."""

    def __len__(self) -> int:
        return len(next(iter(vars(self).values())))

    def __repr__(self) -> str:
        shapes = (f"{name} {column.dtype} {column.shape}" for name, column in vars(self).items())
        return f"{type(self).__name__}({', '.join(shapes)})"

    def rows(self, index: np.ndarray | slice) -> Self:
        """Some of the rows, by a slice, by their numbers or by a bool for each."""
        return type(self)(**{name: column[index] for name, column in vars(self).items()})

    def scalars(self) -> dict[str, np.ndarray]:
        """The columns of one number or word a row, as pandas.DataFrame takes them."""
        return {name: column for name, column in vars(self).items() if column.ndim == 1}


@dataclass(frozen=True, eq=False, repr=False)
class Batch(Columns):
    """Many muddles, a row each."""

    images: np.ndarray  # uint8 (N, 28, 28)
    soft_labels: np.ndarray  # float64 (N, K): the judges' mean
    judge_soft_labels: np.ndarray  # float64 (N, J, K): each judge's
    targets: np.ndarray  # int64 (N,): those asked for, or found from the source
    sources: np.ndarray  # int64 (N,): the exemplar that is the source; -1 for a given image
    partners: np.ndarray  # int64 (N,): the exemplar that is the partner
    t: np.ndarray  # float64 (N,): where along the path
    entropy: np.ndarray  # float64 (N,): as in Scores, and so are the next two
    likeness: np.ndarray  # float64 (N,)
    grey: np.ndarray  # float64 (N,)


Part = TypeVar("Part", bound=Columns)


def concatenate(parts: Sequence[Part]) -> Part:
    """The rows of several batches, or of other columns of one kind, as one; at least one part."""
    names = vars(parts[0])
    return type(parts[0])(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in names})
