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


def result_table(report: dict[str, Any]) -> str:
    """The strategies side by side."""
    strategies = report["strategies"]
    count = strategies["balanced"]["count"]
    members = len(report["panel"])
    grey = f"{report['real_test_digits']['grey_share']['value']:.3f}"
    lines = [
        f"| {count:,} muddles, {members} held-out classifiers | "
        + " | ".join(f"`{name}`" for name in strategies)
        + " |",
        "|---|" + "---|" * len(strategies),
    ]
    for key, text, kind in ROWS:
        cells = " | ".join(interval(found[key], kind) for found in strategies.values())
        lines.append(f"| {text.format(grey=grey)} | {cells} |")
    descent = " | ".join(interval(found["descent"]["by_code"], "share") for found in strategies.values())
    lines.append(f"| nearer to its own source than to a random one of that digit | {descent} |")
    return "\n".join(lines)
