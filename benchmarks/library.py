"""How fast the library makes muddles, and where the time goes, beside the peak rate of one processor."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import Row, Settings, milliseconds, row
from muddle import Muddler
from muddle.bundle.files import Bundle
from muddle.muddler import CHUNK
from muddle.networks.surrogate import Prediction
from muddle.recipe import STRATEGIES, Recipe
from muddle.search import strategies as search
from muddle.search.draws import draw
from muddle.search.scorer import ImageScores, Scorer

MANY, FEW = 1024, 128  # muddles at once; the latter with --quick
ALONE = 99  # muddles one by one


def bulk(settings: Settings) -> list[Row]:
    """Milliseconds a muddle: many at once, one at a time, and one on one processor."""
    muddler = Muddler.from_pretrained()
    count = FEW if settings.quick else MANY
    many(muddler, 64)
    at_once, alone = [], []
    for i in range(3):  # in turns
        at_once.append(many(muddler, count, i * count) / count)
        alone += [
            milliseconds(muddler.muddle, seed % 10, seed=seed) for seed in range(i * ALONE // 3, (i + 1) * ALONE // 3)
        ]
    with one_thread():
        single = [many(muddler, 1, seed) for seed in range(ALONE)]
    rate = 1000 / statistics.median(at_once)
    bar = f"≤ 0.1 and ≥ 300 a second ({rate:.0f})"
    return [
        row(f"{count} muddles at once, each; baseline: one at a time", "ms", at_once, alone, bar),
        row("compute of one muddle, one processor", "ms", single, bar="≤ 30 ms"),
    ]


def strategies(settings: Settings) -> list[Row]:
    """Milliseconds of one muddle on one processor by each strategy, its path included, and of a batch of one."""
    muddler = Muddler.from_pretrained()
    works = {f"`{name}`": partial(muddler.muddle, strategy=name) for name in STRATEGIES}
    works["`balanced` without its path"] = lambda digit, seed: muddler.muddle_many([digit], [None], [seed])
    times: dict[str, list[float]] = {name: [] for name in works}
    with one_thread():
        for seed in range(-3, 10 if settings.quick else 40):  # the first three rounds warm up
            for name, work in works.items():  # in turns, so that a slow moment hits all alike
                spent = milliseconds(work, max(seed, 0) % 10, seed=max(seed, 0))
                times[name] += [spent] if seed >= 0 else []
    return [row(f"{name}; baseline: `midpoint`", "ms", spent, times["`midpoint`"]) for name, spent in times.items()]


def time_by_part(settings: Settings) -> str:
    """A table of one muddle among many on one processor: time, operations, and share of the peak rate by part."""
    bundle, count = Muddler.from_pretrained().bundle, FEW if settings.quick else MANY // 2
    with one_thread():
        metered_search(bundle, count, time.perf_counter)  # warms up
        seconds = metered_search(bundle, count, time.perf_counter)
        with FlopCounterMode(display=False) as counter:
            operations = metered_search(bundle, count, counter.get_total_flops)
        peaks = {name: peak_rate(getattr(torch, name)) for name in ("float32", "float64")}
    total, done = seconds.pop("all"), operations.pop("all")
    lines = ["| part | ms | million operations | share of the peak |", "| --- | --- | --- | --- |"]
    least = 0.0
    for name in sorted(seconds, key=lambda name: -seconds[name]):
        kind = "float32" if "float32" in name else "float64"
        least += operations[name] / peaks[kind]
        share = operations[name] / seconds[name] / peaks[kind]
        rate = f"{100 * share:.0f} % of {kind}'s" if operations[name] else ""
        lines.append(f"| {name} | {1000 * seconds[name] / count:.2f} | {operations[name] / count / 1e6:.1f} | {rate} |")
    rest = total - seconds.total()
    lines.append(f"| the rest: drawing, choosing, copying | {1000 * rest / count:.2f} | | |")
    shortest = f"{1000 * least / count:.2f} ms at the peak"
    lines.append(f"| all | {1000 * total / count:.2f} | {done / count / 1e6:.1f} | {shortest} |")
    rates = ", ".join(f"{kind} {value / 1e9:.0f}" for kind, value in peaks.items())
    text = f"Peak of one processor, measured in the same run, in 10⁹ operations a second: {rates}."
    return "\n".join([*lines, "", f"{text} {alone(bundle)}"])


def alone(bundle: Bundle) -> str:
    """The operations of muddles one by one, with their judged paths and without."""
    muddler, recipes = Muddler(bundle), [Recipe(digit=i % 10, seed=i) for i in range(20)]
    found = {}
    for name, work in {"with": muddler.make, "without": muddler.make_batch}.items():
        with FlopCounterMode(display=False) as counter:
            for recipe in recipes:
                work([recipe])
        found[name] = counter.get_total_flops() / len(recipes) / 1e6
    return (
        f"One caller's muddle takes {found['with']:.0f} million operations with its path, judged step by step, and "
        f"{found['without']:.0f} without."
    )


class Meter:
    """Adds up, by name, by how much a reading grows while functions run."""

    def __init__(self, read: Callable[[], float]):
        self.read = read
        self.totals: Counter[str] = Counter()

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, metered under a name."""

        def metered(*args: Any, **options: Any) -> Any:
            before = self.read()
            result = function(*args, **options)
            self.totals[name] += self.read() - before
            return result

        return metered


