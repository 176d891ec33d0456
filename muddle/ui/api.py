"""The public endpoints: typed functions from plain values to JSON. Every expected error is a sentence."""

from typing import Any

import gradio as gr

from muddle.drawing import prepare
from muddle.pipeline import Muddler
from muddle.present import about_bundle, as_json
from muddle.ui.answers import picture
from muddle.ui.callbacks import in_sentences, whole


def add_endpoints(muddler: Muddler) -> None:
    """Adds /muddle, /muddle_image and /about to the page that is being built."""

    @in_sentences
    def muddle(
        digit: int,
        target: int | None = None,
        strategy: str = "balanced",
        steps: int = 11,
        seed: int = 0,
        source: int | None = None,
    ) -> dict[str, Any]:
        settings = {"strategy": strategy, "steps": whole(steps), "seed": whole(seed)}
        return as_json(muddler.muddle(whole(digit), whole(target), source=whole(source), **settings), muddler)

    @in_sentences
    def muddle_image(
        image: str,
        digit: int | None = None,
        target: int | None = None,
        strategy: str = "balanced",
        steps: int = 11,
        seed: int = 0,
    ) -> dict[str, Any]:
        given = picture(image)
        pixels = given if given.shape == (28, 28) else prepare(given)
        settings = {"strategy": strategy, "steps": whole(steps), "seed": whole(seed)}
        return as_json(muddler.muddle_image(pixels, whole(digit), whole(target), **settings), muddler)

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
        muddle,
        api_name="muddle",
        api_description="A digit that nobody can place between two. digit: 0-9. source: the "
        f"place of an exemplar of that digit to start from, or null for one that the seed draws. {common}",
    )
    gr.api(
        muddle_image,
        api_name="muddle_image",
        api_description="A muddle that starts from a given image. image: base64 or data URI of a PNG, JPEG, WebP, GIF "
        "or BMP of one digit. A grey one of 28 x 28 is taken as it is, white on black and centred as MNIST's are; any "
        f"other is scaled and centred so. digit: 0-9, or null for what the judges see in it. {common}",
    )
    gr.api(about, api_name="about", api_description="The bundle in use, how it was made, and its measured report.")
