"""The pipeline: from a digit, a target and a seed to a muddle. Knows neither gradio nor the Hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from muddle.bundle import Bundle
from muddle.critic import Critic, Opinion
from muddle.errors import ArgumentError
from muddle.latent import nearest_centroid, path
from muddle.metrics import entropy_bits
from muddle.pixels import to_pixels, to_unit
from muddle.strategies import STRATEGIES, Pick, Wish, balanced, farthest, midpoint

STEPS = range(2, 65)
SEEDS = range(2**32)
CANDIDATES = 64  # partners that the balanced strategy searches
EVEN = 0.5  # the balance of a muddle: the judges give both labels the same
CHUNK = 64  # muddles that are searched at once: bounds memory, changes nothing
ALGORITHM = 2  # counts up when the same arguments on the same bundle give other muddles than before
DECIMALS = 6  # of everything reported: far above float64's noise, so equal arguments give equal bytes


@dataclass(frozen=True)
class Scores:
    """What a reader needs to know of one muddle.

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
    """One muddle and how it came to be. T steps, K = 10 classes; images uint8, white on black."""

    digit: int
    target: int
    seed: int
    strategy: str
    steps: int
    balance: float  # what was asked for: the target's share of the two labels' probability; `scores` say what came
    source: np.ndarray  # (28, 28): the real image of the digit, or the given one
    partner: np.ndarray  # (28, 28): the real image of the target
    source_index: int | None  # the exemplar that is the source; None for a given image
    chosen: bool  # whether the caller chose that exemplar; else the seed drew it
    partner_index: int
    codes: np.ndarray  # float64 (T, D): the path, t = 0 at the source's code, t = 1 at the partner's
    frames: np.ndarray  # (T, 28, 28): the decoded path
    probabilities: np.ndarray  # float64 (T, K): the judges' mean on each frame
    t: float  # where the muddle lies along the path, 0 to 1
    pick: int  # the step nearest to it
    code: np.ndarray  # float64 (D,): the muddle's code; `balanced` refines it, so it may lie off the path
    image: np.ndarray  # (28, 28): the muddle
    soft_label: np.ndarray  # float64 (K,): the judges' mean on it
    scores: Scores


class Batch(NamedTuple):
    """Many muddles, a row each."""

    images: np.ndarray  # uint8 (N, 28, 28)
    soft_labels: np.ndarray  # float64 (N, K)
    targets: np.ndarray  # int64 (N,): those asked for, or found from the source
    sources: np.ndarray  # int64 (N,): which exemplar is the source
    partners: np.ndarray  # int64 (N,): which one is the partner
    t: np.ndarray  # float64 (N,): where along the path
    entropy: np.ndarray  # float64 (N,): as in Scores, and so are the next two
    likeness: np.ndarray  # float64 (N,)
    grey: np.ndarray  # float64 (N,)


Columns = TypeVar("Columns", bound=tuple[np.ndarray, ...])


