"""Stage `report`: measure every strategy and every pair with the panel, write report.json, card and pictures, seal."""

import json
import platform
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from muddle import __version__
from muddle.bundle.files import FORMAT, update_config
from muddle.dataset.spec import PAIRS
from muddle.images.pixels import to_unit
from muddle.muddler import Muddler
from muddle.recipe import STRATEGIES
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
    "exemplars": "exemplars.json",
    "inverse": "inverse.json",
}


def run_stage(run: Run) -> None:
    """Write the bundle's report.json and README.md, the pictures of the report, and the hashes that seal the bundle."""
    write_provenance(run)
    (run.bundle / "report.json").write_text("{}\n")
    muddler = finish.unfinished(run.bundle)  # it measures the bundle as users load it
    panel = load_panel(run)
    report = measure.rounded({**_training(run, muddler), **_muddles(run, muddler, panel), **_real(run, muddler, panel)})
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


def _muddles(run: Run, muddler: Muddler, panel: list[nn.Module]) -> dict[str, Any]:
    """The tables of strategies and of pairs, and their pictures."""
    digits = np.repeat(np.arange(10), run.size.muddles_per_digit)
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
            _draw_doubtful(run, muddler, panel, made)
    ends = measure.farthest_ends(muddler, digits, made.targets)
    first, second = np.array(PAIRS).repeat(run.size.muddles_per_pair, 0).T
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
        "farthest_on_whole_paths": ends,
    }


def make_many(muddler: Muddler, digits: np.ndarray, targets: list, seeds: np.ndarray, strategy: str) -> Batch:
    """Muddler.muddle_many with a progress bar."""
    parts = []
    for rows in tqdm(np.array_split(np.arange(len(digits)), max(1, len(digits) // 50)), desc=f"make {strategy}"):
        columns = digits[rows].tolist(), [targets[i] for i in rows], seeds[rows].tolist()
        parts.append(muddler.muddle_many(*columns, strategy=strategy, steps=21))
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
    return {"real_test_digits": {key: figures[key] for key in kept}, "panel_members": [spec.name for spec in PANEL]}
