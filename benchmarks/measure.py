"""What all measurements share: their settings, rows of a table, and the machine on which they were made."""

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from muddle.processes import available_processors


@dataclass(frozen=True)
class Settings:
    """How to measure. quick: few rounds, which show that it works, not how fast. against: another checkout, whose app
    is the baseline. data_dir: the folder of MNIST."""

    quick: bool = False
    against: Path | None = None
    data_dir: Path = Path("data")


@dataclass(frozen=True)
class Row:
    """One figure of ours beside its baseline. `bar` says in words what the ratio, or the figure, must reach."""

    what: str
    unit: str
    ours: float  # the median
    p95: float  # the 95th percentile
    baseline: float | None = None  # the median
    ratio: float | None = None  # of the two medians
    bar: str = ""


def row(what: str, unit: str, ours: Sequence[float], baseline: Sequence[float] = (), bar: str = "") -> Row:
    """The medians of measurements and their ratio; without a baseline, the median alone."""
    median = statistics.median(ours)
    p95 = statistics.quantiles(ours, n=20)[-1] if len(ours) > 1 else median
    if not baseline:
        return Row(what, unit, median, p95, bar=bar)
    beside = statistics.median(baseline)
    return Row(what, unit, median, p95, beside, median / beside, bar)


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| what | median | p95 | baseline | ratio | bar |", "| --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        figures = " | ".join("" if x is None else f"{_number(x)} {r.unit}" for x in (r.ours, r.p95, r.baseline))
        lines.append(f"| {r.what} | {figures} | {'' if r.ratio is None else f'{r.ratio:.2f}'} | {r.bar} |")
    return "\n".join(lines)


def milliseconds(work: Callable[..., object], *args: object, **options: object) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work(*args, **options)
    return 1000 * (time.perf_counter() - began)


def machine() -> dict[str, object]:
    """The processor, how many there are, and the versions of what decides how fast it is."""
    return {
        "processor": _processor(),
        "processors": available_processors(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "gradio", "numpy", "huggingface_hub")},
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
