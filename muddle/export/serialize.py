"""Describe a muddle in words and in JSON, for the page, the API and the command line."""

import base64
import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from muddle.images.codecs import png
from muddle.recipe import PARAMETERS, Recipe
from muddle.result import Morph, Muddle, Origin

LIKE_A_DIGIT = 5  # percentile of real digits above which an image is said to look like a digit
HARD_TO_TELL = 0.9  # bits: the entropy of a choice of 68 to 32
BETWEEN_TWO = 0.4  # probability that each of the two labels gets
TAGLINE = "Handwriting that ten neural networks cannot agree on. Can you?"
WORTH_A_WORD = 0.05  # probability of all other labels together
A_QUESTION = 0.2  # probability of the lesser label from which on there is one
NBSP = "\u00a0"  # a space at which no line breaks


def criteria(m: Muddle) -> list[tuple[str, bool, str, str]]:
    """The author's three criteria of a good output: its name, whether it is met, the figure, and what it takes."""
    digit, target, entropy, likeness = m.scores.p_digit, m.scores.p_target, m.scores.entropy, m.scores.likeness
    return [
        (
            "hard to tell",
            entropy >= HARD_TO_TELL,
            f"{_beside(entropy, HARD_TO_TELL, 1)} bits of doubt",
            f"A fair coin has 1 bit, and it takes {HARD_TO_TELL}",
        ),
        (
            "still a digit",
            likeness >= LIKE_A_DIGIT,
            f"more than {_beside(likeness, LIKE_A_DIGIT)}{NBSP}% of real digits",
            f"It takes more than {LIKE_A_DIGIT}{NBSP}%",
        ),
        (
            "torn between two",
            min(digit, target) > BETWEEN_TWO,
            f"{_beside(100 * digit, 100 * BETWEEN_TWO)} and {_beside(100 * target, 100 * BETWEEN_TWO)}{NBSP}%",
            f"It takes more than {100 * BETWEEN_TWO:.0f}{NBSP}% for each",
        ),
    ]


def _beside(value: float, bar: float, decimals: int = 0) -> str:
    """The value rounded, but not so far that it looks equal to the bar when it is not: 39.9 beside 40."""
    while round(value, decimals) == bar != value:
        decimals += 1
    return f"{value:.{decimals}f}"


def question(m: Muddle) -> str:
    """What the page asks about a muddle."""
    return f"When does this {m.digit} become {'an' if m.target == 8 else 'a'} {m.target}?"


def verdict(m: Muddle) -> str:
    """The judges' mean probabilities in a sentence."""
    digit, target = m.scores.p_digit, m.scores.p_target
    other = 1 - digit - target
    first, second, rest = whole_percents([digit, target, other])
    question = f"{m.digit} or {m.target}? " if min(digit, target) >= A_QUESTION else ""
    text = f"{question}The judges say {m.digit}: {first}{NBSP}%, {m.target}: {second}{NBSP}%"
    return f"{text}, anything else: {rest}{NBSP}%" if other >= WORTH_A_WORD else text


def whole_percents(shares: Sequence[float]) -> list[int]:
    """Shares that sum to 1 as whole percents that sum to 100: those with the largest remainders are rounded up."""
    percents = [int(100 * share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: percents[i] - 100 * shares[i])
    for i in by_remainder[: 100 - sum(percents)]:
        percents[i] += 1
    return percents


class Answering(Protocol):
    """Whatever knows which weights answer: a Muddler, a Muddle, the page's facts."""

    @property
    def origin(self) -> Origin:
        """Where the bundle came from."""

    @property
    def fingerprint(self) -> str:
        """Of the bundle."""

    @property
    def version(self) -> str:
        """Of algorithm and bundle."""


def summary(m: Muddle, home: str = "/") -> dict[str, Any]:
    """A muddle in JSON without its pictures; `home` is the page's address, to which the link leads."""
    return {
        **_identity(m),
        "soft_label": m.soft_label.tolist(),
        "scores": vars(m.scores),
        "verdict": verdict(m),
        "link": share_link(m.query, home),
        "bundle": describe_bundle(m),
    }


def as_json(m: Muddle) -> dict[str, Any]:
    """Everything about a muddle, images as PNG data URIs: the answer of the endpoint /muddle."""
    return {
        **summary(m),
        "probabilities": m.probabilities.tolist(),
        "muddle": data_uri(m.image),
        "source": data_uri(m.source),
        "partner": data_uri(m.partner),
        "frames": [data_uri(frame) for frame in m.frames],
    }


def for_page(m: Muddle, morph: Morph) -> dict[str, Any]:
    """The same for the page: all pixels in one string (source, muddle, partner, the frames, the morph's frames), the
    map's points, and each judge's choice for each step of the morph."""
    return {
        **_identity(m),
        "given": m.source_index is None,
        "probabilities": m.probabilities.round(4).tolist(),
        "soft_label": m.soft_label.round(4).tolist(),
        "verdict": verdict(m),
        "criteria": criteria(m),
        "pixels": to_base64(np.concatenate([m.source[None], m.image[None], m.partner[None], m.frames, morph.frames])),
        "choices": morph.choices.T.tolist(),
        "codes": np.stack([m.codes[0], m.code, m.codes[-1]]).round(4).tolist(),
        "map": {"pick": m.place.tolist(), "path": m.places.tolist()},
        "link": share_link(m.query),
        "bundle": describe_bundle(m),
        "python": python_code(m.recipe),
    }


def python_code(recipe: Recipe) -> str:
    """The Python program that gives the muddle of a recipe again."""
    show = "print(m.soft_label, m.image.shape)"
    if recipe.image is not None:
        line = f'\nm = Muddler.from_pretrained().make([Recipe.from_query("{recipe.query()}")])[0]'
        return f"from muddle import Muddler\nfrom muddle.recipe import Recipe\n{line}\n{show}"
    given = {name: getattr(recipe, name) for name in PARAMETERS}
    words = [f"{name}={given[name]!r}" for name, p in PARAMETERS.items() if not (p.rare and given[name] == p.default)]
    call = f"Muddler.from_pretrained().muddle({', '.join(words)})"
    return f"from muddle import Muddler\n\nm = {call}\n{show}"


def _identity(m: Muddle) -> dict[str, Any]:
    """The arguments of a muddle, its place on the path, and its query."""
    arguments = {name: getattr(m.recipe, name) for name in PARAMETERS if name not in ("source", "image")}
    found = {"t": m.t, "pick": m.pick, "source_index": m.source_index, "chosen": m.recipe.source is not None}
    return {**arguments, **found, "query": m.query}


def share_link(query: str, home: str = "") -> str:
    """The address that shows a result: a Space's own page where this runs on one, else relative to `home`."""
    space = os.environ.get("SPACE_ID")
    return f"https://huggingface.co/spaces/{space}{query}" if space else home + query


def describe_bundle(answering: Answering) -> dict[str, Any]:
    """Which bundle answers: its origin, and its fingerprint, by which equal bundles are known."""
    origin = answering.origin
    return {
        "name": origin.name,
        "revision": origin.revision,
        "fingerprint": answering.fingerprint[:12],
        "version": answering.version,
        "note": origin.note,
    }


def to_base64(pixels: np.ndarray) -> str:
    """Pixels in base64, row by row, as the page reads them."""
    return base64.b64encode(pixels.tobytes()).decode()


def data_uri(pixels: np.ndarray) -> str:
    """A PNG of uint8 (H, W) pixels as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
