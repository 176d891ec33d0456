"""Write a muddle as a file of any of the known kinds."""

import io
import json
from collections.abc import Callable

import numpy as np

from muddle.export.serialize import TAGLINE, as_json, question
from muddle.images import codecs
from muddle.result import Muddle

SCALE, STRIP_SCALE = 10, 4  # screen pixels a pixel, unless said


def to_file(m: Muddle, kind: str, scale: int | None = None) -> bytes:
    """The file's bytes; `kind` is a key of WRITERS, `scale` the screen pixels a pixel of a picture."""
    return WRITERS[kind](m, scale or (STRIP_SCALE if kind == "strip" else SCALE))


def _json(m: Muddle, _: int) -> bytes:
    return (json.dumps(as_json(m)) + "\n").encode()


def _judges(m: Muddle, _: int) -> bytes:
    """The judges one by one, on each frame."""
    content = {"query": m.query, "pick": m.pick, "judge_probabilities": m.judge_probabilities.tolist()}
    return (json.dumps(content) + "\n").encode()


def _npz(m: Muddle, _: int) -> bytes:
    """Every array of the result by its name."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value for name, value in vars(m).items() if isinstance(value, np.ndarray)})
    return buffer.getvalue()


WRITERS: dict[str, Callable[[Muddle, int], bytes]] = {
    "png": lambda m, scale: codecs.png(m.image, scale),
    "gif": lambda m, scale: codecs.gif(m.frames, scale, m.pick),
    "webp": lambda m, scale: codecs.webp(m.frames, scale, m.pick),
    "json": _json,
    "judges": _judges,
    "npz": _npz,
    "strip": lambda m, scale: codecs.strip(m.frames, scale),
    "card": lambda m, _: codecs.card(m.source, m.image, m.partner, question(m), TAGLINE),
}
