"""Stage `ablation`: what each part of the search is worth, by the sealed panel; writes docs/ablation.md.

Every row takes one part away, or gives more of it, and makes the same muddles again.
"""

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch

from muddle.bundle.files import load_bundle
from muddle.images.pixels import decoded_pixels
from muddle.muddler import Muddler
from muddle.search import objective, strategies
from muddle.search.draws import Draws
from muddle.search.latent import path
from muddle.search.scorer import Scorer
from muddle.search.strategies import PATH_STEPS, SearchResult
from train.report import measure
from train.report.report import by_pair
from train.run import Run
from train.sealed_panel import load_sealed
from train.stages.panel import PANEL

DOCUMENT = Path(__file__).parent.parent.parent / "docs/ablation.md"
EVERY = 5  # of the report's muddles of all pairs
ALONE = 16  # partners whose paths are looked at without a surrogate
TIMED = 40  # muddles, one processor
HEAD = """# What each part of the search is worth

Written by `python -m train ablation`. {count} muddles of all 90 pairs, judged by the sealed panel, each row with one
part of the search changed. ± is half of a 95 % interval; milliseconds are those of one of {timed} muddles at once on
one processor, in one run; operations are those of its networks. *One member*: both above 0.2 by one classifier alone,
on average. *Bold*: still undecided for the judges without ink below 0.25, 0.4 and 0.5.

| | both above 0.4 | both above 0.2 | one member | distance from a half | bold | ms | million operations |
|---|---|---|---|---|---|---|---|
"""


class Variant(NamedTuple):
    """The search with a part of it changed."""

    name: str
    change: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    strategy: str = "balanced"


def images_alone(draws: Draws, scorer: Scorer) -> SearchResult:
    """The best image of the inner steps of ALONE paths, by the student: no code is ever searched."""
    found, row = [], torch.arange(len(draws.source))
    for i in row:
        inner = path(draws.source[i].expand_as(draws.partners[i, :ALONE]), draws.partners[i, :ALONE], PATH_STEPS)
        codes = inner[:, 1:-1].flatten(0, 1)
        pixels = decoded_pixels(scorer.decode(codes))
        best = objective.objective(scorer.predict_images(pixels), draws.goal.rows(i.expand(len(codes)))).argmax()[None]
        partner = torch.arange(len(codes))[best] // (PATH_STEPS - 2)
        found.append(SearchResult(codes[best], partner, pixels[best], *scorer.score_images(pixels[best])))
    return SearchResult(*(torch.cat(column) for column in zip(*found, strict=True)))


def _patched(**values: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: mock.patch.multiple(strategies, **values)


def _effort(**values: Any) -> Callable[[], AbstractContextManager[Any]]:
    near, far = (effort._replace(**values) for effort in (strategies.NEAR, strategies.FAR))
    return _patched(NEAR=near, FAR=far)


VARIANTS = (
    Variant("all of it"),
    Variant("no far search", _patched(GOOD_ENOUGH=-9.0)),
    Variant("no ascent: the best steps of the paths", _effort(steps=0)),
    Variant("no scout: the surrogate ranks every path", _patched(KNOWN=10**6)),
    Variant("one path: no student is needed", _effort(paths=1)),
    Variant("twice as many paths", _effort(paths=2 * strategies.NEAR.paths)),
    Variant("no screening in float32", _patched(MARGIN=9.0)),
    Variant("faint ink does not count for the surrogate", lambda: mock.patch.object(objective, "BOLD", 0.0)),
    Variant(
        f"no surrogate: the images of {ALONE} paths",
        lambda: mock.patch.dict(strategies.STRATEGY_FUNCTIONS, balanced=images_alone),
    ),
    Variant("midpoint only", strategy="midpoint"),
)


def run_stage(run: Run) -> None:
    """Measure every variant, and write the document."""
    networks = load_sealed(run)
    muddler = Muddler(load_bundle(run.bundle))
    digits, targets = by_pair(run)[:, ::EVERY]
    lines = []
    for variant in VARIANTS:
        with variant.change():
            columns = digits.tolist(), targets.tolist(), range(len(digits))
            made = muddler.muddle_many(*columns, strategy=variant.strategy)
            some = [column[:: max(1, len(digits) // TIMED)][:TIMED] for column in columns]
            seconds, operations = _costs(muddler, some, variant.strategy)
        found = measure.muddle_figures(made.images, digits, targets, networks[: len(PANEL)], muddler.bundle.likeness)
        bold = measure.boldness(muddler, made.images, digits, targets)["all"]["value"]
        alone = np.mean(found["members"]["both_above_0.2"])
        shares = [_share(found["split"]), _share(found["both_above_0.2"]), f"{100 * alone:.1f} %"]
        cells = [*shares, f"{found['distance']['value']:.3f}", f"{100 * bold:.0f} %"]
        cells += [f"{1000 * seconds / len(some[0]):.1f}", f"{operations / len(some[0]) / 1e6:.0f}"]
        lines.append(f"| {variant.name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    DOCUMENT.write_text(HEAD.format(count=f"{len(digits):,}", timed=TIMED) + "\n".join(lines) + "\n")


def _costs(muddler: Muddler, columns: list, strategy: str) -> tuple[float, int]:
    """Seconds and operations of muddles that are made at once on one processor."""
    from torch.utils.flop_counter import FlopCounterMode

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        began = time.perf_counter()
        muddler.muddle_many(*columns, strategy=strategy)
        seconds = time.perf_counter() - began
        with FlopCounterMode(display=False) as counter:
            muddler.muddle_many(*columns, strategy=strategy)
    finally:
        torch.set_num_threads(threads)
    return seconds, counter.get_total_flops()


def _share(figure: dict[str, float]) -> str:
    return f"{100 * figure['value']:.1f} % ± {50 * (figure['high'] - figure['low']):.1f}"
