"""The specification of a data set of known ambiguity, and its rows: plain data, which no network is needed for."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from muddle.errors import ArgumentError
from muddle.parameters import Integer
from muddle.recipe import EVEN, PARAMETERS

UNIFORM = "uniform"
PAIRS = tuple((a, b) for a in range(10) for b in range(10) if a != b)
COUNTS = Integer(1, 100_000_000)
MAX_LIKENESS = 95  # that can be asked for: few images reach more
SHARD_SIZE, MAX_SHARDS = 500, 256  # images of a shard, unless that makes more than MAX_SHARDS shards
SMALL_SHARD_SIZE, MIN_SHARDS = 50, 8  # for few images: MIN_SHARDS shards, so that several processes have work


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Everything that a data set depends on, but for the bundle. Raises ArgumentError for what cannot be made.

    count: images. pairs: the ordered pairs (digit, target), which take turns, so each gets its share to within one.
    balance: the requested share of the target among the two labels, 0 to 1, or "uniform": drawn for each image, so
    that the set reaches evenly from surely the digit over undecided to surely the target. min_likeness: percentile of
    real digits, 0 to 95, below which an image is replaced by that of another seed. seed: decides everything that is
    drawn. shards: parts that can be made apart; 0 is one for every 500 images, but 8 to 256 if there are enough.
    """

    count: int
    pairs: tuple[tuple[int, int], ...] = PAIRS
    balance: float | str = EVEN
    min_likeness: float = 0
    seed: int = 0
    shards: int = 0

    def __post_init__(self):
        count = COUNTS.check("count", self.count)
        if not self.pairs or not set(self.pairs) <= set(PAIRS):
            raise ArgumentError("pairs", self.pairs, "ordered pairs of unequal digits")
        balance = self.balance
        if balance != UNIFORM:
            try:
                balance = PARAMETERS["balance"].check("balance", balance)
            except ArgumentError as error:
                raise ArgumentError("balance", balance, f"{error.allowed}, or {UNIFORM}") from error
        if not 0 <= self.min_likeness <= MAX_LIKENESS:
            raise ArgumentError("min-likeness", self.min_likeness, f"a percentile from 0 to {MAX_LIKENESS}")
        usual = max(-(-count // SHARD_SIZE), min(-(-count // SMALL_SHARD_SIZE), MIN_SHARDS))
        shards = self.shards or min(usual, MAX_SHARDS)
        if not 1 <= shards <= count:
            raise ArgumentError("shards", shards, "from 1 to the number of images")
        checked = {"count": count, "balance": balance, "seed": PARAMETERS["seed"].check("seed", self.seed)}
        for name, value in {**checked, "shards": shards}.items():
            object.__setattr__(self, name, value)

    def indices(self, shard: int) -> range:
        """The numbers of a shard's images, among those of the whole set."""
        return range(self.count * shard // self.shards, self.count * (shard + 1) // self.shards)

    def draw(self, index: int, attempt: int) -> tuple[int, float]:
        """The seed and the balance of an image. From a hash, so that no library's version changes them."""
        digest = hashlib.sha256(f"{self.seed} {index} {attempt}".encode()).digest()
        chance = int.from_bytes(digest[4:10], "big") / 2**48
        balance = round(chance, 6) if isinstance(self.balance, str) else self.balance
        return int.from_bytes(digest[:4], "big"), balance

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON holds them."""
        return {**asdict(self), "pairs": format_pairs(self.pairs)}


class Rows(NamedTuple):
    """A part of a data set, a row an image. Each is `muddler.muddle(digit, target, seed=seed, balance=balance)`."""

    index: np.ndarray  # int64 (N,): the number in the whole set
    image: np.ndarray  # uint8 (N, 28, 28), white on black
    digit: np.ndarray  # int64 (N,)
    target: np.ndarray  # int64 (N,)
    soft_label: np.ndarray  # float64 (N, 10): the judges' mean
    balance: np.ndarray  # float64 (N,): the requested share of the target among the two labels
    p_digit: np.ndarray  # float64 (N,): of the soft label
    p_target: np.ndarray  # float64 (N,)
    entropy: np.ndarray  # float64 (N,): of the soft label, in bits
    likeness: np.ndarray  # float64 (N,): percentile among real test digits
    grey: np.ndarray  # float64 (N,): share of the ink
    seed: np.ndarray  # int64 (N,)
    source: np.ndarray  # int64 (N,): the exemplar that the path starts from
    partner: np.ndarray  # int64 (N,): the exemplar that it leads to

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
