"""The Muddler: from recipes to muddles, with the networks of one bundle. Knows neither gradio nor pictures' files."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from muddle.bundle import hub
from muddle.bundle.files import Bundle, copy_bundle, load_bundle
from muddle.bundle.resolve import resolve_bundle
from muddle.errors import ArgumentError, BundleError
from muddle.images.pixels import decoded_pixels, to_pixels, to_unit
from muddle.parameters import Integer
from muddle.recipe import EVEN, PARAMETERS, Recipe
from muddle.result import MORPH_STEPS, Batch, Morph, Muddle, Origin, Scores, concatenate
from muddle.search.draws import GIVEN, Draws, draw
from muddle.search.latent import morph_path, path_through, share_of_way
from muddle.search.metrics import entropy_bits
from muddle.search.scorer import CPU, Opinions, Scorer
from muddle.search.strategies import STRATEGY_FUNCTIONS, SearchResult

CHUNK = 128  # muddles that are searched at once: bounds memory, changes nothing
DEVICE_CHUNK = 2048  # the same on another device, which has to be filled
ALGORITHM = 6  # counts up when the same arguments on the same bundle give other muddles than before
MAP_DECIMALS = 4  # of places on the latent map: a hundredth of a pixel
DECIMALS = 6  # of everything else reported: far above float64's noise, so equal arguments give equal bytes


class Muddler:
    """Makes muddles with one bundle. Holds no state: the same arguments give the same bytes, alone or in a batch."""

    def __init__(self, bundle: Bundle, device: str = "cpu"):
        """A bundle's Muddler, whose searches run on a device: cpu, or one of CUDA's as torch names it.

        Raises ArgumentError.
        """
        self.bundle = bundle
        self.device = _known_device(device)
        self._scorer = Scorer(bundle)
        self._searcher = self._scorer if self.device == CPU else Scorer(bundle, self.device)

    def __repr__(self) -> str:
        return f"<Muddler {self.version} on {self.origin}>"

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        revision: str | None = None,
        *,
        token: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        deadline: float | None = None,
        device: str = "cpu",
    ) -> "Muddler":
        """A Muddler with the bundle of a folder or of a Hub repository; None: $MUDDLE_REPO, else the embedded one.

        revision: a branch, tag or commit. token, cache_dir: None for those of the Hub's client. local_files_only: take
        what the cache has. force_download: take nothing from it. deadline: seconds that a download may take before the
        cached copy is used; None: as many as it needs. device: where searches run, "cpu" or "cuda", whose float64
        differs in its last digits: where two candidates score alike, another may win. Raises BundleError when what is
        there is not a whole bundle, HubError when a named repository cannot be had, ArgumentError for a device that is
        not there.
        """
        bundle = resolve_bundle(
            source,
            revision,
            token=token,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            force_download=force_download,
            deadline=deadline,
        )
        return cls(bundle, device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the bundle into a folder, from which `from_pretrained` reads it. Raises BundleError."""
        try:
            copy_bundle(self.bundle.folder, Path(folder))
        except OSError as error:
            raise BundleError(folder, f"it cannot be written ({error.strerror})", "Name another.") from error
        load_bundle(Path(folder))

    def push_to_hub(
        self,
        repo: str,
        *,
        private: bool = False,
        message: str = "Upload a bundle of MNIST Muddle",
        tag: str | None = None,
        token: str | None = None,
    ) -> str:
        """Upload the bundle to a model repository, USER/NAME, in one commit, and return that commit.

        The repository is created if it is missing; its other files stay. Raises HubError.
        """
        hub.check_name("repo", repo)
        with tempfile.TemporaryDirectory() as scratch:
            self.save_pretrained(scratch)
            options = {"private": private, "message": message, "tag": tag, "token": token}
            return hub.upload(Path(scratch), repo, keep=True, **options).revision

    @property
    def version(self) -> str:
        """The version that a share link names: the algorithm, and the first characters of the bundle's fingerprint."""
        return f"{ALGORITHM}-{self.bundle.fingerprint[:7]}"

    @property
    def origin(self) -> Origin:
        """Where the bundle came from."""
        return self.bundle.origin

    @property
    def fingerprint(self) -> str:
        """Sha256 of everything in the bundle that muddles depend on, by which equal bundles are known."""
        return self.bundle.fingerprint

    @property
    def centroids(self) -> np.ndarray:
        """The centroid matrix, float64 (10, D): row k is the mean latent code of digit k."""
        return self.bundle.centroids.numpy().copy()

    def judge(self, images: np.ndarray) -> np.ndarray:
        """The judges' mean probabilities of an image, uint8 (28, 28), or of many, (N, 28, 28): float64 (10,), (N, 10).

        Raises ArgumentError.
        """
        return _shares(self._judged(images).mean(-2))

    def judge_each(self, images: np.ndarray) -> np.ndarray:
        """Each judge's probabilities of an image, uint8 (28, 28), or of many: float64 (J, 10) or (N, J, 10).

        Raises ArgumentError.
        """
        return _shares(self._judged(images))

    @torch.no_grad()
    def nearest_digits(self, image: np.ndarray) -> np.ndarray:
        """The digits from the one whose centroid is nearest to an image's code, uint8 (28, 28): int64 (10,).

        Raises ArgumentError.
        """
        pixels = torch.tensor(PARAMETERS["image"].kind.check("image", image))
        code = self.bundle.autoencoder.encode(to_unit(pixels[None]))
        return (self.bundle.centroids - code).norm(dim=1).argsort().numpy()

    @torch.no_grad()
    def likeness(self, images: np.ndarray) -> np.ndarray:
        """How much an image, uint8 (28, 28), or each of many, (N, 28, 28), looks like a digit: float64 () or (N,).

        Percentile among real test digits, 0 to 100. Raises ArgumentError.
        """
        array = _checked(images)
        unit = to_unit(torch.from_numpy(array.reshape(-1, 28, 28)))
        percentiles = _rounded(self.bundle.likeness.percentile(self.bundle.likeness(unit)))
        return percentiles.reshape(array.shape[:-2])

    @torch.no_grad()
    def _judged(self, images: np.ndarray) -> Tensor:
        array = _checked(images)
        probabilities = self._scorer.judge(torch.from_numpy(array.reshape(-1, 28, 28)))
        return probabilities if array.ndim == 3 else probabilities[0]

    def project(self, codes: np.ndarray) -> np.ndarray:
        """Places of codes, (N, D), on the latent map: float64 (N, 2), about -1 to 1, to four decimals.

        Raises ArgumentError.
        """
        try:
            array = np.array(codes, np.float64)
        except (TypeError, ValueError):
            array = np.zeros(0)
        latent = self.centroids.shape[1]
        if array.ndim != 2 or array.shape[1] != latent:
            raise ArgumentError("codes", f"of shape {np.shape(codes)}", f"numbers of shape (N, {latent})")
        with torch.no_grad():
            return self.bundle.projection(torch.from_numpy(array)).numpy().round(MAP_DECIMALS)

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
        source: the number of an exemplar of that digit, which is then the real image instead of the one drawn.
        Raises ArgumentError for anything else.
        """
        recipe = Recipe(
            digit=digit, target=target, seed=seed, steps=steps, strategy=strategy, balance=balance, source=source
        )
        return self.make([recipe])[0]

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
        if image is None:
            raise ArgumentError("image", image, PARAMETERS["image"].kind.allowed)
        recipe = Recipe(
            image=image, digit=digit, target=target, seed=seed, steps=steps, strategy=strategy, balance=balance
        )
        return self.make([recipe])[0]

    def muddle_many(
        self,
        digits: Iterable[int] | int,
        targets: Iterable[int | None] | int | None,
        seeds: Iterable[int] | int,
        *,
        strategy: str = "balanced",
        steps: int = 11,
        balances: Iterable[float] | float | None = None,
    ) -> Batch:
        """Many muddles at once, each the same as `muddle` gives for its digit, target, seed and balance.

        Columns of one length N; a single value holds for all rows; balances None is 0.5. `steps` matters to `farthest`
        alone. Raises ArgumentError.
        """
        balances = EVEN if balances is None else balances
        columns = [c.tolist() if isinstance(c, Tensor | np.ndarray) else c for c in (digits, targets, seeds, balances)]
        columns = [list(c) if isinstance(c, Iterable) else c for c in columns]
        lengths = {len(column) for column in columns if isinstance(column, list)} or {1}
        if len(lengths) > 1:
            raise ArgumentError("digits, targets, seeds and balances", sorted(lengths), "of one length")
        count = lengths.pop()
        rows = zip(*(c if isinstance(c, list) else [c] * count for c in columns), strict=True)
        return self.make_batch(
            [Recipe(digit=d, target=t, seed=s, balance=b, strategy=strategy, steps=steps) for d, t, s, b in rows]
        )

    @torch.no_grad()
    def make(self, recipes: Sequence[Recipe]) -> list[Muddle]:
        """The muddles of recipes with their paths, each as its recipe gives it alone.

        Raises ArgumentError for a recipe that does not fit this bundle, and then none is made.
        """
        muddles: dict[int, Muddle] = {}
        recipes = [self._resolved(recipe) for recipe in recipes]
        for places, draws, found in self._search(recipes):
            group = [recipes[place] for place in places]
            muddles.update(zip(places, self._finish(group, draws, found), strict=True))
        return [muddles[place] for place in range(len(recipes))]

    @torch.no_grad()
    def make_batch(self, recipes: Sequence[Recipe]) -> Batch:
        """The muddles of recipes as columns, without their paths, shared among as many threads as torch may use.

        Raises ArgumentError for a recipe that does not fit this bundle, and then none is made.
        """
        recipes = [self._resolved(recipe) for recipe in recipes]
        size = max(1, min(CHUNK, -(-len(recipes) // torch.get_num_threads()))) if self.device == CPU else DEVICE_CHUNK
        chunks = [recipes[start : start + size] for start in range(0, len(recipes), size)]
        return concatenate([*_in_threads(self._columns, chunks)]) if chunks else self._empty()

    def pictures(self, recipes: Sequence[Recipe]) -> list[np.ndarray]:
        """The images of `make`'s muddles alone, uint8 (28, 28): nothing of their paths is decoded or judged."""
        return list(self.make_batch(recipes).images)

    @torch.no_grad()
    def morph(self, codes: np.ndarray) -> Morph:
        """The way over three codes, float64 (3, D): those of a muddle's source, of itself, and of its partner."""
        frames = decoded_pixels(self._scorer.decode(morph_path(*torch.from_numpy(codes), MORPH_STEPS)))
        return Morph(frames.numpy().copy(), self._scorer.first_choices(frames).numpy().astype(np.uint8))

    def _resolved(self, recipe: Recipe) -> Recipe:
        """The recipe with its digit named and its source checked against the exemplars. Raises ArgumentError."""
        if recipe.digit is None:
            recipe = replace(recipe, digit=int(self.judge(recipe.image).argmax()))
        if recipe.source is not None:
            labels = self.bundle.exemplars.labels
            Integer(0, len(labels) - 1).check("source", recipe.source)
            if (label := int(labels[recipe.source])) != recipe.digit:
                raise ArgumentError("source", recipe.source, f"an exemplar of a {recipe.digit} (that one is a {label})")
        return recipe

    def _search(self, recipes: Sequence[Recipe]) -> Iterator[tuple[list[int], Draws, SearchResult]]:
        """The draws and the search of resolved recipes, group by group of those that can be searched together."""
        groups: dict[tuple[str, int], list[int]] = {}
        for place, recipe in enumerate(recipes):
            steps = recipe.steps if recipe.strategy == "farthest" else 0
            groups.setdefault((recipe.strategy, steps), []).append(place)
        for (strategy, _), places in groups.items():
            draws = draw(self.bundle, [recipes[place] for place in places])
            found = STRATEGY_FUNCTIONS[strategy](draws.to(self.device), self._searcher)
            yield places, draws, found.to(CPU)

    @torch.no_grad()  # in threads of its own
    def _columns(self, recipes: Sequence[Recipe]) -> Batch:
        """The muddles of resolved recipes, searched together."""
        order: list[int] = []
        parts: list[Batch] = []
        for places, draws, found in self._search(recipes):
            order += places
            mean = found.probabilities.mean(1)
            row = torch.arange(len(places))
            partners = draws.partner_index[row, found.partner]
            parts.append(
                Batch(
                    images=found.pixels.numpy(),
                    soft_labels=_shares(mean),
                    judge_soft_labels=_shares(found.probabilities),
                    targets=draws.goal.target.numpy(),
                    sources=draws.source_index.numpy(),
                    partners=partners.numpy(),
                    t=share_of_way(draws.source, found.codes, draws.partners[row, found.partner]).numpy(),
                    entropy=_rounded(entropy_bits(mean)),
                    likeness=_rounded(self._scorer.percentile(found.scores)),
                    grey=_rounded(found.grey),
                )
            )
        together = concatenate(parts)
        return together.rows(np.argsort(order))

    def _empty(self) -> Batch:
        return Batch(
            images=np.zeros((0, 28, 28), np.uint8),
            soft_labels=np.zeros((0, 10)),
            judge_soft_labels=np.zeros((0, len(self.bundle.judges.judges), 10)),
            **{name: np.zeros(0, np.int64) for name in ("targets", "sources", "partners")},
            **{name: np.zeros(0) for name in ("t", "entropy", "likeness", "grey")},
        )

    def _finish(self, recipes: Sequence[Recipe], draws: Draws, found: SearchResult) -> Iterator[Muddle]:
        """The muddles of a group with their paths, which are decoded and judged together."""
        row = torch.arange(len(recipes))
        ends = draws.source, found.codes, draws.partners[row, found.partner]
        ways = [path_through(*codes, recipe.steps) for *codes, recipe in zip(*ends, recipes, strict=True)]
        frames = decoded_pixels(self._scorer.decode(torch.cat([codes for codes, _ in ways])))
        lengths = [recipe.steps for recipe in recipes]
        opinions = map(Opinions, *(column.split(lengths) for column in self._scorer.opinions(frames)))
        shares = share_of_way(*ends).tolist()
        parts = zip(recipes, ways, frames.split(lengths), opinions, shares, strict=True)
        for i, (recipe, (codes, pick), images, said, t) in enumerate(parts):
            partner = int(draws.partner_index[i, found.partner[i]])
            yield self._muddle(recipe, draws, found, i, partner, codes, images, said, t, pick)

    def _muddle(
        self,
        recipe: Recipe,
        draws: Draws,
        found: SearchResult,
        row: int,
        partner: int,
        codes: Tensor,
        frames: Tensor,
        opinions: Opinions,
        t: float,
        pick: int,
    ) -> Muddle:
        """One muddle of a group, with its path."""
        target, source = int(draws.goal.target[row]), int(draws.source_index[row])
        mean = found.probabilities[row].mean(0)
        soft_label = _shares(mean)
        one = found.rows(torch.tensor([row]))
        places = self.project(torch.cat([one.codes, codes]).numpy())  # (1 + T, 2)
        return Muddle(
            recipe=replace(recipe, target=target),
            version=self.version,
            origin=self.origin,
            fingerprint=self.fingerprint,
            source=to_pixels(draws.source_image[[row]])[0].numpy(),
            partner=self.bundle.exemplars.images[partner].numpy().copy(),
            source_index=None if source == GIVEN else source,
            partner_index=partner,
            codes=codes.numpy(),
            frames=frames.numpy().copy(),
            judge_probabilities=opinions.each.numpy().copy(),
            probabilities=opinions.mean.numpy().copy(),
            t=t,
            pick=pick,
            code=one.codes[0].numpy(),
            image=one.pixels[0].numpy(),
            soft_label=soft_label,
            judge_soft_labels=_shares(found.probabilities[row]),
            scores=Scores(
                p_digit=float(soft_label[recipe.digit]),
                p_target=float(soft_label[target]),
                entropy=float(_rounded(entropy_bits(mean))),
                likeness=float(_rounded(self._scorer.percentile(one.scores)[0])),
                grey=float(_rounded(one.grey[0])),
            ),
            place=places[0],
            places=places[1:],
        )


