"""What the page is answered: from what a visitor chose, drew or clicked to what a component draws. Holds no state."""

import base64
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from muddle.arguments import check_image
from muddle.images.preprocess import prepare
from muddle.errors import ArgumentError, MuddleError
from muddle.export.serialize import for_page, project, share_link, text_of
from muddle.recipe import Recipe, parse, whole
from muddle.images.codecs import png, tiled
from muddle.images.codecs import read as read_picture

if TYPE_CHECKING:
    from muddle.muddler import Muddle, Muddler

SHEET_COLUMNS = 50  # of the exemplars' sheet, as web/map.js cuts it
MAX_PICTURE = 7_000_000  # characters of base64, a file of about 5 MB


def shown(m: "Muddle", muddler: "Muddler") -> dict[str, Any]:
    """What the result view draws, but for a note."""
    answer = for_page(m, muddler)
    return {**answer, "link": share_link(answer["query"]), "given": m.source_index is None}


def understood(fields: Mapping[str, str], version: str) -> tuple[Recipe, list[str]]:
    """What a link asks for, as far as it can be read here, and sentences on what cannot."""
    recipe, wrong = parse(fields)
    notes = [unread(*wrong)] if wrong else []
    made_with = fields.get("v", version)
    if made_with != version:
        notes.append(
            f"This link was made with another version ({made_with[:20]}; this is {version}), "
            "so the picture may differ from the one that was shared."
        )
    return recipe, notes


def unread(*wrong: MuddleError) -> str:
    """A sentence on what is wrong with a link."""
    reasons = " ".join(str(error) for error in wrong)
    return f"Part of the link could not be read, so the usual value is shown instead. {reasons}"


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


def read_image(_: "Muddler", text: object) -> np.ndarray:
    """A picture in base64 as an image that can be a source, uint8 (28, 28). Raises ArgumentError."""
    given = picture(text)
    return given if given.shape == (28, 28) else prepare(given)


def look(muddler: "Muddler", sent: object) -> dict[str, Any]:
    """What the network and the judges see in a picture in base64. Raises ArgumentError."""
    image = prepare(picture(sent))
    opinion = muddler.judge(image)
    digit = int(opinion.argmax())
    return {"pixels": text_of(image), "digit": digit, "share": float(opinion[digit])}


def asked_row(asked: object) -> tuple[int, int]:
    """The digit and the seed that a row of the table of all pairs is asked for with. Raises ArgumentError."""
    if not isinstance(asked, dict):
        raise ArgumentError("row", asked, "ask for a digit and a seed")
    return whole("digit", str(asked.get("digit")), range(10)), whole("seed", str(asked.get("seed")))


def row(muddler: "Muddler", digit: int, seed: int) -> dict[str, Any]:
    """One row of the table of all pairs: the source and nine muddles."""
    targets = [t for t in range(10) if t != digit]
    batch = muddler.muddle_many([digit] * 9, targets, [seed] * 9)
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


def new_riddle() -> Recipe:
    """A recipe of any digit and the class that its latent space names."""
    return Recipe(random.randrange(10), None, new_seed(), steps=2)


def riddle(m: "Muddle", _: "Muddler") -> dict[str, Any]:
    """A muddle to guess, and what the judges think of it."""
    return {
        "pixels": text_of(m.image),
        "digit": m.digit,
        "target": m.target,
        "seed": m.seed,
        "soft_label": m.soft_label.round(4).tolist(),
    }


def map_points(muddler: "Muddler") -> dict[str, Any]:
    """The latent map's ground: float32 (N, 2) places and uint8 (N,) labels of the exemplars, base64; the centroids."""
    exemplars = muddler.bundle.exemplars
    places = np.array(project(exemplars.codes.numpy(), muddler), np.float32)
    return {
        "places": text_of(places),
        "labels": text_of(exemplars.labels.numpy().astype(np.uint8)),
        "centroids": project(muddler.centroids, muddler),
    }


def exemplar_sheet(muddler: "Muddler") -> bytes:
    """All exemplars in one PNG, side by side in rows of SHEET_COLUMNS."""
    return png(tiled(muddler.bundle.exemplars.images.numpy(), SHEET_COLUMNS, gap=0))
