"""Evaluations as a table for people, as JSON and CSV for programs, and as lines of a leaderboard."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from muddle.errors import DataError
from muddle.evaluate.measures import MEASURES, Evaluation, Figure

DECIMALS = 6  # of figures for programs
BOARD = ("set", "classifier", "count", *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")))


def table(evaluations: Mapping[str, Evaluation]) -> str:
    """A Markdown table of named classifiers' figures, and of AUROCs for a mixed set; aligned for a terminal too."""
    head = ["classifier", *(measure.heading for measure in MEASURES.values())]
    rows = [[name, *_cells(one.figures)] for name, one in evaluations.items()]
    parts = [_aligned([head, *rows])]
    areas = list(dict.fromkeys(area for one in evaluations.values() for area in one.auroc))
    if areas:
        head = ["AUROC", *evaluations]
        rows = [[area, *(_cell(one.auroc.get(area), 3) for one in evaluations.values())] for area in areas]
        parts.append(_aligned([head, *rows]))
    return "\n\n".join(parts)


def legend() -> str:
    """What the figures mean, as a list."""
    lines = [f"- {measure.heading}: {measure.legend}." for measure in MEASURES.values()]
    lines.append(
        "- (soft labels): the ceiling. (one judge): a member of the soft labels' own panel, beside the mean of the "
        "others. (clueless): 0.1 for every class. ±: half of the 95 % interval, by a bootstrap over images; it says "
        "nothing of another training with another seed."
    )
    lines.append(
        "- Of a mixed set the images of no digit are left out of these. AUROC: how well an uncertainty tells two kinds "
        "apart, 0.5 for not at all: total entropy, the members' expected one, or their mutual information."
    )
    return "\n".join(lines)


def as_json(evaluations: Mapping[str, Evaluation]) -> dict[str, Any]:
    """Everything, in JSON's types, to six decimals; None where a figure is not defined."""
    return {
        name: {
            "count": one.count,
            "figures": {key: _plain(figure._asdict()) for key, figure in one.figures.items()},
            "auroc": {key: _plain(figure._asdict()) for key, figure in one.auroc.items()},
            "reliability": [_plain(b._asdict()) for b in one.bins],
            "balance": [_plain(tenth._asdict()) for tenth in one.curve],
            "pairs": _plain(one.pairs),
        }
        for name, one in evaluations.items()
    }


def as_csv(evaluations: Mapping[str, Evaluation]) -> str:
    """Every figure in a line: classifier, pair ("all", or such as 4-9), figure, value, low, high."""
    lines = [("classifier", "pair", "figure", "value", "low", "high")]
    for name, one in evaluations.items():
        for key, figure in (one.figures | one.auroc).items():
            lines.append((name, "all", key, *map(_text, figure)))
        for pair, figures in one.pairs.items():
            lines += [(name, pair, key, _text(value), "", "") for key, value in figures.items()]
    return _csv(lines)


def with_results(board: str, sums: str, evaluations: Mapping[str, Evaluation]) -> str:
    """A leaderboard's CSV with these classifiers on the set of this sha256, in the place of earlier results of theirs.

    Raises DataError when the text is no leaderboard.
    """
    rows = read_board(board) if board.strip() else []
    kept = [row for row in rows if not (row["set"] == sums[:12] and row["classifier"] in evaluations)]
    for name, one in evaluations.items():
        values = [_text(value) for figure in one.figures.values() for value in figure]
        kept.append(dict(zip(BOARD, (sums[:12], name, str(one.count), *values), strict=True)))
    return _csv([BOARD, *([row[key] for key in BOARD] for row in kept)])


def read_board(text: str) -> list[dict[str, str]]:
    """The lines of a leaderboard. Raises DataError."""
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != BOARD:
        raise DataError(f"This is no leaderboard: its first line must be {','.join(BOARD[:4])} and so on.")
    return list(reader)


def board_table(text: str) -> str:
    """A leaderboard as a Markdown table, the least divergence first. Raises DataError."""
    rows = sorted(read_board(text), key=lambda row: float(row["divergence"] or "inf"))
    head = ["classifier", *(measure.heading for measure in MEASURES.values())]
    figures = [{name: _figure(row, name) for name in MEASURES} for row in rows]
    return _aligned([head, *([row["classifier"], *_cells(one)] for row, one in zip(rows, figures, strict=True))])


def _figure(row: dict[str, str], name: str) -> Figure:
    return Figure(*(float(row[f"{name}{end}"] or "nan") for end in ("", "_low", "_high")))


def _cells(figures: Mapping[str, Figure]) -> list[str]:
    return [_cell(figures[name], measure.decimals) for name, measure in MEASURES.items()]


def _cell(figure: Figure | None, decimals: int) -> str:
    """A figure with half of its interval: 0.710 ±.009."""
    if figure is None or figure.value != figure.value:
        return "–"
    half = f"{(figure.high - figure.low) / 2:.{decimals}f}".removeprefix("0")
    return f"{figure.value + 0.0:.{decimals}f} ±{half}"


def _aligned(cells: list[list[str]]) -> str:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in cells]
    name_width, *widths = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [
        f"| {name:<{name_width}} | {' | '.join(v.rjust(w) for v, w in zip(values, widths, strict=True))} |"
        for name, *values in cells
    ]
    rule = f"|{'-' * (name_width + 2)}|{'|'.join('-' * (w + 1) + ':' for w in widths)}|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _text(value: float) -> str:
    return "" if value != value else f"{value:.{DECIMALS}f}"


def _csv(lines: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, float):
        return None if value != value else round(value, DECIMALS)
    return value
