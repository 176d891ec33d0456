"""What all benchmarks share: rows of a table, and what the machine is on which they were measured."""

import dataclasses
import platform
import statistics
from dataclasses import dataclass
from importlib.metadata import version

from muddle.processes import available_processors


@dataclass(frozen=True)
class Row:
    """One figure beside its floor. `most`: the ratio that is promised at most; None where a floor promises nothing."""

    what: str
    unit: str
    ours: float  # the median
    p95: float
    floor: float | None = None  # the median of the floor
    ratio: float | None = None  # ours to the floor's
    bar: str = ""  # what is promised, in words

    def as_json(self) -> dict[str, object]:
        """The row by its names."""
        return dataclasses.asdict(self)


def row(what: str, unit: str, ours: list[float], floor: list[float] | None = None, bar: str = "") -> Row:
    """Medians of what was measured, alternating, of ours and of a floor."""
    middle = statistics.median(ours)
    p95 = statistics.quantiles(ours, n=20)[-1] if len(ours) > 1 else middle
    if floor is None:
        return Row(what, unit, middle, p95, bar=bar)
    below = statistics.median(floor)
    return Row(what, unit, middle, p95, below, middle / below, bar)


def table(rows: list[Row]) -> str:
    """The rows in Markdown."""
    lines = ["| what | median | p95 | floor | ratio | must |", "| --- | --- | --- | --- | --- | --- |"]
    for r in rows:
        floor = "" if r.floor is None else f"{_number(r.floor)} {r.unit}"
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        lines.append(
            f"| {r.what} | {_number(r.ours)} {r.unit} | {_number(r.p95)} {r.unit} | {floor} | {ratio} | {r.bar} |"
        )
    return "\n".join(lines)


def machine() -> dict[str, object]:
    """The processor, how many there are, and the versions of what matters."""
    names = ("torch", "gradio", "numpy", "huggingface_hub")
    return {
        "processor": _processor(),
        "processors": available_processors(),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
