"""A muddle in words and in JSON: what the page, the API and the command line say of it."""

import base64
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from muddle.recipe import Recipe
from muddle.images.codecs import png

if TYPE_CHECKING:
    from muddle.muddler import Muddle, Muddler

LIKE_A_DIGIT = 5  # percentile of real digits above which an image is said to look like a digit
HARD_TO_TELL = 0.9  # bits: the entropy of a choice of 68 to 32
BETWEEN_TWO = 0.4  # probability that each of the two labels gets
WORTH_A_WORD = 0.05  # probability of all other labels together


def criteria(m: "Muddle") -> list[tuple[str, bool, str]]:
    """The author's three criteria of a good output, whether the judges find them met, and by what."""
    digit, target, entropy, likeness = m.scores.p_digit, m.scores.p_target, m.scores.entropy, m.scores.likeness
    return [
        (
            "difficult to tell what digit it is",
            entropy >= HARD_TO_TELL,
            f"{_beside(entropy, HARD_TO_TELL, 1)} bits of doubt; a fair coin has 1, and it takes {HARD_TO_TELL}",
        ),
        (
            "still looks like a digit",
            likeness >= LIKE_A_DIGIT,
            f"more like one than {_beside(likeness, LIKE_A_DIGIT)} % of real digits; it takes {LIKE_A_DIGIT} %",
        ),
        (
            "hard to choose between 2 labels",
            min(digit, target) > BETWEEN_TWO,
            f"{_beside(100 * digit, 100 * BETWEEN_TWO)} % and {_beside(100 * target, 100 * BETWEEN_TWO)} %; "
            f"it takes {_percent(BETWEEN_TWO)} for each",
        ),
    ]


def _beside(value: float, bar: float, decimals: int = 0) -> str:
    """The value rounded, but never so far that it looks like a bar which it is not: 39.9 beside 40."""
    while round(value, decimals) == bar != value:
        decimals += 1
    return f"{value:.{decimals}f}"


def verdict(m: "Muddle") -> str:
    """What the judges think, in a sentence."""
    digit, target = m.scores.p_digit, m.scores.p_target
    said = f"{m.digit} or {m.target}? The judges say {m.digit}: {_percent(digit)}, {m.target}: {_percent(target)}"
    other = 1 - digit - target
    return f"{said}, anything else: {_percent(other)}" if other >= WORTH_A_WORD else said


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %"


def summary(m: "Muddle", muddler: "Muddler", home: str = "/") -> dict[str, Any]:
    """A muddle in JSON without its pictures; `home` is the page's address, to which the link leads."""
    identity = _identity(m, muddler)
    return {
        **identity,
        "soft_label": m.soft_label.tolist(),
        "scores": vars(m.scores),
        "verdict": verdict(m),
        "link": share_link(identity["query"], home),
        "bundle": about_bundle(muddler),
    }


def as_json(m: "Muddle", muddler: "Muddler") -> dict[str, Any]:
    """Everything about a muddle, images as PNG data URIs: the answer of the endpoint /muddle."""
    return {
        **summary(m, muddler),
        "probabilities": m.probabilities.tolist(),
        "muddle": data_uri(m.image),
        "source": data_uri(m.source),
        "partner": data_uri(m.partner),
        "frames": [data_uri(frame) for frame in m.frames],
    }


def share_link(query: str, home: str = "") -> str:
    """The address that shows a result: a Space's own page where this runs on one, else relative to `home`."""
    space = os.environ.get("SPACE_ID")
    return f"https://huggingface.co/spaces/{space}{query}" if space else home + query


def for_page(m: "Muddle", muddler: "Muddler") -> dict[str, Any]:
    """The same for the page: all pixels in one string (source, muddle, partner, then the frames); the map's points."""
    pixels = np.concatenate([m.source[None], m.image[None], m.partner[None], m.frames])
    places = project(np.concatenate([m.code[None], m.codes]), muddler)
    return {
        **_identity(m, muddler),
        "on_path": bool((m.image == m.frames[m.pick]).all()),
        "probabilities": m.probabilities.round(4).tolist(),
        "soft_label": m.soft_label.round(4).tolist(),
        "verdict": verdict(m),
        "criteria": criteria(m),
        "pixels": text_of(pixels),
        "map": {"pick": places[0], "path": places[1:]},
    }


def _identity(m: "Muddle", muddler: "Muddler") -> dict[str, Any]:
    """What a muddle is, which both tell alike: its arguments, its place on the path and its query."""
    names = ("digit", "target", "seed", "strategy", "steps", "balance", "t", "pick", "source_index", "chosen")
    return {**{name: getattr(m, name) for name in names}, "query": Recipe.of(m).query(muddler.version)}


def project(codes: np.ndarray, muddler: "Muddler") -> list[list[float]]:
    """Places of codes, float64 (N, D), on the latent map: N pairs x, y, each about -1 to 1."""
    return muddler.project(codes).round(4).tolist()


def text_of(pixels: np.ndarray) -> str:
    """Pixels in base64, as the page reads them."""
    return base64.b64encode(pixels.tobytes()).decode()


def about_bundle(muddler: "Muddler") -> dict[str, Any]:
    """Which bundle answers: its origin, and its fingerprint, by which equal bundles are known."""
    origin = muddler.bundle.origin
    return {
        "name": origin.name,
        "revision": origin.revision,
        "fingerprint": muddler.bundle.fingerprint[:12],
        "version": muddler.version,
        "note": origin.note,
    }


def data_uri(pixels: np.ndarray) -> str:
    """A PNG of uint8 (H, W) pixels as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()
