"""The page: ways to begin on top, the result below."""

from collections.abc import Awaitable
from typing import Any, NamedTuple

import gradio as gr

from muddle.arguments import STEPS, STRATEGIES
from muddle.errors import MuddleError
from muddle.recipe import AUTO, Recipe
from muddle.ui import answers, api
from muddle.ui.about import add_about
from muddle.ui.callbacks import Callbacks
from muddle.ui.component import component, read
from muddle.ui.head import DESCRIPTION, TITLE
from muddle.ui.service import Service
from muddle.ui.visitor import visitor

DIGITS = [str(d) for d in range(10)]
HELP = {
    "balanced": "the judges cannot place it (the default)",
    "midpoint": "halfway between the two codes, as the original of 2021 did",
    "farthest": "the step least like both images, the original's further thought",
}
USUAL = Recipe()


class Parts(NamedTuple):
    """The components that take part in an event."""

    tabs: gr.Tabs
    digit: gr.Radio
    target: gr.Radio
    muddle: gr.Button
    again: gr.Button
    pad: gr.HTML
    its: gr.Radio
    its_target: gr.Radio
    muddle_drawing: gr.Button
    another: gr.Button
    pairs: gr.HTML
    guess: gr.HTML
    source: gr.Number
    seed: gr.Number
    strategy: gr.Radio
    steps: gr.Slider
    result: gr.HTML
    bundle: gr.Markdown
    about_tab: gr.Tab
    about: list[gr.Markdown]


def build(service: Service) -> gr.Blocks:
    """The whole page on one Service, not yet launched."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 6 * 3600)) as page:
        wire(page, lay_out(service), Callbacks(service))
        api.add_endpoints(page, service)
    return page


def lay_out(service: Service) -> Parts:
    """Places everything on the page that is being built."""

    async def look(picture: object) -> dict[str, Any]:
        return await or_error(service.do(answers.look, picture, visitor=visitor()))

    async def row(asked: object) -> dict[str, Any]:
        async def made() -> dict[str, Any]:
            return await service.do(answers.row, *answers.asked_row(asked), visitor=visitor(), keep=True)

        return await or_error(made())

    async def riddle(_: object) -> dict[str, Any]:
        return await or_error(service.muddle(answers.new_riddle(), answers.riddle, visitor=visitor()))

    gr.Markdown(f"# {TITLE}\n{DESCRIPTION}", elem_classes="intro")
    with gr.Tabs() as tabs:
        with gr.Tab("Muddle", id="muddle", elem_id="by-digit"):
            with gr.Row():
                digit = _radio(DIGITS, str(USUAL.digit), "Digit", "what to start from", "digit")
                about_target = "what to mix it with; auto: the most similar other digit"
                target = _radio([AUTO, *DIGITS], AUTO, "Target", about_target, "target")
            with gr.Row(equal_height=True):
                muddle = gr.Button("Muddle", variant="primary", elem_id="muddle")
                again = gr.Button("Again, from another image", elem_id="again")
        with gr.Tab("Draw", id="draw", elem_id="by-drawing"):
            pad = component("pad", server=[look])
            with gr.Row():
                its = _radio([AUTO, *DIGITS], AUTO, "It is a", "auto: what the judges see", "its")
                its_target = _radio([AUTO, *DIGITS], AUTO, "Target", "auto: the most similar other digit", "its-target")
            with gr.Row(equal_height=True):
                muddle_drawing = gr.Button("Muddle the drawing", variant="primary", elem_id="muddle-drawing")
                another = gr.Button("Again, with another partner", elem_id="another")
        with gr.Tab("All pairs", id="pairs", elem_id="by-pairs"):
            pairs = component("pairs", server=[row])
        with gr.Tab("Guess", id="guess", elem_id="by-guess"):
            guess = component("guess", server=[riddle])
        with gr.Tab("About", id="about", elem_id="about") as about_tab:
            about = add_about()
    with gr.Column(elem_id="shared"):
        with gr.Accordion("Strategy, steps and seed", open=False, elem_id="settings"):
            ways = [(f"{name}: {HELP[name]}", name) for name in STRATEGIES]
            strategy = gr.Radio(ways, value=USUAL.strategy, label="Strategy", elem_id="strategy")
            with gr.Row():
                steps = gr.Slider(STEPS[0], STEPS[-1], USUAL.steps, step=1, label="Steps from source to partner")
                about_seed = "chooses source and partners: the same seed, the same muddle"
                seed = _number(USUAL.seed, "Seed", about_seed, "seed")
                about_source = "its place among the exemplars, from 0; empty: the seed chooses"
                source = _number(None, "Source image", about_source, "source")
        result = component("result", scripts=("path", "map", "keep"))
        bundle = gr.Markdown(visible=False, elem_id="bundle")
    return Parts(
        tabs, digit, target, muddle, again, pad, its, its_target, muddle_drawing, another, pairs, guess, source, seed,
        strategy, steps, result, bundle, about_tab, about,
    )  # fmt: skip


def wire(page: gr.Blocks, parts: Parts, callbacks: Callbacks) -> None:
    """Connects every event with its callback; what follows each is the same."""
    p = parts
    settings = [p.seed, p.strategy, p.steps]
    by_digit = [p.digit, p.target, p.source, *settings]
    by_drawing = [p.pad, p.its, p.its_target, *settings]
    after_click = [p.tabs, p.digit, p.target, p.source, *settings, p.result]
    after_link = [p.tabs, p.digit, p.target, p.pad, p.its, p.its_target, p.source, *settings, p.result, p.bundle]
    go, busy, drawn = read("go.js"), read("busy.js"), read("drawn.js")
    events = [
        (p.muddle.click, callbacks.by_digit, by_digit, [*by_digit, p.result], go),
        (p.again.click, callbacks.by_digit_again, by_digit, [*by_digit, p.result], go),
        (p.digit.input, callbacks.by_choice, by_digit, [*by_digit, p.result], busy),
        (p.target.input, callbacks.by_digit, by_digit, [*by_digit, p.result], busy),
        (p.muddle_drawing.click, callbacks.by_drawing, by_drawing, [*by_drawing[1:], p.result], drawn),
        (p.another.click, callbacks.by_drawing_again, by_drawing, [*by_drawing[1:], p.result], drawn),
        (p.result.select, callbacks.by_click, [p.target, *settings], after_click, go),
        (p.pairs.select, callbacks.by_click, [p.target, *settings], after_click, go),
        (p.guess.select, callbacks.by_click, [p.target, *settings], after_click, go),
        (page.load, callbacks.by_link, None, after_link, busy),
    ]
    hidden: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for trigger, callback, inputs, outputs, before in events:
        event = trigger(callback, inputs, outputs, js=before, trigger_mode="always_last", **hidden)
        event.success(None, p.result, None, js=read("address.js"), **hidden)
        event.failure(None, None, None, js=read("ready.js"), **hidden)
    p.about_tab.select(callbacks.open_about, None, p.about, **hidden)
    p.digit.input(None, None, p.source, js="() => null", **hidden)  # gone even where by_choice finds another mistake


async def or_error(answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """What a component's script is answered; an expected error as {"error": a sentence}."""
    try:
        return await answer
    except MuddleError as error:
        return {"error": str(error)}


def _radio(choices: list[str], value: str, label: str, info: str, elem_id: str) -> gr.Radio:
    return gr.Radio(choices, value=value, label=label, info=info, elem_id=elem_id, elem_classes="choice", min_width=280)


def _number(value: int | None, label: str, info: str, elem_id: str) -> gr.Number:
    return gr.Number(value, precision=0, label=label, info=info, elem_id=elem_id)
