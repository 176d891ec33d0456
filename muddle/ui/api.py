"""gradio's API: the public endpoints, from plain values to JSON. Every expected error is a sentence."""

import functools
from collections.abc import Callable
from typing import Any, Literal

import gradio as gr

from muddle.pipeline import EVEN, Muddle, Muddler
from muddle.present import as_json, data_uri
from muddle.ui import endpoints
from muddle.ui.callbacks import in_sentences

Strategy = Literal["balanced", "midpoint", "farthest"]

ANSWER = (
    "Returns JSON: digit, target, seed, strategy, steps and balance, as asked or found; t, the place of the muddle "
    "between source (0) and partner (1), and pick, the step nearest to it; soft_label, the judges' ten probabilities; "
    "scores: p_digit and p_target (0 to 1), entropy (bits), likeness (percentile among real digits), grey (share of "
    "the ink); link and query, which show it again; bundle, which weights answered; probabilities, the judges' on each "
    "frame; and PNG data URIs: muddle, source, partner, frames. With only_picture: just the muddle's data URI."
)


def public() -> dict[str, endpoints.Parameters]:
    """The parameters of each endpoint here: those of the functions, and whether the picture alone is wanted."""
    only = {
        "type": "boolean",
        "default": False,
        "description": "true: the answer is just the muddle, as a PNG data URI of 28 x 28 pixels.",
    }
    return {name: {**own, "only_picture": only} if own else own for name, own in endpoints.parameters().items()}


def add_endpoints(page: gr.Blocks, muddler: Muddler) -> None:
    """Adds /muddle, /muddle_image and /about to the page that is being built."""

    coded = functools.partial(in_sentences, coded=True)

    @coded
    def muddle(
        digit: int,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        source: int | None = None,
        balance: float = EVEN,
        only_picture: bool = False,
    ) -> dict[str, Any] | str:
        settings = {"strategy": strategy, "steps": steps, "seed": seed, "balance": balance}
        return told(only_picture, lambda: endpoints.muddle(muddler, digit, target, source, **settings))

    @coded
    def muddle_image(
        image: str,
        digit: int | None = None,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        balance: float = EVEN,
        only_picture: bool = False,
    ) -> dict[str, Any] | str:
        settings = {"strategy": strategy, "steps": steps, "seed": seed, "balance": balance}
        return told(only_picture, lambda: endpoints.muddle_image(muddler, image, digit, target, **settings))

    def about() -> dict[str, Any]:
        return endpoints.about(muddler)

    def told(only_picture: Any, make: Callable[[], Muddle]) -> dict[str, Any] | str:
        alone = endpoints.flag("only_picture", only_picture)
        m = make()
        return data_uri(m.image) if alone else as_json(m, muddler)

    image = data_uri(muddler.bundle.exemplars.images[0].numpy())
    samples = {"digit": 4, "target": 9, "seed": 7, "image": image}
    words = endpoints.descriptions()
    for work in (muddle, muddle_image, about):
        name = work.__name__
        own = public()[name]
        event = gr.api(work, api_name=name, api_description=f"{words[name]} {ANSWER}" if own else words[name])
        for key, (parameter, schema) in zip(event["inputs"], own.items(), strict=True):
            box = page.blocks[key]  # gr.api has told it the type; it lacks the range, the words and an example
            box._api_info = {**schema, "additional_description": schema["description"]}
            box.example_payload = functools.partial(samples.get, parameter, schema.get("default"))
