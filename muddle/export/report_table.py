"""Write a report's figures as a Markdown table: the same in README, model card and page."""

from typing import Any

ROWS = (
    ("split", "split: both intended classes above 0.4", "share"),
    ("both_above_0.2", "both above 0.2", "share"),
    ("top_pair", "top-pair: the two likeliest are the intended two", "share"),
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
    heading = f"{strategies['balanced']['count']:,} muddles, {len(report['panel'])} held-out classifiers"
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
    """The panel's members one by one on the muddles of all pairs, and their mean, as a Markdown table.

    A mean is undecided also where its members are certain of different digits; each alone is so less often.
    """
    figures, count = report["all_pairs"], report["all_pairs"]["count"]
    columns = {"both above 0.2": "both_above_0.2", "both above 0.4": "split", "top-pair": "top_pair"}
    lines = [f"| {count:,} muddles of all 90 pairs | {' | '.join(columns)} |", f"{'|---' * (len(columns) + 1)}|"]
    for place, name in enumerate(report["panel_members"]):
        shares = (figures["members"][key][place] for key in columns.values())
        lines.append(f"| {name} alone | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")
    mean = (interval(figures[key], "share") for key in columns.values())
    return "\n".join([*lines, f"| **their mean** | {' | '.join(mean)} |"])
