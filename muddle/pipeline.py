"""The pipeline: from a digit, a target and a seed to a muddle. Knows neither gradio nor the Hub."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from muddle.arguments import EVEN, check_image, check_labels, check_settings, integer
from muddle.bundle import Bundle
from muddle.critic import Critic, Opinion
from muddle.errors import ArgumentError
from muddle.folding import folded
from muddle.latent import nearest_centroid, path
from muddle.metrics import entropy_bits
from muddle.pixels import to_pixels, to_unit
from muddle.recipe import Recipe
from muddle.strategies import Pick, Wish, balanced, farthest, midpoint

CANDIDATES = 64  # partners that the balanced strategy searches
CHUNK = 128  # muddles that are searched at once: bounds memory, changes nothing
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
    probabilities: np.ndarray  # float64 (T, K): the judges' mean on each frame, to a thousandth
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

    @classmethod
    def joined(cls, draws: Sequence["_Draw"]) -> "_Draw":
        """Draws one after another as one."""
        source, image, wish, partners = zip(*draws, strict=True)
        return cls(
            torch.cat(source), torch.cat(image), Wish(*map(torch.cat, zip(*wish, strict=True))), torch.cat(partners)
        )


class _Made(NamedTuple):
    """What a strategy made of a draw, one row a muddle."""

    pick: Pick
    pixels: Tensor  # uint8 (N, 28, 28)
    seen: Opinion  # of (N,)

    def row(self, i: int) -> "_Made":
        """One of the muddles alone."""
        one = slice(i, i + 1)
        return _Made(Pick(*(column[one] for column in self.pick)), self.pixels[one], self.seen.each(lambda c: c[one]))


class Muddler:
    """Makes muddles with one bundle. Holds no state: the same arguments give the same bytes, alone or in a batch."""

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self._critic = Critic(bundle)
        self._decode = folded(bundle.autoencoder).decode

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
        pixels = torch.from_numpy(check_image(image))
        with torch.no_grad():
            return _rounded(self._critic.of_pixels(pixels[None]).probabilities[0].mean(0))

    def project(self, codes: np.ndarray) -> np.ndarray:
        """Places of codes, float64 (N, D), on the latent map: float64 (N, 2), each about -1 to 1."""
        with torch.no_grad():
            return self.bundle.projection(torch.from_numpy(codes)).numpy()

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
        return self.make([Recipe(digit, target, seed, strategy, steps, source, None, balance)])[0]

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
        return self.make([Recipe(digit, target, seed, strategy, steps, None, check_image(image), balance)])[0]

    def checked(self, recipe: Recipe) -> Recipe:
        """The recipe with plain numbers, and with the digit that the judges see in an image if it names none.

        Raises ArgumentError.
        """
        r = recipe
        check_settings(r.seed, r.steps, r.strategy, r.balance)
        image = None if r.image is None else check_image(r.image)
        digit = int(self.judge(image).argmax()) if r.digit is None and image is not None else r.digit
        digit, target = check_labels(digit, r.target)
        source = self._check_source(r.source, digit) if image is None else None
        return Recipe(digit, target, int(r.seed), r.strategy, int(r.steps), source, image, float(r.balance))

    @torch.no_grad()
    def make(self, recipes: Sequence[Recipe]) -> list[Muddle]:
        """The muddles of recipes, searched and judged together where they can be, each as its recipe gives it alone.

        Raises ArgumentError, and then none is made.
        """
        recipes = [self.checked(recipe) for recipe in recipes]
        draws, sources = zip(*(self._draw_of(recipe) for recipe in recipes), strict=True) if recipes else ((), ())
        alike: dict[tuple[str, int], list[int]] = {}
        for place, recipe in enumerate(recipes):
            alike.setdefault((recipe.strategy, recipe.steps if recipe.strategy == "farthest" else 0), []).append(place)
        found: dict[int, _Made] = {}
        for (strategy, steps), places in alike.items():
            made = self._make(_Draw.joined([draws[place] for place in places]), steps, strategy)
            found.update((place, made.row(i)) for i, place in enumerate(places))
        paths = []
        for place, recipe in enumerate(recipes):
            draw = draws[place]
            partner = draw.partners[0, found[place].pick.partner[0]]
            paths.append(path(draw.source[0], self.bundle.exemplars.codes[partner], recipe.steps))  # (T, D)
        frames = to_pixels(self._decode(torch.cat(paths))) if paths else torch.zeros(0)
        lengths = [len(codes) for codes in paths]
        probabilities = self._critic.along(frames).split(lengths) if paths else ()
        rows = zip(recipes, draws, sources, paths, frames.split(lengths), probabilities, strict=True)
        return [self._finish(found[place], *row) for place, row in enumerate(rows)]

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
        size = max(1, min(CHUNK, -(-len(pairs) // torch.get_num_threads())))

        def some(start: int) -> Batch:
            place = slice(start, start + size)
            labels = [list(column) for column in zip(*pairs[place], strict=True)]
            return self._batch(*labels, list(seeds[place]), list(balances[place]), steps, strategy)

        return joined([nothing, *_shared(some, range(0, len(pairs), size))])

    @torch.no_grad()
    def _batch(
        self,
        digits: list[int],
        targets: list[int | None],
        seeds: list[int],
        balances: list[float],
        steps: int,
        strategy: str,
    ) -> Batch:
        """Muddles that are searched together."""
        draw, sources = self._draw(digits, targets, seeds, balances)
        made = self._make(draw, steps, strategy)
        opinion = made.seen.probabilities.mean(1)
        return Batch(
            images=made.pixels.numpy(),
            soft_labels=_rounded(opinion),
            targets=draw.wish.target.numpy(),
            sources=np.array(sources),
            partners=draw.partners[torch.arange(len(sources)), made.pick.partner].numpy(),
            t=_rounded(made.pick.t),
            entropy=_rounded(entropy_bits(opinion)),
            likeness=_rounded(self._critic.percentile(made.seen)),
            grey=_rounded(made.seen.grey),
        )

    def _check_source(self, source: int | None, digit: int) -> int | None:
        if source is None:
            return None
        labels = self.bundle.exemplars.labels
        source = integer("source", source, range(len(labels)))
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

    def _draw_of(self, recipe: Recipe) -> tuple[_Draw, int | None]:
        """The draw of one checked recipe, and which exemplar is its source; None for a given image."""
        digit, target, seed, balance = recipe.digit, recipe.target, recipe.seed, recipe.balance
        if recipe.image is None:
            draw, indices = self._draw([digit], [target], [seed], [balance], recipe.source)
            return draw, indices[0]
        image = to_unit(torch.from_numpy(recipe.image)[None])
        code = self.bundle.autoencoder.encode(image)
        target = self._nearest(code[0], digit) if target is None else target
        partners = self._partners(target, torch.Generator().manual_seed(seed))
        return _Draw(code, image, _wish([digit], [target], [balance]), partners[None]), None

    def _nearest(self, code: Tensor, digit: int) -> int:
        return int(nearest_centroid(code[None], self.bundle.centroids, excluding=torch.tensor([digit])))

    def _partners(self, target: int, generator: torch.Generator) -> Tensor:
        theirs = self.bundle.exemplars.of(target)
        return theirs[torch.randperm(len(theirs), generator=generator)[:CANDIDATES]]

    def _make(self, draw: _Draw, steps: int, strategy: str) -> _Made:
        exemplars, decode = self.bundle.exemplars, self._decode
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

    def _finish(
        self,
        made: _Made,
        recipe: Recipe,
        draw: _Draw,
        source: int | None,
        codes: Tensor,
        frames: Tensor,
        probabilities: Tensor,
    ) -> Muddle:
        """The whole result of one checked recipe."""
        digit, target, t = int(draw.wish.digit[0]), int(draw.wish.target[0]), float(made.pick.t[0])
        opinion = made.seen.probabilities[0].mean(0)
        partner = int(draw.partners[0, made.pick.partner[0]])
        return Muddle(
            digit=digit,
            target=target,
            seed=recipe.seed,
            strategy=recipe.strategy,
            steps=recipe.steps,
            balance=recipe.balance,
            source=to_pixels(draw.image)[0].numpy(),
            partner=self.bundle.exemplars.images[partner].numpy().copy(),
            source_index=source,
            chosen=recipe.source is not None,
            partner_index=partner,
            codes=codes.numpy(),
            frames=frames.numpy().copy(),
            probabilities=probabilities.numpy().copy(),
            t=round(t, DECIMALS),
            pick=round(t * (recipe.steps - 1)),
            code=made.pick.codes[0].numpy().copy(),
            image=made.pixels[0].numpy().copy(),
            soft_label=_rounded(opinion),
            scores=Scores(
                p_digit=float(_rounded(opinion[digit])),
                p_target=float(_rounded(opinion[target])),
                entropy=float(_rounded(entropy_bits(opinion))),
                likeness=float(_rounded(self._critic.percentile(made.seen)[0])),
                grey=float(_rounded(made.seen.grey[0])),
            ),
        )


def _shared(work: Callable[[int], Batch], starts: range) -> Iterable[Batch]:
    """work(start) for each, on as many threads as torch may use, each with one of its own: networks this small gain
    more so than by sharing each operation."""
    threads = torch.get_num_threads()
    if min(threads, len(starts)) < 2:
        return map(work, starts)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(work, starts))


def _wish(digits: list[int], targets: list[int], balances: list[float]) -> Wish:
    return Wish(torch.tensor(digits), torch.tensor(targets), torch.tensor(balances, dtype=torch.float64))


def _rounded(values: Tensor) -> np.ndarray:
    return values.numpy().round(DECIMALS)