def joined(parts: Sequence[Columns]) -> Columns:
    """Batches, or other named tuples of arrays, one after another as one; at least one."""
    return type(parts[0])(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class _Draw(NamedTuple):
    """What chance decides, one row a muddle."""

    source: Tensor  # (N, D)
    image: Tensor  # float64 (N, 1, 28, 28): the source's pixels
    wish: Wish
    partners: Tensor  # int64 (N, P): exemplars of the target; the first is the author's random image b


class _Made(NamedTuple):
    """What a strategy made of a draw, one row a muddle."""

    pick: Pick
    pixels: Tensor  # uint8 (N, 28, 28)
    seen: Opinion  # of (N,)


class Muddler:
    """Makes muddles with one bundle. Holds no state: the same arguments give the same bytes, alone or in a batch."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self._critic = Critic(bundle)

    @classmethod
    def from_pretrained(cls, source: str | Path | None = None, revision: str | None = None) -> "Muddler":
        """A Muddler with the bundle of a folder or of a Hub repository; None: $MUDDLE_REPO, else the embedded one.

        Raises BundleError when what is there is not a whole bundle, HubError when a named repository cannot be had.
        """
        from muddle.locate import locate  # the pipeline itself knows no Hub

        return cls(locate(source, revision))

    @property
    def version(self) -> str:
        """What a share link was made with: the algorithm, and the first characters of the bundle's fingerprint."""
        return f"{ALGORITHM}-{self.bundle.fingerprint[:7]}"

    @property
    def centroids(self) -> np.ndarray:
        """The centroid matrix, float64 (10, D): row k is the mean latent code of digit k."""
        return self.bundle.centroids.numpy().copy()

    def judge(self, image: np.ndarray) -> np.ndarray:
        """The judges' mean opinion of an image, uint8 (28, 28): float64 (10,), sums to 1. Raises ArgumentError."""
        with torch.no_grad():
            return _rounded(self._judge(check_image(image)[None])[0])

    def muddle(
        self,
        digit: int,
        target: int | None = None,
        *,
        seed: int = 0,
        steps: int = 11,
        strategy: str = "balanced",
        balance: float = EVEN,
        source: int | None = None,
    ) -> Muddle:
        """A muddle of `digit` and `target`, from a real image drawn by `seed`.

        digit, target: 0 to 9 and different; target None takes the class whose centroid is nearest to the source's
        code. seed: 0 to 2**32 - 1. steps: 2 to 64 frames from source to partner. strategy: one of STRATEGIES.
        balance: the target's share of the two labels' probability that `balanced` looks for, 0 to 1; 0.5 is a muddle,
        0.1 a digit that a tenth of the judges' belief would call the target. Only `balanced` takes another than 0.5.
        source: the place of an exemplar of that digit, which is then the real image instead of the one drawn.
        Raises ArgumentError for anything else.
        """
        digit, target = check_labels(digit, target)
        check_settings(seed, steps, strategy, balance)
        source = self._check_source(source, digit)
        draw, index = self._draw([digit], [target], [seed], [balance], source)
        return self._finish(draw, index[0], seed, steps, strategy, chosen=source is not None)

    def muddle_image(
        self,
        image: np.ndarray,
        digit: int | None = None,
        target: int | None = None,
        *,
        seed: int = 0,
        steps: int = 11,
        strategy: str = "balanced",
        balance: float = EVEN,
    ) -> Muddle:
        """A muddle that starts from a given image, uint8 (28, 28), white on black and centred as MNIST's are.

        digit None takes what the judges see in it. Else as `muddle`.
        """
        pixels = check_image(image)
        check_settings(seed, steps, strategy, balance)
        digit, target = check_labels(int(self.judge(image).argmax()) if digit is None else digit, target)
        return self._finish(self._draw_from(pixels, digit, target, seed, balance), None, seed, steps, strategy)

    def muddle_many(
        self,
        digits: Sequence[int],
        targets: Sequence[int | None],
        seeds: Sequence[int],
        *,
        strategy: str = "balanced",
        steps: int = 11,
        balances: Sequence[float] | None = None,
    ) -> Batch:
        """Many muddles at once, each the same as `muddle` gives for its digit, target, seed and balance.

        Sequences of one length N; balances None is 0.5 for all. `steps` matters to `farthest` alone. Raises
        ArgumentError.
        """
        balances = [EVEN] * len(digits) if balances is None else balances
        if not len(digits) == len(targets) == len(seeds) == len(balances):
            lengths = (len(digits), len(targets), len(seeds), len(balances))
            raise ArgumentError("digits, targets, seeds, balances of lengths", lengths, "all must be of one length")
        pairs = [check_labels(d, t) for d, t in zip(digits, targets, strict=True)]
        for seed, balance in zip(seeds, balances, strict=True):
            check_settings(seed, steps, strategy, balance)
        whole, real = np.zeros(0, np.int64), np.zeros(0)
        nothing = Batch(np.zeros((0, 28, 28), np.uint8), np.zeros((0, 10)), *[whole] * 3, *[real] * 4)
        parts = [nothing]
        for i in range(0, len(pairs), CHUNK):
            some = slice(i, i + CHUNK)
            first, second = [d for d, _ in pairs[some]], [t for _, t in pairs[some]]
            draw, sources = self._draw(first, second, list(seeds[some]), list(balances[some]))
            made = self._make(draw, steps, strategy)
            opinion = made.seen.probabilities.mean(1)
            partners = draw.partners[torch.arange(len(sources)), made.pick.partner]
            parts.append(
                Batch(
                    images=made.pixels.numpy(),
                    soft_labels=_rounded(opinion),
                    targets=draw.wish.target.numpy(),
                    sources=np.array(sources),
                    partners=partners.numpy(),
                    t=_rounded(made.pick.t),
                    entropy=_rounded(entropy_bits(opinion)),
                    likeness=_rounded(self._critic.percentile(made.seen)),
                    grey=_rounded(made.seen.grey),
                )
            )
        return joined(parts)

    def _check_source(self, source: int | None, digit: int) -> int | None:
        if source is None:
            return None
        labels = self.bundle.exemplars.labels
        source = _integer("source", source, range(len(labels)))
        if labels[source] != digit:
            raise ArgumentError("source", source, f"that exemplar is a {int(labels[source])}, not a {digit}")
        return source

    def _draw(
        self,
        digits: list[int],
        targets: list[int | None],
        seeds: list[int],
        balances: list[float],
        source: int | None = None,
    ) -> tuple[_Draw, list[int]]:
        """Steps 3 to 5 of the author's pipeline; each row depends on its own seed alone.

        A source takes the place of the one drawn, and leaves what is drawn after it as it was.
        """
        exemplars = self.bundle.exemplars
        indices, resolved, partners = [], [], []
        for digit, target, seed in zip(digits, targets, seeds, strict=True):
            generator = torch.Generator().manual_seed(int(seed))
            own = exemplars.of(digit)
            drawn = int(own[torch.randint(len(own), (), generator=generator)])
            index = drawn if source is None else source
            target = self._nearest(exemplars.codes[index], digit) if target is None else target
            indices.append(index)
            resolved.append(target)
            partners.append(self._partners(target, generator))
        image = to_unit(exemplars.images[indices])
        wish = _wish(digits, resolved, balances)
        return _Draw(exemplars.codes[indices], image, wish, torch.stack(partners)), indices

    def _draw_from(self, pixels: Tensor, digit: int, target: int | None, seed: int, balance: float) -> _Draw:
        image = to_unit(pixels[None])
        with torch.no_grad():
            code = self.bundle.autoencoder.encode(image)
        target = self._nearest(code[0], digit) if target is None else target
        partners = self._partners(target, torch.Generator().manual_seed(int(seed)))
        return _Draw(code, image, _wish([digit], [target], [balance]), partners[None])

    def _nearest(self, code: Tensor, digit: int) -> int:
        return int(nearest_centroid(code[None], self.bundle.centroids, excluding=torch.tensor([digit])))

    def _partners(self, target: int, generator: torch.Generator) -> Tensor:
        theirs = self.bundle.exemplars.of(target)
        return theirs[torch.randperm(len(theirs), generator=generator)[:CANDIDATES]]

    @torch.no_grad()
    def _make(self, draw: _Draw, steps: int, strategy: str) -> _Made:
        exemplars, decode = self.bundle.exemplars, self.bundle.autoencoder.decode
        if strategy == "balanced":
            found = balanced(draw.source, exemplars.codes[draw.partners], draw.wish, self._critic, decode)
            return _Made(found.pick, found.pixels, found.seen)
        first = draw.partners[:, 0]
        if strategy == "midpoint":
            pick = midpoint(draw.source, exemplars.codes[first])
        else:
            images = (draw.image, to_unit(exemplars.images[first]))
            pick = farthest(draw.source, exemplars.codes[first], steps, decode, images)
        pixels = to_pixels(decode(pick.codes))
        return _Made(pick, pixels, self._critic.of_pixels(pixels))

    def _judge(self, pixels: Tensor) -> Tensor:
        """The judges' mean: uint8 (N, 28, 28) -> float64 (N, 10)."""
        return self._critic.of_pixels(pixels).probabilities.mean(1)

    @torch.no_grad()
    def _finish(
        self, draw: _Draw, index: int | None, seed: int, steps: int, strategy: str, *, chosen: bool = False
    ) -> Muddle:
        """The whole result of one draw."""
        exemplars = self.bundle.exemplars
        made = self._make(draw, steps, strategy)
        opinion = made.seen.probabilities[0].mean(0)
        partner = int(draw.partners[0, made.pick.partner[0]])
        codes = path(draw.source[0], exemplars.codes[partner], steps)  # (T, D)
        frames = to_pixels(self.bundle.autoencoder.decode(codes))
        digit, target, t = int(draw.wish.digit[0]), int(draw.wish.target[0]), float(made.pick.t[0])
        return Muddle(
            digit=digit,
            target=target,
            seed=int(seed),
            strategy=strategy,
            steps=int(steps),
            balance=float(draw.wish.balance[0]),
            source=to_pixels(draw.image)[0].numpy(),
            partner=exemplars.images[partner].numpy().copy(),
            source_index=index,
            chosen=chosen,
            partner_index=partner,
            codes=codes.numpy(),
            frames=frames.numpy(),
            probabilities=_rounded(self._judge(frames)),
            t=round(t, DECIMALS),
            pick=round(t * (steps - 1)),
            code=made.pick.codes[0].numpy(),
            image=made.pixels[0].numpy(),
            soft_label=_rounded(opinion),
            scores=Scores(
                p_digit=float(_rounded(opinion[digit])),
                p_target=float(_rounded(opinion[target])),
                entropy=float(_rounded(entropy_bits(opinion))),
                likeness=float(_rounded(self._critic.percentile(made.seen)[0])),
                grey=float(_rounded(made.seen.grey[0])),
            ),
        )


def _wish(digits: list[int], targets: list[int], balances: list[float]) -> Wish:
    return Wish(torch.tensor(digits), torch.tensor(targets), torch.tensor(balances, dtype=torch.float64))


def check_labels(digit: int, target: int | None) -> tuple[int, int | None]:
    """The two labels as ints; ArgumentError unless both are digits and differ."""
    digit = _integer("digit", digit, range(10))
    if target is None:
        return digit, None
    target = _integer("target", target, range(10))
    if target == digit:
        raise ArgumentError("target", target, "it must differ from the digit")
    return digit, target


def check_settings(seed: int, steps: int, strategy: str, balance: float = EVEN) -> None:
    """ArgumentError unless seed, steps, strategy and balance are ones that `Muddler.muddle` takes."""
    _integer("seed", seed, SEEDS)
    _integer("steps", steps, STEPS)
    if strategy not in STRATEGIES:
        raise ArgumentError("strategy", strategy, f"choose one of {', '.join(STRATEGIES)}")
    if strategy == "farthest" and steps < 3:
        raise ArgumentError("steps", steps, "farthest picks an inner step, so it needs at least 3")
    if isinstance(balance, bool) or not isinstance(balance, int | float | np.number) or not 0 <= balance <= 1:
        raise ArgumentError("balance", balance, "give a number from 0 to 1")
    if balance != EVEN and strategy != "balanced":
        raise ArgumentError("balance", balance, f"{strategy} knows no balance; leave it at {EVEN}")


def check_image(image: np.ndarray) -> Tensor:
    """The image as uint8 (28, 28); ArgumentError unless it is one with some ink on it."""
    array = np.asarray(image)
    if array.shape != (28, 28) or array.dtype != np.uint8:
        raise ArgumentError("image", f"{array.dtype} {array.shape}", "it must be uint8 (28, 28), white on black")
    if not array.any():
        raise ArgumentError("image", "all black", "there must be some ink on it")
    return torch.from_numpy(array.copy())


def _integer(name: str, value: object, allowed: range) -> int:
    span = f"give a whole number from {allowed[0]} to {allowed[-1]}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(name, value, span)
    if int(value) not in allowed:
        raise ArgumentError(name, value, span)
    return int(value)


def _rounded(values: Tensor) -> np.ndarray:
    return values.numpy().round(DECIMALS)
