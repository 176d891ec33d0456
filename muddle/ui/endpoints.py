"""What programs may call: three functions, and what each argument may be. gradio's API and MCP tell it alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from muddle.arguments import EVEN, SEEDS, SOURCES, STEPS, STRATEGIES, check_labels, check_settings, integer
from muddle.errors import ArgumentError, RequestError
from muddle.recipe import Recipe
from muddle.ui import answers
from muddle.ui.answers import MAX_PICTURE
from muddle.ui.service import Service

Parameters = dict[str, dict[str, Any]]  # name -> JSON schema; without a default it is required


def parameters() -> dict[str, Parameters]:
    """The parameters of each endpoint, in the order of the function that answers it."""
    label = {"type": "integer", "minimum": 0, "maximum": 9}
    target = {
        **_or_null(label),
        "default": None,
        "examples": [9],
        "description": "The other digit it should lean to, 0 to 9 and not the digit itself; null: the class whose "
        "centroid is nearest to the source in latent space.",
    }
    settings = {
        "strategy": {
            "type": "string",
            "enum": list(STRATEGIES),
            "default": "balanced",
            "description": "balanced: searched so that the judges cannot place it. midpoint: halfway between the two "
            "latent codes. farthest: the inner step least like both images.",
        },
        "steps": {
            "type": "integer",
            "minimum": STEPS[0],
            "maximum": STEPS[-1],
            "default": 11,
            "description": f"Frames from source to partner, with both: {STEPS[0]} to {STEPS[-1]} (farthest: from 3).",
        },
        "seed": {
            "type": "integer",
            "minimum": SEEDS[0],
            "maximum": SEEDS[-1],
            "default": 0,
            "examples": [27],
            "description": f"Draws source and partners, {SEEDS[0]} to {SEEDS[-1]}: the same arguments on the same "
            "bundle give the same bytes.",
        },
    }
    balance = {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": EVEN,
        "examples": [0.3],
        "description": "The target's share of the two labels' probability that balanced looks for, 0 to 1: 0.5 is "
        "undecided, 0.1 almost surely the digit. The other strategies take 0.5 only.",
    }
    source = {
        **_or_null({"type": "integer", "minimum": 0}),
        "default": None,
        "description": "The place, from 0, of an exemplar of that digit to start from; null: the seed draws one.",
    }
    image = {
        "type": "string",
        "maxLength": MAX_PICTURE,
        "description": "One digit as PNG, JPEG, WebP, GIF or BMP, in base64 or as a data URI, at most "
        f"{MAX_PICTURE:,} characters. A grey one of 28 x 28 pixels is taken as it is, white on black and centred as "
        "MNIST's are; any other is scaled and centred so.",
    }
    seen = {**_or_null(label), "default": None, "description": "What it is, 0 to 9; null: what the judges see."}
    digit = {**label, "examples": [4], "description": "The digit to start from, 0 to 9."}
    return {
        "muddle": {"digit": digit, "target": target, **settings, "source": source, "balance": balance},
        "muddle_image": {"image": image, "digit": seen, "target": target, **settings, "balance": balance},
        "about": {},
    }


def descriptions() -> dict[str, str]:
    """What each endpoint does, for people and agents that choose one."""
    return {
        "muddle": "Makes a digit that nobody can place between two labels, and that still looks like a digit, from a "
        "real handwritten one.",
        "muddle_image": "Makes such a digit from a picture that is given.",
        "about": "Tells which weights answer here, how they were made, and how good the muddles were measured to be.",
    }


def recipe(digit: Any, target: Any = None, source: Any = None, **settings: Any) -> Recipe:
    """The recipe of /muddle's arguments, which may be anything. Raises ArgumentError."""
    digit, target = check_labels(whole(digit), whole(target))
    source = whole(source)
    if source is not None:
        source = integer("source", source, SOURCES)
    return Recipe(digit, target, source=source, **_checked(**settings))


def recipe_from(image: np.ndarray, digit: Any = None, target: Any = None, **settings: Any) -> Recipe:
    """The recipe of /muddle_image's arguments, the picture as answers.read_image gives it. Raises ArgumentError."""
    if digit is None:
        target = None if target is None else integer("target", whole(target), range(10))
    else:
        digit, target = check_labels(whole(digit), whole(target))
    return Recipe(digit, target, image=image, **_checked(**settings))


async def picture_of(service: Service, image: Any, visitor: str) -> np.ndarray:
    """A picture in base64 as a source, uint8 (28, 28), read where it disturbs nobody. Raises ArgumentError."""
    if not isinstance(image, str) or len(image) > MAX_PICTURE:
        answers.picture(image)  # says what is wrong with it
    return await service.do(answers.read_image, image, visitor=visitor)


async def about(service: Service) -> dict[str, Any]:
    """The bundle that answers, how it was made, and its measured report."""
    facts = await service.facts()
    return {name: facts[name] for name in ("bundle", "provenance", "report")}


def check_names(names: Mapping[str, Any], known: Parameters) -> None:
    """RequestError unless every name is known and what has no default is there."""
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    for name in names:
        if name not in known:
            raise RequestError("unknown-parameter", f"There is no parameter {str(name)[:40]!r}: {takes}.")
    for name, schema in known.items():
        if "default" not in schema and name not in names:
            raise RequestError("missing-parameter", f"The parameter {name!r} is missing. {schema['description']}")


def flag(name: str, value: Any) -> bool:
    """The value, when it is true or false. Raises ArgumentError."""
    if not isinstance(value, bool):
        raise ArgumentError(name, value, "give true or false")
    return value


def whole(value: Any) -> Any:
    """7.0 as 7, which is what JavaScript may have meant; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _checked(*, steps: Any = 11, seed: Any = 0, strategy: Any = "balanced", balance: Any = EVEN) -> dict[str, Any]:
    steps, seed = whole(steps), whole(seed)
    check_settings(seed, steps, strategy, balance)
    return {"steps": steps, "seed": seed, "strategy": strategy, "balance": float(balance)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": [{"type": "null"}, schema]}