class MeteredScorer(Scorer):
    """A scorer whose calls are metered."""

    def __init__(self, bundle: Bundle, meter: Meter):
        super().__init__(bundle)
        self.meter = meter

    def decode(self, codes: Tensor) -> Tensor:
        """See Scorer."""
        return self.meter.wrap("decode", super().decode)(codes)

    def scout(self, codes: Tensor) -> Tensor:
        """See Scorer."""
        return self.meter.wrap("scout", super().scout)(codes)

    def predict(self, codes: Tensor) -> Prediction:
        """See Scorer."""
        return self.meter.wrap("surrogate", super().predict)(codes)

    def predict_with_vjp(self, codes: Tensor) -> tuple[Prediction, Callable[[Prediction], Tensor]]:
        """See Scorer; the VJP is metered as well."""
        name = "surrogate and its gradient"
        prediction, vjp = self.meter.wrap(name, super().predict_with_vjp)(codes)
        return prediction, self.meter.wrap(name, vjp)

    def predict_images(self, pixels: Tensor, *, screening: bool = False) -> Prediction:
        """See Scorer."""
        work = self.meter.wrap(f"student, {'float32' if screening else 'float64'}", super().predict_images)
        return work(pixels, screening=screening)

    def score_images(self, pixels: Tensor) -> ImageScores:
        """See Scorer."""
        return self.meter.wrap("judges and likeness", super().score_images)(pixels)


@torch.no_grad()
def metered_search(bundle: Bundle, count: int, read: Callable[[], float]) -> Counter[str]:
    """By how much a reading grows in each part of the search for so many balanced muddles, and in all of it."""
    meter = Meter(read)
    scorer = MeteredScorer(bundle, meter)

    def find() -> None:
        recipes = [Recipe(digit=i % 10, seed=i) for i in range(count)]
        for first in range(0, count, CHUNK):
            search.balanced(draw(bundle, recipes[first : first + CHUNK]), scorer)

    parts = {"promise": "objective", "objective": "objective", "promise_grad": "gradient of the objective"}
    metered = {name: meter.wrap(part, getattr(search, name)) for name, part in parts.items()}
    with mock.patch.multiple(search, **metered):
        meter.wrap("all", find)()
    return meter.totals


def many(muddler: Muddler, count: int, first: int = 0) -> float:
    """Milliseconds to make so many different muddles in one call."""
    digits = [i % 10 for i in range(count)]
    return milliseconds(muddler.muddle_many, digits, [None] * count, range(first, first + count))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def peak_rate(dtype: torch.dtype, side: int = 1024) -> float:
    """Floating-point operations a second of this thread in the product of two large matrices."""
    a = torch.randn(side, side, dtype=dtype)
    return 2 * side**3 / (min(milliseconds(torch.mm, a, a) for _ in range(12)) / 1000)