def _known_device(name: str) -> torch.device:
    """Raises ArgumentError for a device that is not there, or that knows no float64."""
    try:
        device = torch.device(name)
        if device.type in ("cpu", "cuda"):
            torch.zeros(1, dtype=torch.float64, device=device)
            return device
    except (RuntimeError, TypeError, AssertionError):  # torch without CUDA asserts
        pass
    found = f"cuda (0 to {torch.cuda.device_count() - 1})" if torch.cuda.is_available() else "no CUDA device is here"
    raise ArgumentError("device", name, f"cpu or cuda; {found}")


def _in_threads(work: Callable[[Sequence[Recipe]], Batch], chunks: Sequence[Sequence[Recipe]]) -> Iterable[Batch]:
    """work(chunk) for each, in a thread pool with one torch thread each: faster for small networks than sharing each
    operation among threads."""
    threads = torch.get_num_threads()
    if min(threads, len(chunks)) < 2:
        return map(work, chunks)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(work, chunks))


def _checked(images: np.ndarray) -> np.ndarray:
    """Images that were given, uint8 (28, 28) or (N, 28, 28). Raises ArgumentError."""
    array = np.array(images)
    if array.dtype != np.uint8 or array.shape[-2:] != (28, 28) or array.ndim not in (2, 3) or not len(array):
        allowed = "uint8 (28, 28), or (N, 28, 28) for many, white on black"
        raise ArgumentError("image", f"{array.dtype} {array.shape}", allowed)
    return array


def _rounded(values: Tensor) -> np.ndarray:
    return values.double().numpy().round(DECIMALS)


def _shares(probabilities: Tensor) -> np.ndarray:
    """The same of distributions, (..., K), whose sums stay 1: those with the largest remainders are rounded up."""
    units = probabilities.numpy() * 10**DECIMALS
    whole = np.floor(units)
    missing = 10**DECIMALS - whole.sum(-1, keepdims=True)
    rank = (whole - units).argsort(-1, kind="stable").argsort(-1)
    return (whole + (rank < missing)) / 10**DECIMALS
