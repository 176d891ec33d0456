"""Stage `report`: measure every strategy and every pair with the panel, write report.json, card and pictures, seal."""

import json
import platform
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from muddle import __version__
from muddle.arguments import STRATEGIES
from muddle.bundle.files import FORMAT, update_config
from muddle.muddler import Batch, Muddler, joined
from muddle.images.pixels import to_unit
from train import finish, measure, sheets
from train.data import Digits
from train.job import Job
from train.loop import in_batches
from train.panel import PANEL, load_panel, opinions

PAIRS = [(a, b) for a in range(10) for b in range(10) if a != b]


def run(job: Job) -> None:
    """Writes the bundle's report.json and README.md, the pictures beside it, and the hashes that make it whole."""
    provenance(job)
    (job.bundle / "report.json").write_text("{}\n")
    muddler = finish.unfinished(job.bundle)  # a whole bundle, to be measured as it is loaded
    panel = load_panel(job)
    report = _rounded({**_training(job, muddler), **_muddles(job, muddler, panel), **_real(job, muddler, panel)})
    (job.bundle / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    finish.finish(job.bundle)


def provenance(job: Job) -> None:
    """Writes into the config what the bundle was made from and with."""
    update_config(
        job.bundle,
        format=FORMAT,
        provenance={
            "data": job.source,
            "seed": job.seed,
            "plan": vars(job.plan),
            "version": __version__,
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
        },
    )


def _muddles(job: Job, muddler: Muddler, panel: list[nn.Module]) -> dict[str, Any]:
    """The tables of strategies and of pairs, and their pictures."""
    digits = np.repeat(np.arange(10), job.plan.muddles_per_digit)
    seeds = np.arange(len(digits))
    strategies, likeness = {}, muddler.bundle.likeness
    for strategy in STRATEGIES:
        made = many(muddler, digits, [None] * len(digits), seeds, strategy)
        strategies[strategy] = {
            **measure.figures(made.images, digits, made.targets, panel, likeness),
            "descent": measure.descent(muddler, made.images, made.sources),
        }
        sheets.sheet(made.images[contact_sheet(digits)], job.work("report") / f"{strategy}.png", columns=10)
        if strategy == "balanced":
            _doubtful(job, muddler, panel, made)
    ends = measure.farthest_ends(muddler, digits, made.targets)
    first, second = np.array(PAIRS).repeat(job.plan.muddles_per_pair, 0).T
    made = many(muddler, first, second.tolist(), np.arange(len(first)), "balanced")
    pairs = {}
    for a, b in PAIRS:
        here = (first == a) & (second == b)
        found = measure.figures(made.images[here], first[here], second[here], panel, likeness)
        pairs[f"{a}-{b}"] = {key: found[key]["value"] for key in ("split", "both_above_0.2", "top_pair", "grey_share")}
    for key, title in (("both_above_0.2", "both above 0.2"), ("split", "split: both above 0.4")):
        table = np.full((10, 10), np.nan)
        for (a, b), values in zip(PAIRS, pairs.values(), strict=True):
            table[a, b] = values[key]
        sheets.pair_table(table, f"{title}, % of muddles", job.work("report") / f"pairs-{key}.png")
    all_pairs = measure.figures(made.images, first, second, panel, likeness)
    return {"strategies": strategies, "all_pairs": all_pairs, "pairs": pairs, "farthest_on_whole_paths": ends}


def many(muddler: Muddler, digits: np.ndarray, targets: list, seeds: np.ndarray, strategy: str) -> Batch:
    """muddle_many with a progress bar."""
    parts = []
    for place in tqdm(np.array_split(np.arange(len(digits)), max(1, len(digits) // 50)), desc=f"make {strategy}"):
        some = [targets[i] for i in place]
        parts.append(
            muddler.muddle_many(digits[place].tolist(), some, seeds[place].tolist(), strategy=strategy, steps=21)
        )
    return joined(parts)


def contact_sheet(digits: np.ndarray) -> np.ndarray:
    """The first 10 muddles of each digit: by seed, not by hand. int64 (100,) or fewer."""
    return np.concatenate([np.flatnonzero(digits == digit)[:10] for digit in range(10)])


def _doubtful(job: Job, muddler: Muddler, panel: list[nn.Module], made: Batch) -> None:
    """Where classifiers and eyes may part: muddles the panel's members fight over, and the least like digits."""
    apart = measure.panel_disagreement(made.images, panel).argsort(descending=True)[:20].numpy()
    unit = to_unit(torch.from_numpy(made.images))
    with torch.inference_mode():
        unlike = muddler.bundle.likeness(unit).argsort()[:20].numpy()
    sheets.sheet(made.images[apart], job.work("report") / "panel-apart.png", columns=10)
    sheets.sheet(made.images[unlike], job.work("report") / "least-likely.png", columns=10)


def _training(job: Job, muddler: Muddler) -> dict[str, Any]:
    """What the stages measured of themselves, and the bundle as loaded on the test images."""
    test: Digits = job.digits(train=False)
    with torch.inference_mode():
        codes = in_batches(lambda part: muddler.bundle.autoencoder.encode(to_unit(part)), test.images)
    variance = codes.var(0)
    read = {name: json.loads((job.work(name) / file).read_text()) for name, file in STAGE_FILES.items()}
    called = read["exemplars"].pop("labelled_and_called")
    return {
        "data": {"source": job.source, "test_images": len(test)},
        "autoencoder": {
            "test_mse": measure.decoded_error(muddler, test.images),
            "axis_variance_ratio": (variance.min() / variance.max()).item(),
        },
        "assumptions": measure.assumptions(muddler, codes, test.labels, test.images),
        "judges": read["judge"]["judges"],
        "teachers": read["judge"]["teachers"],
        "panel": read["panel"],
        "likeness": read["likeness"],
        "surrogate": read["surrogate"],
        "exemplars": {**read["exemplars"], "dropped_labelled_and_called": called},
    }


STAGE_FILES = {
    "judge": "judges.json",
    "panel": "panel.json",
    "likeness": "likeness.json",
    "surrogate": "surrogate.json",
    "exemplars": "exemplars.json",
}


def _real(job: Job, muddler: Muddler, panel: list[nn.Module]) -> dict[str, Any]:
    """The same figures for real test digits: the two likeliest classes stand in for an intended pair."""
    test = job.digits(train=False)
    top: Tensor = opinions(panel, test.images).mean(0).topk(2, dim=1).indices
    found = measure.figures(test.images.numpy(), top[:, 0].numpy(), top[:, 1].numpy(), panel, muddler.bundle.likeness)
    kept = ("count", "split", "both_above_0.2", "grey_share", "likely_digit", "entropy_bits")
    return {"real_test_digits": {key: found[key] for key in kept}, "panel_members": [m.name for m in PANEL]}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
