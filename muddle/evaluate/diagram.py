"""The reliability diagram of an evaluation as one SVG file, after DeGroot and Fienberg (1983)."""

from html import escape

from muddle.evaluate.calibration import Evaluation

SIDE = 300  # of the plot, in the picture's units
LEFT, TOP, RIGHT, BOTTOM = 46, 64, 14, 40
TICKS = (0, 0.25, 0.5, 0.75, 1)
STYLE = """
.paper{fill:#fff}.ink{fill:#1f2328}.faint{fill:#59636e}.line{stroke:#59636e;fill:none}
.bar{fill:#4059ad}.gap{fill:#d1495b;fill-opacity:.35;stroke:#d1495b}
text{font-family:system-ui,sans-serif;font-size:11px}.small{font-size:8px}.head{font-size:13px;font-weight:600}
@media(prefers-color-scheme:dark){
.paper{fill:#16181d}.ink{fill:#e6e8eb}.faint{fill:#a3abb5}.line{stroke:#a3abb5}
.bar{fill:#8fa3f0}.gap{fill:#ff8a96;stroke:#ff8a96}}
"""


def diagram(evaluation: Evaluation, name: str) -> str:
    """An SVG file's text, for light and dark pages: the mean correctness of each bin of confidence, as a bar.

    The bars of a calibrated classifier end on the diagonal; the red piece is the gap to the mean confidence. The number
    above each bin counts its images.
    """
    title = escape("".join(c if c.isprintable() else " " for c in name))
    error, overconfidence = f"{evaluation.calibration_error:.3f}", f"{evaluation.overconfidence:.3f}"
    figures = f"calibration error {error}, overconfidence {overconfidence}"
    parts = [f'<rect class="paper" width="{LEFT + SIDE + RIGHT}" height="{TOP + SIDE + BOTTOM}" rx="6"/>']
    parts += [_text(LEFT, 20, title, "ink head"), _text(LEFT, 36, f"{evaluation.count:,} images, {figures}", "faint")]
    parts.append(_text(LEFT - 5, TOP - 5, "images", "faint small", "end"))
    for b in evaluation.bins:
        if b.count:
            parts.append(_bar(b.low, b.high, 0, b.correctness, "bar", f"{b.count} images, {b.correctness:.3f}"))
            low, high = sorted((b.correctness, b.confidence))
            parts.append(_bar(b.low, b.high, low, high, "gap", f"confidence {b.confidence:.3f}"))
            parts.append(_text(_x((b.low + b.high) / 2), TOP - 5, _short(b.count), "faint small", "middle"))
    parts.append(f'<path class="line" stroke-dasharray="4 3" d="M{_x(0):g} {_y(0):g}L{_x(1):g} {_y(1):g}"/>')
    parts.append(f'<path class="line" d="M{_x(0):g} {_y(1):g}V{_y(0):g}H{_x(1):g}"/>')
    for tick in TICKS:
        parts.append(_text(_x(tick), _y(0) + 14, f"{tick:g}", "faint", "middle"))
        parts.append(_text(_x(0) - 5, _y(tick) + 4, f"{tick:g}", "faint", "end"))
    parts.append(_text(_x(0.5), _y(0) + 30, "confidence", "ink", "middle"))
    turned = f' transform="rotate(-90 12 {_y(0.5):g})"'
    parts.append(_text(12, _y(0.5), "soft label&#8217;s probability of the guess", "ink", "middle", turned))
    box = f"0 0 {LEFT + SIDE + RIGHT} {TOP + SIDE + BOTTOM}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{box.split()[2]}" height="{box.split()[3]}" '
        f'role="img"><title>Reliability diagram of {title}: {figures}</title><style>{STYLE}</style>'
        + "\n".join(parts)
        + "</svg>\n"
    )


def _x(share: float) -> float:
    return LEFT + SIDE * share


def _y(share: float) -> float:
    return TOP + SIDE * (1 - share)


def _bar(left: float, right: float, low: float, high: float, kind: str, tip: str) -> str:
    width, height = SIDE * (right - left) - 1, SIDE * (high - low)
    corner = f'x="{_x(left) + 0.5:.1f}" y="{_y(high):.1f}"'
    return f'<rect class="{kind}" {corner} width="{width:.1f}" height="{height:.1f}"><title>{tip}</title></rect>'


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start", more: str = "") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>{text}</text>'


def _short(count: int) -> str:
    """At most four characters, which is what fits above a bin: 950, 1.2k, 12k, 1.2M."""
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 10 * size else f"{count // size}{unit}"
    return str(count)
