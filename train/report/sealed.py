"""Stage `sealed`: train the sealed panel and measure the bundle by it, once: these are the figures to quote.

No setting was chosen by them. Whoever changes a setting after having seen them changes the panel's seeds as well.
"""

import json
from typing import Any

import numpy as np
from torch import nn

from muddle.muddler import Muddler
from train.report import finish, measure
from train.report.report import Panel, by_digit, by_pair, make_many, panel_figures
from train.run import Run
from train.sealed_panel import KINDS, load_sealed, train_sealed
from train.stages.panel import PANEL, load_panel

FIGURES = ("split", "both_above_0.2", "top_pair", "distance")


def run_stage(run: Run) -> None:
    """Replace the report's figures by the tuning panel with those by the sealed one, and seal the bundle again."""
    train_sealed(run)
    networks = load_sealed(run)
    path = run.bundle / "report.json"
    report = json.loads(path.read_text())
    muddler = finish.unfinished(run.bundle)
    alike = Panel("sealed", [spec.name for spec in PANEL], networks[: len(PANEL)])
    found = {
        **panel_figures(run, muddler, alike),
        "panel": json.loads((run.work("sealed") / "sealed.json").read_text()),
        "other_kinds": _other_kinds(run, muddler, networks),
    }
    path.write_text(json.dumps({**report, **measure.rounded(found)}, indent=1) + "\n")
    finish.finish(run.bundle)


def _other_kinds(run: Run, muddler: Muddler, networks: list[nn.Module]) -> dict[str, Any]:
    """Figures of the muddles by digit and of those of all pairs by each classifier of another kind, by these together,
    by the whole panel, and, for comparison, by the tuning panel."""
    kinds = dict(zip(KINDS, networks[len(PANEL) :], strict=True))
    groups = {**{name: [network] for name, network in kinds.items()}, "these": [*kinds.values()], "all": networks}
    groups["tuning"] = load_panel(run)
    digits, (first, second) = by_digit(run), by_pair(run)
    drawn = {"by_digit": (digits, [None] * len(digits)), "all_pairs": (first, second.tolist())}
    found: dict[str, Any] = {}
    for name, (own, targets) in drawn.items():
        made = make_many(muddler, own, targets, np.arange(len(own)), "balanced")
        for group, members in groups.items():
            figures = measure.muddle_figures(made.images, own, made.targets, members, muddler.bundle.likeness)
            found.setdefault(group, {})[name] = {key: figures[key] for key in FIGURES}
    return found
