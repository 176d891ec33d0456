"""Finish a bundle: add a muddle to verify copies by, the model card, and the hashes that seal it."""

import hashlib
from pathlib import Path

from muddle.bundle.files import CARD, load_bundle, seal, update_config
from muddle.muddler import Muddler
from muddle.recipe import Recipe
from train.report.card import model_card

SAMPLE = Recipe(digit=4, target=9, seed=27)


def unfinished(folder: Path) -> Muddler:
    """A Muddler on a bundle that has everything but its sample, which is emptied."""
    update_config(folder, sample=None)
    seal(folder)
    return Muddler(load_bundle(folder))


def finish(folder: Path) -> Muddler:
    """Write the sample, the hashes and the card that ships with the code; returns a Muddler on the result."""
    pixels = unfinished(folder).make([SAMPLE])[0].image.tobytes()
    update_config(folder, sample={"query": SAMPLE.query(), "sha256": hashlib.sha256(pixels).hexdigest()})
    seal(folder)
    bundle = load_bundle(folder)
    (folder / CARD).write_text(model_card(bundle))
    return Muddler(bundle)
