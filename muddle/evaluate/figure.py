"""An evaluation as a picture: reliability, after DeGroot and Fienberg (1983), and the curve over balance. Needs
matplotlib."""

import io
from collections.abc import Mapping
from pathlib import Path

from muddle.errors import ArgumentError
from muddle.evaluate.measures import Evaluation

KINDS = ("png", "svg", "pdf")


def check_name(path: Path) -> str:
    """The kind of a picture's file, by the ending of its name. Raises ArgumentError for another than KINDS."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        endings = ", ".join(f".{kind}" for kind in KINDS)
        raise ArgumentError("diagram", str(path), f"a name that ends in one of {endings}")
    return kind


def picture(evaluations: Mapping[str, Evaluation], path: Path) -> bytes:
    """The file's bytes, its kind by the ending of its name: evaluations in two panels, each a line.

    Left, what a guess is worth by how sure it was: calibrated ones lie on the diagonal. Right, the target's share of
    the two labels by the share that was asked for; the soft labels' own is the dotted line. Raises ArgumentError for
    another ending.
    """
    kind = check_name(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.4), layout="constrained")
    reliability, curve = figure.subplots(1, 2)
    for axes in (reliability, curve):
        axes.plot([0, 1], [0, 1], color="grey", linestyle="dashed", linewidth=1)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for name, evaluation in evaluations.items():
        bins = [b for b in evaluation.bins if b.count]
        reliability.plot([b.confidence for b in bins], [b.correctness for b in bins], marker=".", label=name)
        tenths = [tenth for tenth in evaluation.curve if tenth.count]
        asked = [tenth.asked for tenth in tenths]
        curve.plot(asked, [tenth.predicted for tenth in tenths], marker=".", label=name)
    curve.plot(asked, [tenth.soft_label for tenth in tenths], color="black", linestyle="dotted", label="soft labels")
    reliability.set(xlabel="confidence", ylabel="soft label's probability of the guess", title="Reliability")
    curve.set(xlabel="asked-for share of the second label", ylabel="predicted share", title="Over balance")
    reliability.legend(loc="upper left", frameon=False)
    curve.legend(loc="upper left", frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()
