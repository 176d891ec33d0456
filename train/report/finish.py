"""Finish a bundle: add a muddle to verify copies by, the model card, and the hashes that seal it."""

import hashlib
import json
from pathlib import Path

from muddle.bundle.files import load_bundle, seal, update_config
from muddle.muddler import Muddler
from muddle.recipe import Recipe
from train.report.card import model_card

SAMPLE = Recipe(digit=4, target=9, seed=27)


def unfinished(folder: Path) -> Muddler:
    """A Muddler on a bundle that has everything but its card and its sample, which are emptied."""
    (folder / "README.md").write_text("\n")
    update_config(folder, sample=None)
    seal(folder)
    return Muddler(load_bundle(folder))


def finish(folder: Path, repo: str | None = None) -> Muddler:
    """Write the sample, the card (for a repository of that name) and the hashes; returns a Muddler on the result."""
    pixels = unfinished(folder).make([SAMPLE])[0].image.tobytes()
    update_config(folder, sample={"query": SAMPLE.query(), "sha256": hashlib.sha256(pixels).hexdigest()})
    config = json.loads((folder / "config.json").read_text())
    report = json.loads((folder / "report.json").read_text())
    (folder / "README.md").write_text(model_card(report, config, repo))
    seal(folder)
    return Muddler(load_bundle(folder))
