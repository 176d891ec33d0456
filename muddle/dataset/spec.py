"""What is in a data set of known ambiguity: pure functions of a bundle, a specification and a shard's number."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from muddle.arguments import EVEN, SEEDS
from muddle.errors import ArgumentError, DataError
from muddle.muddler import Batch, Muddler

UNIFORM = "uniform"
PAIRS = tuple((a, b) for a in range(10) for b in range(10) if a != b)
LARGEST = 100_000_000  # images of a set
SHARD, MOST = 500, 256  # images of a shard, unless that makes more than MOST shards
SMALL, FEW = 50, 8  # images of a shard where there are few, so that FEW processes have work and progress is seen
TRIES = 100  # seeds that an image may take to be enough like a digit


@dataclass(frozen=True)
class Spec:
    """Everything that a set depends on but the bundle. Check it with `check` before use.

    count: images. pairs: the ordered pairs (digit, target), which take turns, so each gets its share to within one.
    balance: the target's share of the two labels' probability that is looked for, 0 to 1, or "uniform": drawn for each
    image, so that the set reaches evenly from easy to impossible and on to easy. min_likeness: percentile of real
    digits, 0 to 100, below which an image is replaced by the next seed's. seed: decides everything that is drawn.
    shards: parts that can be made apart.
    """

    count: int
    pairs: tuple[tuple[int, int], ...] = PAIRS
    balance: float | str = EVEN
    min_likeness: float = 0.0
    seed: int = 0
    shards: int = 0  # 0: one for every 500 images, but 8 to 256 if there are enough

    def checked(self) -> "Spec":
        """This, with its shards counted. Raises ArgumentError for what cannot be."""
        _check("count", self.count, self.count in range(1, LARGEST + 1), f"give 1 to {LARGEST:,} images")
        _check("pairs", self.pairs, bool(self.pairs) and set(self.pairs) <= set(PAIRS), "name pairs of unequal digits")
        even = self.balance == UNIFORM or (isinstance(self.balance, float) and 0 <= self.balance <= 1)
        _check("balance", self.balance, even, f"give a number from 0 to 1, or {UNIFORM}")
        _check("min-likeness", self.min_likeness, 0 <= self.min_likeness <= 95, "give a percentile from 0 to 95")
        _check("seed", self.seed, self.seed in SEEDS, f"give a whole number from 0 to {SEEDS[-1]}")
        usual = max(-(-self.count // SHARD), min(-(-self.count // SMALL), FEW))
        shards = self.shards or min(usual, MOST)
        _check("shards", shards, 1 <= shards <= self.count, "give 1 to as many as there are images")
        return Spec(**{**vars(self), "shards": shards})

    def places(self, shard: int) -> range:
        """The numbers of a shard's images, among those of the whole set."""
        return range(self.count * shard // self.shards, self.count * (shard + 1) // self.shards)

    def as_json(self) -> dict[str, Any]:
        """The arguments in the form that a file holds."""
        return {**asdict(self), "pairs": pairs_text(self.pairs)}


class Rows(NamedTuple):
    """A part of a data set, a row an image. Each is `muddler.muddle(digit, target, seed=seed, balance=balance)`."""

    index: np.ndarray  # int64 (N,): the number among the whole set's images
    image: np.ndarray  # uint8 (N, 28, 28), white on black
    digit: np.ndarray  # int64 (N,)
    target: np.ndarray  # int64 (N,)
    soft_label: np.ndarray  # float64 (N, 10): the judges' mean
    balance: np.ndarray  # float64 (N,): the target's share of the two that was looked for
    p_digit: np.ndarray  # float64 (N,): of the soft label
    p_target: np.ndarray  # float64 (N,)
    entropy: np.ndarray  # float64 (N,): of the soft label, in bits
    likeness: np.ndarray  # float64 (N,): percentile among real test digits
    grey: np.ndarray  # float64 (N,): share of the ink
    seed: np.ndarray  # int64 (N,)
    source: np.ndarray  # int64 (N,): the exemplar that the path starts from
    partner: np.ndarray  # int64 (N,): the one that it leads to

    def share(self) -> np.ndarray:
        """The target's share of the two labels' probability that came out: float64 (N,)."""
        return self.p_target / np.maximum(self.p_digit + self.p_target, 1e-9)


def rows_of(muddler: Muddler, spec: Spec, places: range) -> Rows:
    """The images with these numbers. Raises DataError where none of TRIES seeds gives one enough like a digit."""
    index = np.array(places, np.int64)
    digit, target = np.array([spec.pairs[i % len(spec.pairs)] for i in places], np.int64).T
    found: Rows | None = None
    missing = np.arange(len(index))
    for attempt in range(TRIES):
        drawn = [_drawn(spec, int(i), attempt) for i in index[missing]]
        made = _rows(muddler, index[missing], digit[missing], target[missing], drawn)
        good = made.likeness >= spec.min_likeness
        if found is None:
            found = made
        else:
            for column, new in zip(found, made, strict=True):
                column[missing] = new
        missing = missing[~good]
        if not len(missing):
            return found
    pair = f"{digit[missing[0]]}-{target[missing[0]]}"
    raise DataError(f"No image of {pair} with a likeness of {spec.min_likeness:g} was found: ask for less.")


def parse_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Ordered pairs from a text such as "4-9,3-5", or all of them from "all". Raises ArgumentError."""
    if text == "all":
        return PAIRS
    pairs = [tuple(part.strip().split("-")) for part in text.split(",")]
    known = {(str(a), str(b)) for a, b in PAIRS}
    for pair in pairs:
        _check("pairs", text, pair in known, "give pairs of unequal digits such as 4-9,3-5, or all")
    return tuple(dict.fromkeys((int(a), int(b)) for a, b in pairs))


def pairs_text(pairs: tuple[tuple[int, int], ...]) -> str:
    """The text that `parse_pairs` reads."""
    return "all" if pairs == PAIRS else ",".join(f"{a}-{b}" for a, b in pairs)


def _drawn(spec: Spec, index: int, attempt: int) -> tuple[int, float]:
    """The seed and the balance of an image, from a hash, so that they stay the same with every library's version."""
    digest = hashlib.sha256(f"{spec.seed} {index} {attempt}".encode()).digest()
    chance = int.from_bytes(digest[4:10], "big") / 2**48
    return int.from_bytes(digest[:4], "big"), round(chance, 6) if spec.balance == UNIFORM else float(spec.balance)


def _rows(
    muddler: Muddler, index: np.ndarray, digit: np.ndarray, target: np.ndarray, drawn: list[tuple[int, float]]
) -> Rows:
    seeds, balances = [seed for seed, _ in drawn], [balance for _, balance in drawn]
    made: Batch = muddler.muddle_many(digit.tolist(), target.tolist(), seeds, balances=balances)
    row = np.arange(len(index))
    return Rows(
        index=index,
        image=made.images,
        digit=digit,
        target=made.targets,
        soft_label=made.soft_labels,
        balance=np.array(balances),
        p_digit=made.soft_labels[row, digit],
        p_target=made.soft_labels[row, target],
        entropy=made.entropy,
        likeness=made.likeness,
        grey=made.grey,
        seed=np.array(seeds, np.int64),
        source=made.sources,
        partner=made.partners,
    )


def _check(name: str, value: object, fits: bool, allowed: str) -> None:
    if not fits:
        raise ArgumentError(name, value, allowed)
