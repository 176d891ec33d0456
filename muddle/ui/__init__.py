"""The page and its API. The one door to gradio."""

import functools
import hashlib
import json
from pathlib import Path

from muddle.images import BLACK
from muddle.images.palette import BORDER, COUNTRIES, FULL, GOLD, SEA
from muddle.recipe import LINK_KEYS, PARAMETERS, Recipe

STATIC = Path(__file__).parent / "static"
OPENING = Recipe(digit=2, target=8, seed=2006)  # shown when the page opens without a link: one that tips to the eye
NAMES = {  # that scripts use for what Python knows
    "__KEYS__": LINK_KEYS,
    "__OPENING__": OPENING.query(),
    "__STRATEGIES__": PARAMETERS["strategy"].kind.meanings,
    "__STEPS__": PARAMETERS["steps"].schema(),
    "__SEED__": PARAMETERS["seed"].schema(),
    "__BLACK__": BLACK,
    "__PALETTE__": {"countries": COUNTRIES, "gold": GOLD, "sea": SEA, "border": BORDER, "full": FULL},
}


def read_static(name: str) -> str:
    """The text of a file in static/, with NAMES replaced."""
    text = (STATIC / name).read_text(encoding="utf-8")
    for key, value in NAMES.items():
        text = text.replace(key, json.dumps(value))
    return text


@functools.cache
def assets() -> dict[str, str]:
    """The page's scripts and style by their addresses, which change with any of them: a browser may keep them."""
    names = [*sorted(path.name for path in STATIC.glob("*.js")), "theme.css"]
    texts = {name: read_static(name) for name in names}
    fingerprint = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]
    return {f"ui/{fingerprint}/{name}": text for name, text in texts.items()}


def asset(name: str) -> str:
    """The address of a script or style, from the page's folder on."""
    return next(address for address in assets() if address.endswith(f"/{name}"))
