"""What the page is answered: from what a visitor chose, drew or clicked to what a component draws. Holds no state."""

import base64
import dataclasses
import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from muddle.drawing import prepare
from muddle.errors import ArgumentError, MuddleError
from muddle.pipeline import Muddler, check_image
from muddle.present import for_page, project, share_link, text_of
from muddle.recipe import Recipe, parse, whole
from muddle.render import read as read_picture

MAX_PICTURE = 7_000_000  # characters of base64, a file of about 5 MB


def shown(muddler: Muddler, recipe: Recipe, note: str = "") -> dict[str, Any]:
    """What the result view draws. Raises ArgumentError."""
    m = recipe.make(muddler)
    answer = for_page(m, muddler)
    return {**answer, "link": share_link(answer["query"]), "given": m.source_index is None, "note": note}


def opened(muddler: Muddler, fields: Mapping[str, str]) -> tuple[Recipe, dict[str, Any]]:
    """What a link shows: its recipe as far as it can be read, the result, and in it a note on what could not."""
    recipe, wrong = parse(fields)
    try:
        answer = shown(muddler, recipe)
    except ArgumentError as error:  # readable, but not of this bundle: an exemplar that is another digit here
        wrong.append(error)
        recipe = dataclasses.replace(recipe, source=None)
        answer = shown(muddler, recipe)
    notes = []
    if wrong:
        reasons = " ".join(str(error) for error in wrong)
        notes.append(f"Part of the link could not be read, so the usual value is shown instead. {reasons}")
    made_with = fields.get("v", muddler.version)
    if made_with != muddler.version:
        notes.append(
            f"This link was made with another version ({made_with[:20]}; this is {muddler.version}), "
            "so the picture may differ from the one that was shared."
        )
    return recipe, {**answer, "note": " ".join(notes)}


def new_seed() -> int:
    """A seed that has probably not been seen before."""
    return random.randrange(1_000_000)


def drawing(value: str | None) -> np.ndarray:
    """The drawing pad's value as uint8 (28, 28). Raises ArgumentError."""
    if not value:
        raise MuddleError("Draw a digit or upload a photo first.")
    try:
        image = np.frombuffer(base64.b64decode(value, validate=True), np.uint8).reshape(28, 28)
    except (ValueError, TypeError) as error:
        raise ArgumentError("image", str(value)[:20], "it must be 28 x 28 grey levels in base64") from error
    check_image(image)
    return image


def picture(text: object) -> np.ndarray:
    """Pixels of a picture in base64, with or without a data URI's head: uint8 (H, W[, C]). Raises ArgumentError."""
    if not isinstance(text, str) or len(text) > MAX_PICTURE:
        wanted = f"send a picture in base64, at most {MAX_PICTURE:,} characters"
        raise ArgumentError("image", f"of type {type(text).__name__}", wanted)
    try:
        data = base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except ValueError as error:  # not base64, or not even letters that could be
        raise ArgumentError("image", text[:20], "send a picture in base64 or as a data URI") from error
    return read_picture(data)


def look(muddler: Muddler, sent: object) -> dict[str, Any]:
    """What the network and the judges see in a picture in base64; or {"error": a sentence}."""
    try:
        image = prepare(picture(sent))
    except MuddleError as error:
        return {"error": str(error)}
    opinion = muddler.judge(image)
    digit = int(opinion.argmax())
    return {"pixels": text_of(image), "digit": digit, "share": float(opinion[digit])}


def row(muddler: Muddler, asked: object) -> dict[str, Any]:
    """One row of the table of all pairs: {digit, seed} -> the source and nine muddles; or {"error": a sentence}."""
    try:
        if not isinstance(asked, dict):
            raise ArgumentError("row", asked, "ask for a digit and a seed")
        digit, seed = whole("digit", str(asked.get("digit")), range(10)), whole("seed", str(asked.get("seed")))
        targets = [t for t in range(10) if t != digit]
        batch = muddler.muddle_many([digit] * 9, targets, [seed] * 9)
    except MuddleError as error:
        return {"error": str(error)}
    cells = [
        {
            "target": target,
            "pixels": text_of(image),
            "p_digit": round(float(label[digit]), 4),
            "p_target": round(float(label[target]), 4),
        }
        for target, image, label in zip(targets, batch.images, batch.soft_labels, strict=True)
    ]
    source = muddler.bundle.exemplars.images[int(batch.sources[0])].numpy()
    return {"source": text_of(source), "cells": cells}


def riddle(muddler: Muddler) -> dict[str, Any]:
    """A muddle to guess, of any digit and the class that its latent space names, and what the judges think of it."""
    digit, seed = random.randrange(10), new_seed()
    batch = muddler.muddle_many([digit], [None], [seed])
    return {
        "pixels": text_of(batch.images[0]),
        "digit": digit,
        "target": int(batch.targets[0]),
        "seed": seed,
        "soft_label": batch.soft_labels[0].round(4).tolist(),
    }


def map_points(muddler: Muddler) -> dict[str, Any]:
    """The latent map's ground: float32 (N, 2) places and uint8 (N,) labels of the exemplars, base64; the centroids."""
    exemplars = muddler.bundle.exemplars
    places = np.array(project(exemplars.codes.numpy(), muddler), np.float32)
    return {
        "places": text_of(places),
        "labels": text_of(exemplars.labels.numpy().astype(np.uint8)),
        "centroids": project(muddler.centroids, muddler),
    }
