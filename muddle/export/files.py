"""A muddle as a file: which kinds there are, and the bytes of each."""

import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from muddle import render
from muddle.export.serialize import as_json

if TYPE_CHECKING:
    from muddle.muddler import Muddle, Muddler

PAGE_SCALE, STRIP_SCALE = 10, 4  # screen pixels a pixel, unless said


def write(m: "Muddle", muddler: "Muddler", kind: str, scale: int | None = None) -> bytes:
    """The file; `kind` is a key of WRITERS, `scale` the screen pixels a pixel of what is a picture."""
    return WRITERS[kind](m, muddler, scale or (STRIP_SCALE if kind == "strip" else PAGE_SCALE))


def _json(m: "Muddle", muddler: "Muddler", _: int) -> bytes:
    return (json.dumps(as_json(m, muddler)) + "\n").encode()


def _npz(m: "Muddle", _: "Muddler", __: int) -> bytes:
    """Every array of the result by its name."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value for name, value in vars(m).items() if isinstance(value, np.ndarray)})
    return buffer.getvalue()


WRITERS: dict[str, Callable[["Muddle", "Muddler", int], bytes]] = {
    "png": lambda m, _, scale: render.png(m.image, scale),
    "gif": lambda m, _, scale: render.gif(m.frames, scale),
    "webp": lambda m, _, scale: render.webp(m.frames, scale),
    "json": _json,
    "npz": _npz,
    "strip": lambda m, _, scale: render.strip(m.frames, scale),
    "card": lambda m, _, __: render.card(m.source, m.image, m.partner),
}
