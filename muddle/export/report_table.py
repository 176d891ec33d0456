"""Write a report's figures as a Markdown table: the same in README, model card and page."""

from collections.abc import Iterable
from typing import Any

ROWS = (
    ("split", "split: both intended classes above 0.4", "share"),
    ("both_above_0.2", "both above 0.2", "share"),
    ("top_pair", "top-pair: the two likeliest are the intended two", "share"),
    ("distance", "mean distance of the target's share from a half", "number"),
    ("grey_share", "grey share of the ink (real test digits: {grey})", "number"),
    ("likely_digit", "likeness above the 5th percentile of real test digits", "share"),
)


def interval(figure: dict[str, float], kind: str) -> str:
    """A value with its 95 % interval: 45.1 % (42.0 to 48.2)."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if kind == "share":
        return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def result_rows(report: dict[str, Any]) -> list[list[str]]:
    """The strategies side by side, in texts: a row of headings, then a row for each measure."""
    strategies = report["strategies"]
    heading = f"{strategies['balanced']['count']:,} muddles, {len(report['panel_members'])} held-out classifiers"
    grey = f"{report['real_test_digits']['grey_share']['value']:.3f}"
    measures = [
        [text.format(grey=grey), *(interval(found[key], kind) for found in strategies.values())]
        for key, text, kind in ROWS
    ]
    descent = [interval(found["descent"]["by_code"], "share") for found in strategies.values()]
    measures.append(["nearer to its own source than to a random one of that digit", *descent])
    return [[heading, *strategies], *measures]


def result_table(report: dict[str, Any]) -> str:
    """The same as a Markdown table."""
    (heading, *strategies), *measures = result_rows(report)
    head = [heading, *(f"`{name}`" for name in strategies)]
    rule = "|---" * len(head) + "|"
    first, *rest = ("| " + " | ".join(row) + " |" for row in (head, *measures))
    return "\n".join([first, rule, *rest])


def member_table(report: dict[str, Any]) -> str:
    """The panel's members one by one on the muddles of all pairs, and their mean, as a Markdown table; below them
    classifiers of other kinds, and all together.

    A mean is undecided also where its members are certain of different digits; each alone is so less often.
    """
    figures, count = report["all_pairs"], report["all_pairs"]["count"]
    columns = {"both above 0.2": "both_above_0.2", "both above 0.4": "split", "top-pair": "top_pair"}
    lines = [f"| {count:,} muddles of all 90 pairs | {' | '.join(columns)} |", f"{'|---' * (len(columns) + 1)}|"]

    def add(name: str, shares: Iterable[str]) -> None:
        lines.append(f"| {name} | {' | '.join(shares)} |")

    for place, name in enumerate(report["panel_members"]):
        add(f"{name} alone", (percent(figures["members"][key][place]) for key in columns.values()))
    add("**their mean**", (interval(figures[key], "share") for key in columns.values()))
    for name, found in report.get("other_kinds", {}).items():
        text = {
            "these": "mean of these three",
            "all": f"**mean of all {len(report['panel'])}**",
            "tuning": "mean of the tuning panel, by which settings were chosen",
        }
        shares = (found["all_pairs"][key] for key in columns.values())
        if name in text:
            add(text[name], (interval(share, "share") for share in shares))
        else:
            add(f"{name} alone", (percent(share["value"]) for share in shares))
    return "\n".join(lines)


def balance_table(report: dict[str, Any]) -> str:
    """The balance that was asked for against the panel's share of the target, as a Markdown table."""
    bins = report["balance"]
    rows = {
        "asked for": [f"{row['asked']:.2f}" for row in bins],
        "the panel's mean share": [f"{row['share']['value']:.2f}" for row in bins],
        "its 95 % interval": [f"{row['share']['low']:.2f} to {row['share']['high']:.2f}" for row in bins],
        "spread over images": [f"{row['spread']:.2f}" for row in bins],
    }
    (name, head), *rest = rows.items()
    lines = [f"| {name} | {' | '.join(head)} |", f"{'|---' * (len(bins) + 1)}|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(row)} |" for name, row in rest)])


def percent(value: float) -> str:
    """A share: 45.1 %."""
    return f"{100 * value:.1f} %"
