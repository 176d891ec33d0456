"""Write a muddle as a file of any of the known kinds."""

import json
from collections.abc import Callable

from muddle.export.serialize import TAGLINE, as_json, question
from muddle.images import codecs
from muddle.result import SCALE, STRIP_SCALE, Muddle


def to_file(m: Muddle, kind: str, scale: int | None = None) -> bytes:
    """The file's bytes; `kind` is a key of WRITERS, `scale` the screen pixels a pixel of a picture."""
    return WRITERS[kind](m, scale or (STRIP_SCALE if kind == "strip" else SCALE))


def _json(m: Muddle, _: int) -> bytes:
    return (json.dumps(as_json(m)) + "\n").encode()


def _judges(m: Muddle, _: int) -> bytes:
    """The judges one by one, on each frame."""
    content = {"query": m.query, "pick": m.pick, "judge_probabilities": m.judge_probabilities.tolist()}
    return (json.dumps(content) + "\n").encode()


WRITERS: dict[str, Callable[[Muddle, int], bytes]] = {
    "png": lambda m, scale: m.to_file("png", scale),
    "gif": lambda m, scale: m.to_file("gif", scale),
    "webp": lambda m, scale: m.to_file("webp", scale),
    "npz": lambda m, scale: m.to_file("npz", scale),
    "json": _json,
    "judges": _judges,
    "strip": lambda m, scale: codecs.strip(m.frames, scale),
    "card": lambda m, _: codecs.card(m.source, m.image, m.partner, question(m), TAGLINE),
}
