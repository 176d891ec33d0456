"""The specification of a data set of known ambiguity, and its rows: plain data, which no network is needed for."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np

from muddle.errors import ArgumentError
from muddle.parameters import Integer, Share
from muddle.recipe import EVEN, PARAMETERS
from muddle.result import Columns

UNIFORM = "uniform"
PAIRS = tuple((a, b) for a in range(10) for b in range(10) if a != b)
KINDS = ("real", "clear", "ambiguous", "ood")  # of a mixed set, in equal shares; rows of other sets are "muddle"
TRAIN, TEST = "train", "test"
COUNTS = Integer(1, 100_000_000)
MAX_LIKENESS = 95  # that can be asked for: few images reach more
SMALL, USUAL, LARGE = 50, 500, 2000  # images of a shard: at most, a stop loses those that are being made
MIN_SHARDS, MANY_SHARDS = 8, 256  # enough for several processes; from MANY_SHARDS of USUAL size on they are LARGE
Item = TypeVar("Item")


class Shard(NamedTuple):
    """A part of a set that is made and written at once."""

    name: str  # with its split, such as test/00003-of-00020
    split: str
    indices: range  # the numbers of its images in the whole set


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Everything that a data set depends on, but for the bundle. Raises ArgumentError for what cannot be made.

    count: images. pairs: the ordered pairs (digit, target), in an order that is shuffled anew for every round through
    them, so each gets its share to within one. balance: the requested share of the target among the two labels, 0 to 1,
    or "uniform": drawn for each image, so that the set reaches evenly from surely the digit over undecided to surely
    the target. min_likeness: percentile of real digits, 0 to 95, below which an image is replaced by that of another
    seed. seed: decides everything that is drawn. train: the share of the images that are the split "train", whose
    sources and partners are other exemplars than those of "test"; 0 for a set that is all "test". real: the sha256 of a
    file of real test digits, for a mixed set: a quarter each of these, of clear muddles that are as sure as they are,
    of ambiguous ones of the same pairs, and of images that the same decoder writes far from all digits. shards: parts
    of each split that can be made apart; 0 is one for every 500 images, with more for few images and fewer for many.
    """

    count: int
    pairs: tuple[tuple[int, int], ...] = PAIRS
    balance: float | str = EVEN
    min_likeness: float = 0
    seed: int = 0
    train: float = 0
    real: str = ""
    shards: int = 0

    def __post_init__(self):
        count = COUNTS.check("count", self.count)
        try:
            pairs = tuple(tuple(map(int, pair)) for pair in self.pairs)
        except (TypeError, ValueError):
            pairs = ()
        if not pairs or not set(pairs) <= set(PAIRS):
            raise ArgumentError("pairs", self.pairs, "ordered pairs of unequal digits")
        balance = self.balance
        if balance != UNIFORM:
            try:
                balance = PARAMETERS["balance"].check("balance", balance)
            except ArgumentError as error:
                raise ArgumentError("balance", balance, f"{error.allowed}, or {UNIFORM}") from error
        least = self.min_likeness
        if not isinstance(least, int | float) or isinstance(least, bool) or not 0 <= least <= MAX_LIKENESS:
            raise ArgumentError("min-likeness", least, f"a percentile from 0 to {MAX_LIKENESS}")
        train = Share().check("split", self.train)
        if not round(count * train) < count or (train and not round(count * train)):
            raise ArgumentError("split", train, "a share that leaves each split an image")
        given = {"pairs": pairs != PAIRS, "balance": balance != EVEN, "min-likeness": least, "split": train}
        if self.real and (names := [name for name, is_given in given.items() if is_given]):
            raise ArgumentError("mixed", f"with {', '.join(names)}", "without what it decides itself")
        checked = {"count": count, "pairs": pairs, "balance": balance, "min_likeness": float(least), "train": train}
        checked["seed"] = PARAMETERS["seed"].check("seed", self.seed)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        sizes = [len(indices) for indices in self.splits.values()]
        usual = -(-max(sizes) // USUAL)
        if usual > MANY_SHARDS:
            usual = max(MANY_SHARDS, -(-max(sizes) // LARGE))
        shards = self.shards or min(max(usual, min(-(-max(sizes) // SMALL), MIN_SHARDS)), min(sizes))
        if not 1 <= shards <= min(sizes):
            raise ArgumentError("shards", shards, "from 1 to the number of images of a split")
        object.__setattr__(self, "shards", shards)

    @property
    def splits(self) -> dict[str, range]:
        """The numbers of each split's images."""
        border = round(self.count * self.train)
        both = {TRAIN: range(border), TEST: range(border, self.count)}
        return {name: indices for name, indices in both.items() if indices}

    def parts(self) -> list[Shard]:
        """All shards, split by split."""
        parts = []
        for split, indices in self.splits.items():
            borders = [len(indices) * number // self.shards for number in range(self.shards + 1)]
            for number, (begin, end) in enumerate(pairwise(borders)):
                parts.append(Shard(f"{split}/{number:05d}-of-{self.shards:05d}", split, indices[begin:end]))
        return parts

    def pair(self, index: int) -> tuple[int, int]:
        """The ordered pair of an image."""
        return _shuffled(self.pairs, f"{self.seed} pairs {index // len(self.pairs)}")[index % len(self.pairs)]

    def kind(self, index: int) -> str:
        """What an image of a mixed set is; those of a block of four are of the four kinds."""
        return _shuffled(KINDS, f"{self.seed} kinds {index // len(KINDS)}")[index % len(KINDS)]

    def block(self, index: int) -> int:
        """Which block of a mixed set an image is in."""
        return index // len(KINDS)

    def draw_balance(self, index: int) -> float:
        """The balance that is asked for. From a hash, so that no library's version changes it."""
        if not isinstance(self.balance, str):
            return self.balance
        return round(int.from_bytes(_digest(f"{self.seed} {index} 0")[4:10], "big") / 2**48, 6)

    def seeds(self, index: int) -> Iterator[int]:
        """The seeds that an image is made from, one after another until it is what is wanted."""
        attempt = 0
        while True:
            yield int.from_bytes(_digest(f"{self.seed} {index} {attempt}")[:4], "big")
            attempt += 1

    def order_of_real(self, available: int) -> tuple[int, ...]:
        """In which order a mixed set takes the real digits."""
        return _shuffled(range(available), f"{self.seed} real")

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON holds them."""
        return {**asdict(self), "pairs": format_pairs(self.pairs)}


@dataclass(frozen=True, eq=False, repr=False)
class Rows(Columns):
    """A part of a data set, a row an image; those that are muddles are `muddler.muddle(digit, target, seed=seed,
    balance=balance)`."""

    index: np.ndarray  # int64 (N,): the number in the whole set
    image: np.ndarray  # uint8 (N, 28, 28), white on black
    label: np.ndarray  # int64 (N,): the soft label's likeliest class; of a real digit MNIST's label
    soft_label: np.ndarray  # float64 (N, 10): the judges' mean
    judges: np.ndarray  # float64 (N, J, 10): each judge's probabilities
    digit: np.ndarray  # int64 (N,): the first of the two intended labels; elsewhere the judges' likeliest
    target: np.ndarray  # int64 (N,): the second
    balance: np.ndarray  # float64 (N,): the requested share of the target among the two labels
    p_digit: np.ndarray  # float64 (N,): of the soft label
    p_target: np.ndarray  # float64 (N,)
    share_error: np.ndarray  # float64 (N,): the standard error, over the judges, of the target's share of the two
    entropy: np.ndarray  # float64 (N,): of the soft label, in bits: all doubt
    expected_entropy: np.ndarray  # float64 (N,): the judges' mean entropy: the doubt that each has
    mutual_information: np.ndarray  # float64 (N,): the rest: their disagreement
    likeness: np.ndarray  # float64 (N,): percentile among real test digits
    grey: np.ndarray  # float64 (N,): share of the ink
    kind: np.ndarray  # str (N,): one of KINDS, or muddle
    seed: np.ndarray  # int64 (N,); -1 for a real digit
    source: np.ndarray  # int64 (N,): the exemplar that the path starts from, or the real test digit's number; else -1
    partner: np.ndarray  # int64 (N,): the exemplar that it leads to; else -1

    def target_share(self) -> np.ndarray:
        """The share of the target among the two labels that came out: float64 (N,), 0 to 1."""
        return self.p_target / np.maximum(self.p_digit + self.p_target, 1e-9)


def parse_pairs(text: str) -> tuple[tuple[int, int], ...]:
    """Ordered pairs from a text such as "4-9,3-5", or all of them from "all". Raises ArgumentError."""
    if text == "all":
        return PAIRS
    known = {f"{a}-{b}": (a, b) for a, b in PAIRS}
    names = [name.strip() for name in text.split(",")]
    if not set(names) <= known.keys():
        raise ArgumentError("pairs", text, "pairs of unequal digits such as 4-9,3-5, or all")
    return tuple(dict.fromkeys(known[name] for name in names))


def format_pairs(pairs: tuple[tuple[int, int], ...]) -> str:
    """The text that `parse_pairs` reads as these pairs."""
    return "all" if pairs == PAIRS else ",".join(f"{a}-{b}" for a, b in pairs)


@lru_cache(maxsize=4096)
def _shuffled(items: Sequence[Item], key: str) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: _digest(f"{key} {item}")))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
