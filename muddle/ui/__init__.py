"""The page and its API. The one door to gradio."""

import json
from pathlib import Path

from muddle.recipe import LINK_KEYS

STATIC = Path(__file__).parent / "static"


def read_static(name: str) -> str:
    """The text of a file in static/; `__KEYS__` in a script stands for the keys of a share link."""
    return (STATIC / name).read_text(encoding="utf-8").replace("__KEYS__", json.dumps(LINK_KEYS))
