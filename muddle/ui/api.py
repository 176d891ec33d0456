"""The public endpoints: typed functions from plain values to JSON. Every expected error is a sentence."""

import base64
import binascii
import io
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, UnidentifiedImageError

from muddle.errors import ArgumentError, MuddleError
from muddle.pipeline import Muddler
from muddle.present import about_bundle, as_json

MAX_IMAGE_BYTES = 100_000  # a 28 x 28 PNG has a few hundred


def add_endpoints(muddler: Muddler) -> None:
    """Adds /muddle, /muddle_image and /about to the page that is being built."""

    def muddle(
        digit: int, target: int | None = None, strategy: str = "balanced", steps: int = 11, seed: int = 0
    ) -> dict[str, Any]:
        return sentence(
            lambda: as_json(muddler.muddle(whole(digit), whole(target), **settings(seed, steps, strategy)), muddler)
        )

    def muddle_image(
        image: str,
        digit: int | None = None,
        target: int | None = None,
        strategy: str = "balanced",
        steps: int = 11,
        seed: int = 0,
    ) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            pixels = decode_image(image)
            made = muddler.muddle_image(pixels, whole(digit), whole(target), **settings(seed, steps, strategy))
            return as_json(made, muddler)

        return sentence(work)

    def about() -> dict[str, Any]:
        return {
            "bundle": about_bundle(muddler),
            "provenance": muddler.bundle.provenance,
            "report": muddler.bundle.report,
        }

    common = (
        "target: another digit 0-9, or null for the class whose centroid is nearest to the source. strategy: balanced, "
        "midpoint or farthest. steps: 2-64 frames from source to partner. seed: 0-4294967295; the same arguments on "
        "the same bundle give the same bytes. Returns JSON: labels, t (0 source, 1 partner), soft_label and "
        "probabilities of the judges (10 each), scores, and PNG data URIs muddle, source, partner, frames."
    )
    gr.api(
        muddle, api_name="muddle", api_description=f"A digit that nobody can place between two. digit: 0-9. {common}"
    )
    gr.api(
        muddle_image,
        api_name="muddle_image",
        api_description="A muddle that starts from a given image. image: base64 or data URI of a 28 x 28 grey PNG, "
        f"white on black and centred as MNIST's are. digit: 0-9, or null for what the judges see in it. {common}",
    )
    gr.api(about, api_name="about", api_description="The bundle in use, how it was made, and its measured report.")


def sentence(work: Callable[[], Any]) -> Any:
    """work(), with an expected error turned into one that clients are shown as its text."""
    try:
        return work()
    except MuddleError as error:
        raise gr.Error(str(error), print_exception=False) from error


def settings(seed: object, steps: object, strategy: str) -> dict[str, Any]:
    """The keyword arguments that all endpoints share."""
    return {"seed": whole(seed), "steps": whole(steps), "strategy": strategy}


def whole(value: object) -> object:
    """7.0 as 7, which is what JavaScript may have meant; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def decode_image(text: object) -> np.ndarray:
    """uint8 (28, 28) of a base64 PNG, with or without a data URI's head. Raises ArgumentError."""
    wanted = "give a 28 x 28 PNG in base64"
    if not isinstance(text, str) or len(text) > MAX_IMAGE_BYTES:
        raise ArgumentError("image", type(text).__name__, f"{wanted} of at most {MAX_IMAGE_BYTES} characters")
    try:
        data = base64.b64decode(text.rpartition("base64,")[2], validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.size != (28, 28):
                raise ArgumentError("image", f"of {picture.width} x {picture.height} pixels", wanted)
            return np.array(picture.convert("L"))
    except (binascii.Error, UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ArgumentError):
            raise
        raise ArgumentError("image", text[:20], wanted) from error
