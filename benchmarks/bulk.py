"""How fast many muddles are made at once, and where the time goes, beside what the processor can do at most."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import Row, row
from muddle import Muddler, strategies
from muddle.search.scorer import Critic

MANY, ALONE = 1024, 100
QUICK = 128
PARTS = {  # which calls are counted as what, the inner ones first
    "surrogate, float32": (Critic, "of_codes", True),
    "surrogate, float64": (Critic, "of_codes", False),
    "surrogate and its gradient, float64": (Critic, "of_codes_with_pull", None),
    "judges and likeness, float32": (Critic, "of_pixels", True),
    "judges and likeness, float64": (Critic, "of_pixels", False),
    "quality": (strategies, "quality", None),
    "slope": (strategies, "slope", None),
}


def many(muddler: Muddler, count: int, first: int = 0) -> float:
    """Seconds to make so many different muddles in one call."""
    began = time.perf_counter()
    muddler.muddle_many([i % 10 for i in range(count)], [None] * count, range(first, first + count))
    return time.perf_counter() - began


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def peak(dtype: torch.dtype) -> float:
    """Floating-point operations a second that one processor reaches in the product of two large matrices."""
    side = 1024
    a = torch.randn(side, side, dtype=dtype)
    spent = []
    for _ in range(12):
        began = time.perf_counter()
        a @ a
        spent.append(time.perf_counter() - began)
    return 2 * side**3 / min(spent)


def parts(muddler: Muddler, work: Callable[[], object], meter: Callable[[], Any]) -> Counter[str]:
    """What `meter` counts during each of PARTS while the work is done, and in "all" of it."""
    found: Counter[str] = Counter()
    with ExitStack() as stack:
        for owner, name in {(owner, name) for owner, name, _ in PARTS.values()}:
            metered = _metered(getattr(owner, name), owner, name, meter, found)
            stack.enter_context(mock.patch.object(owner, name, metered))
        decode = _metered(muddler._decode, None, "decode", meter, found)
        stack.enter_context(mock.patch.object(muddler, "_decode", decode))
        before = meter()
        work()
        found["all"] = meter() - before
    return found


def _metered(work: Callable, owner: Any, name: str, meter: Callable[[], Any], found: Counter[str]) -> Callable:
    def run(*args: Any, **kwargs: Any) -> Any:
        rough = bool(kwargs.get("rough"))
        named = [(key, kind) for key, (its, called, kind) in PARTS.items() if (its, called) == (owner, name)]
        fits = [key for key, kind in named if kind in (None, rough)]
        label = fits[0] if fits else name
        before = meter()
        result = work(*args, **kwargs)
        found[label] += meter() - before
        return result

    return run


def where(muddler: Muddler, count: int) -> str:
    """A table: of one muddle among many on one processor, milliseconds, operations, and share of the peak rate."""

    def work() -> object:
        return many(muddler, count)

    with one_thread():
        work()
        spent = parts(muddler, work, time.perf_counter)
        with FlopCounterMode(display=False) as counter:
            done = parts(muddler, work, counter.get_total_flops)
        peaks = {"float32": peak(torch.float32), "float64": peak(torch.float64)}
    lines = ["| part | ms | million operations | share of the peak |", "| --- | --- | --- | --- |"]
    named = [name for name in spent if name != "all"]
    for name in sorted(named, key=lambda name: -spent[name]):
        kind = "float32" if "float32" in name else "float64"
        share = done[name] / spent[name] / peaks[kind]
        rate = f"{100 * share:.0f} % of {kind}'s" if done[name] else ""
        lines.append(f"| {name} | {1000 * spent[name] / count:.2f} | {done[name] / count / 1e6:.1f} | {rate} |")
    rest = spent["all"] - sum(spent[name] for name in named)
    lines.append(f"| the rest: drawing, choosing, copying | {1000 * rest / count:.2f} | | |")
    total = 1000 * spent["all"] / count
    least = sum(done[n] / peaks["float32" if "float32" in n else "float64"] for n in named) / count * 1000
    lines.append(f"| all | {total:.2f} | {done['all'] / count / 1e6:.1f} | {least:.2f} ms at the peak |")
    rates = ", ".join(f"{kind} {value / 1e9:.0f}" for kind, value in peaks.items())
    said = f"Peak of one processor, measured in the same run, in 10⁹ operations a second: {rates}."
    return "\n".join([*lines, "", said])


def measure(quick: bool) -> list[Row]:
    """Milliseconds a muddle: many at once on all processors, one by one, and one on one processor."""
    muddler = Muddler.from_pretrained()
    count = QUICK if quick else MANY
    many(muddler, 64)
    alone, at_once, single = [], [], []
    for i in range(3):  # alternating
        at_once.append(1000 * many(muddler, count, i * count) / count)
        for seed in range(i * ALONE // 3, (i + 1) * ALONE // 3):
            began = time.perf_counter()
            muddler.muddle(seed % 10, seed=seed)
            alone.append(1000 * (time.perf_counter() - began))
    with one_thread():
        for seed in range(ALONE):
            single.append(1000 * many(muddler, 1, seed))
    rate = 1000 / statistics.median(at_once)
    return [
        row(f"{count} muddles at once, each; floor: one at a time", "ms", at_once, alone,
            f"≤ 0.1 and ≥ 300 a second ({rate:.0f})"),
        row("compute of one muddle, one processor", "ms", single, None, "≤ 30 ms"),
    ]  # fmt: skip


def table_of_parts(quick: bool) -> str:
    """`where` for the embedded bundle."""
    return where(Muddler.from_pretrained(), QUICK if quick else MANY // 2)
