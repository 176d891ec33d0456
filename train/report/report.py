"""Stage `report`: measure every strategy and every pair, write report.json, card and pictures, seal.

By the tuning panel: its figures guide whoever changes the search. Those to quote come from the stage `sealed`.
"""

import json
import platform
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from muddle import __version__
from muddle.bundle.files import FORMAT, update_config
from muddle.dataset.spec import PAIRS
from muddle.images.pixels import to_unit
from muddle.muddler import Muddler
from muddle.recipe import EVEN, STRATEGIES
from muddle.result import Batch, concatenate
from train import sheets
from train.data import Digits
from train.loop import in_batches
from train.report import finish, measure
from train.report.people import turk_figures
from train.run import Run
from train.stages.panel import PANEL, load_panel, panel_probabilities

STAGE_FILES = {  # where the stages left their own measurements, in the folders of their names
    "judge": "judges.json",
    "panel": "panel.json",
    "likeness": "likeness.json",
    "surrogate": "surrogate.json",
    "student": "student.json",
    "exemplars": "exemplars.json",
    "inverse": "inverse.json",
}


def run_stage(run: Run) -> None:
    """Write the bundle's report.json and README.md, the pictures of the report, and the hashes that seal the bundle."""
    write_provenance(run)
    (run.bundle / "report.json").write_text("{}\n")
    muddler = finish.unfinished(run.bundle)  # it measures the bundle as users load it
    panel = Panel("tuning", [spec.name for spec in PANEL], load_panel(run))
    report = measure.rounded({**_training(run, muddler), **panel_figures(run, muddler, panel)})
    (run.bundle / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    if run.source == "mnist":
        add_people(run)
    finish.finish(run.bundle)


def add_people(run: Run) -> None:
    """Add to the bundle's report how well its judges predict people."""
    path = run.bundle / "report.json"
    report = json.loads(path.read_text())
    found = turk_figures(finish.unfinished(run.bundle), run.digits(train=False))
    report["people"] = measure.rounded(found)
    path.write_text(json.dumps(report, indent=1) + "\n")


def write_provenance(run: Run) -> None:
    """Write into the config from which data the bundle was made, how large the run was, and with which versions."""
    update_config(
        run.bundle,
        format=FORMAT,
        provenance={
            "data": run.source,
            "seed": run.seed,
            "plan": vars(run.size),
            "version": __version__,
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
        },
    )


class Panel(NamedTuple):
    """The classifiers by which muddles are measured."""

    name: str  # "tuning" or "sealed"
    members: list[str]
    networks: list[nn.Module]


def panel_figures(run: Run, muddler: Muddler, panel: Panel) -> dict[str, Any]:
    """What a panel says of muddles and of real test digits; also draws the pictures of the report."""
    measured = {"measured_by": panel.name, "panel_members": panel.members}
    return {**measured, **_muddles(run, muddler, panel.networks), **_real(run, muddler, panel.networks)}


def _muddles(run: Run, muddler: Muddler, panel: list[nn.Module]) -> dict[str, Any]:
    """The tables of strategies and of pairs, and their pictures."""
    digits = by_digit(run)
    seeds = np.arange(len(digits))
    strategies, likeness = {}, muddler.bundle.likeness
    for strategy in STRATEGIES:
        made = make_many(muddler, digits, [None] * len(digits), seeds, strategy)
        strategies[strategy] = {
            **measure.muddle_figures(made.images, digits, made.targets, panel, likeness),
            "descent": measure.source_resemblance(muddler, made.images, made.sources),
        }
        sheets.sheet(made.images[contact_sheet(digits)], run.work("report") / f"{strategy}.png", columns=10)
        if strategy == "balanced":
            boldness = measure.boldness(muddler, made.images, digits, made.targets)
            _draw_doubtful(run, muddler, panel, made)
    ends = measure.farthest_ends(muddler, digits, made.targets)
    first, second = by_pair(run)
    made = make_many(muddler, first, second.tolist(), np.arange(len(first)), "balanced")
    pairs = {}
    for a, b in PAIRS:
        here = (first == a) & (second == b)
        figures = measure.muddle_figures(made.images[here], first[here], second[here], panel, likeness)
        pairs[f"{a}-{b}"] = {
            key: figures[key]["value"] for key in ("split", "both_above_0.2", "top_pair", "grey_share")
        }
    for key, title in (("both_above_0.2", "both above 0.2"), ("split", "split: both above 0.4")):
        table = np.full((10, 10), np.nan)
        for (a, b), values in zip(PAIRS, pairs.values(), strict=True):
            table[a, b] = values[key]
        sheets.pair_table(table, f"{title}, % of muddles", run.work("report") / f"pairs-{key}.png")
    all_pairs = measure.muddle_figures(made.images, first, second, panel, likeness)
    tells = measure.tells(made.images, run.digits(train=False).images.numpy())
    return {
        "strategies": strategies,
        "all_pairs": all_pairs,
        "pairs": pairs,
        "tells": tells,
        "boldness": boldness,
        "balance": _balance(run, muddler, panel),
        "farthest_on_whole_paths": ends,
    }


def _balance(run: Run, muddler: Muddler, panel: list[nn.Module]) -> list[dict[str, Any]]:
    """The balance that was asked for against the panel's share, of muddles of all pairs, and a picture of it."""
    count = 10 * run.size.muddles_per_pair * 4
    first, second = np.array(PAIRS)[np.arange(count) * 7 % len(PAIRS)].T
    balances = (np.arange(count) + 0.5) / count
    made = make_many(muddler, first, second.tolist(), np.arange(count), "balanced", balances)
    each = panel_probabilities(panel, torch.from_numpy(made.images))
    ends = torch.from_numpy(first), torch.from_numpy(second)
    shares = measure.target_shares(each.mean(0), *ends).numpy()
    members = np.stack([measure.target_shares(one, *ends).numpy() for one in each])
    bins = measure.balance_bins(balances, shares, members)
    sheets.balance_curve(balances, shares, bins, run.work("report") / "balance.png")
    return bins


def by_digit(run: Run) -> np.ndarray:
    """The digits of the muddles of every strategy: int64 (N,)."""
    return np.repeat(np.arange(10), run.size.muddles_per_digit)


def by_pair(run: Run) -> np.ndarray:
    """The digits and the targets of the muddles of all pairs: int64 (2, N)."""
    return np.array(PAIRS).repeat(run.size.muddles_per_pair, 0).T


def make_many(
    muddler: Muddler,
    digits: np.ndarray,
    targets: list,
    seeds: np.ndarray,
    strategy: str,
    balances: np.ndarray | None = None,
) -> Batch:
    """Muddler.muddle_many with a progress bar."""
    balances = np.full(len(digits), EVEN) if balances is None else balances
    parts = []
    for rows in tqdm(np.array_split(np.arange(len(digits)), max(1, len(digits) // 50)), desc=f"make {strategy}"):
        columns = digits[rows].tolist(), [targets[i] for i in rows], seeds[rows].tolist()
        parts.append(muddler.muddle_many(*columns, strategy=strategy, steps=21, balances=balances[rows].tolist()))
    return concatenate(parts)


def contact_sheet(digits: np.ndarray) -> np.ndarray:
    """The first 10 muddles of each digit: by seed, not by hand. int64 (100,) or fewer."""
    return np.concatenate([np.flatnonzero(digits == digit)[:10] for digit in range(10)])


def _draw_doubtful(run: Run, muddler: Muddler, panel: list[nn.Module], made: Batch) -> None:
    """Draw the muddles on which classifiers and eyes may part: disputed by the panel, and least like digits."""
    apart = measure.panel_disagreement(made.images, panel).argsort(descending=True)[:20].numpy()
    unit = to_unit(torch.from_numpy(made.images))
    with torch.inference_mode():
        unlike = muddler.bundle.likeness(unit).argsort()[:20].numpy()
    sheets.sheet(made.images[apart], run.work("report") / "panel-apart.png", columns=10)
    sheets.sheet(made.images[unlike], run.work("report") / "least-likely.png", columns=10)


def _training(run: Run, muddler: Muddler) -> dict[str, Any]:
    """The stages' own measurements, and those of the loaded bundle on the test images."""
    test: Digits = run.digits(train=False)
    with torch.inference_mode():
        codes = in_batches(lambda part: muddler.bundle.autoencoder.encode(to_unit(part)), test.images)
    variance = codes.var(0)
    stages = {name: json.loads((run.work(name) / file).read_text()) for name, file in STAGE_FILES.items()}
    called = stages["exemplars"].pop("labelled_and_called")
    return {
        "data": {"source": run.source, "test_images": len(test)},
        "autoencoder": {
            "test_mse": measure.decoded_error(muddler, test.images),
            "axis_variance_ratio": (variance.min() / variance.max()).item(),
        },
        "assumptions": measure.assumptions(muddler, codes, test.labels, test.images),
        "judges": stages["judge"]["judges"],
        "teachers": stages["judge"]["teachers"],
        "panel": stages["panel"],
        "likeness": stages["likeness"],
        "surrogate": stages["surrogate"],
        "student": stages["student"],
        "atlas": stages["inverse"],
        "exemplars": {**stages["exemplars"], "dropped_labelled_and_called": called},
    }


def _real(run: Run, muddler: Muddler, panel: list[nn.Module]) -> dict[str, Any]:
    """The same figures for real test digits: the two likeliest classes stand in for an intended pair."""
    test = run.digits(train=False)
    top: Tensor = panel_probabilities(panel, test.images).mean(0).topk(2, dim=1).indices
    pair, likeness = top.numpy().T, muddler.bundle.likeness
    figures = measure.muddle_figures(test.images.numpy(), *pair, panel, likeness)
    kept = ("count", "split", "both_above_0.2", "grey_share", "likely_digit", "entropy_bits", "members")
    return {"real_test_digits": {key: figures[key] for key in kept}}
