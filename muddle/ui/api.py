"""gradio's API: the public endpoints, from plain values to JSON. Every expected error is a sentence."""

import functools
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr
import numpy as np

from muddle.arguments import EVEN
from muddle.export.serialize import as_json, data_uri
from muddle.recipe import Recipe
from muddle.ui import endpoints
from muddle.ui.callbacks import in_sentences
from muddle.ui.service import Service
from muddle.ui.visitor import visitor

if TYPE_CHECKING:
    from muddle.muddler import Muddle, Muddler

MANY_STEPS = 24  # more frames than these are long work

Strategy = Literal["balanced", "midpoint", "farthest"]

ANSWER = (
    "Returns JSON: digit, target, seed, strategy, steps and balance, as asked or found; t, the place of the muddle "
    "between source (0) and partner (1), and pick, the step nearest to it; soft_label, the judges' ten probabilities; "
    "scores: p_digit and p_target (0 to 1), entropy (bits), likeness (percentile among real digits), grey (share of "
    "the ink); link and query, which show it again; bundle, which weights answered; probabilities, the judges' on each "
    "frame; and PNG data URIs: muddle, source, partner, frames. With only_picture: just the muddle's data URI."
)


def picture_alone(m: "Muddle", _: "Muddler") -> str:
    """Just the muddle, as a PNG data URI."""
    return data_uri(m.image)


def public() -> dict[str, endpoints.Parameters]:
    """The parameters of each endpoint here: those of the functions, and whether the picture alone is wanted."""
    only = {
        "type": "boolean",
        "default": False,
        "description": "true: the answer is just the muddle, as a PNG data URI of 28 x 28 pixels.",
    }
    return {name: {**own, "only_picture": only} if own else own for name, own in endpoints.parameters().items()}


def add_endpoints(page: gr.Blocks, service: Service) -> None:
    """Adds /muddle, /muddle_image and /about to the page that is being built."""

    async def told(recipe: Recipe, only_picture: bool) -> dict[str, Any] | str:
        work = picture_alone if only_picture else as_json
        return await service.muddle(recipe, work, visitor=visitor(), long=recipe.steps > MANY_STEPS)

    async def muddle(
        digit: int,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        source: int | None = None,
        balance: float = EVEN,
        only_picture: bool = False,
    ) -> dict[str, Any] | str:
        alone = endpoints.flag("only_picture", only_picture)
        settings = {"strategy": strategy, "steps": steps, "seed": seed, "balance": balance}
        return await told(endpoints.recipe(digit, target, source, **settings), alone)

    async def muddle_image(
        image: str,
        digit: int | None = None,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        balance: float = EVEN,
        only_picture: bool = False,
    ) -> dict[str, Any] | str:
        alone = endpoints.flag("only_picture", only_picture)
        settings = {"strategy": strategy, "steps": steps, "seed": seed, "balance": balance}
        pixels = await endpoints.picture_of(service, image, visitor())
        return await told(endpoints.recipe_from(pixels, digit, target, **settings), alone)

    async def about() -> dict[str, Any]:
        return await endpoints.about(service)

    stroke = np.zeros((28, 28), np.uint8)
    stroke[5:23, 13:15] = 255  # a 1, more or less
    samples = {"digit": 4, "target": 9, "seed": 27, "image": data_uri(stroke)}
    words = endpoints.descriptions()
    for work in (muddle, muddle_image, about):
        name = work.__name__
        own = public()[name]
        told_of = f"{words[name]} {ANSWER}" if own else words[name]
        coded = in_sentences(work, coded=True)
        event = gr.api(coded, api_name=name, api_description=told_of, concurrency_limit=None)
        for key, (parameter, schema) in zip(event["inputs"], own.items(), strict=True):
            box = page.blocks[key]  # gr.api has told it the type; it lacks the range, the words and an example
            box._api_info = {**schema, "additional_description": schema["description"]}
            box.example_payload = functools.partial(samples.get, parameter, schema.get("default"))
