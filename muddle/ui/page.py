"""The page: ways to begin on top, the result below, and which callback answers which event."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from muddle.errors import MuddleError, RequestError
from muddle.parameters import AUTO
from muddle.recipe import EVEN, PARAMETERS, Recipe
from muddle.ui import read_static
from muddle.ui.about import add_about, texts
from muddle.ui.api import Api, add_endpoints, scalar
from muddle.ui.callbacks import RESULT, TABS, Callbacks, Work, as_gradio_error
from muddle.ui.networks import Networks

TITLE = "MNIST Muddle"
OPENING = Recipe(digit=2, target=8, seed=102)  # shown when the page opens without a link: one that tips to the eye
DIGITS = [str(d) for d in range(10)]
HELP = {name: parameter.help for name, parameter in PARAMETERS.items()}
EVENT = ("data", "session_hash", "fn_index", "event_data", "trigger_id")  # what an event of the page says
JOIN = re.compile(r"/gradio_api/queue/join/?")

Components = dict[str, Any]  # by name; those that hold a parameter have its name


def build(networks: Networks) -> gr.Blocks:
    """The whole page and the API, not yet launched."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 6 * 3600)) as page:
        callbacks = Callbacks(networks, OPENING)
        wire(page, lay_out(callbacks), callbacks, networks)
        add_endpoints(page, Api(networks))
    return page


def component(
    name: str, *, scripts: Sequence[str] = (), styles: Sequence[str] = (), server: Sequence[Work] = ()
) -> gr.HTML:
    """A component of ours: static/<name>.html with its css and js, after those of all and of `styles` and `scripts`.

    server: callbacks that the js may call with one argument; an expected error is answered as {"error": a sentence}.
    """
    return gr.HTML(
        elem_id=name,
        html_template=read_static(f"{name}.html"),
        css_template="".join(read_static(f"{part}.css") for part in ("shared", *styles, name)),
        js_on_load="\n".join(read_static(f"{part}.js") for part in ("shared", *scripts, name)),
        server_functions=[_server_function(work) for work in server] or None,
    )


def _server_function(work: Work) -> Callable[..., Any]:
    async def answer(sent: Any, request: gr.Request) -> dict[str, Any]:
        try:
            return await work(sent, request)
        except MuddleError as error:
            return {"error": str(error)}

    answer.__name__ = work.__name__
    return answer


def lay_out(callbacks: Callbacks) -> Components:
    """Place everything on the page that is being built."""
    c: Components = {}
    gr.Markdown(f"# {TITLE}", elem_classes="intro")
    about_target = "What to mix it with; auto: the most similar other digit"
    with gr.Tabs() as c["tabs"]:
        with gr.Tab("Muddle", id="muddle", elem_id="by-digit") as c["muddle_tab"]:
            pass  # the result, which drawings share, is below the tabs
        with gr.Tab("Draw", id="draw", elem_id="by-drawing") as c["draw_tab"]:
            c["drawing"] = component("pad", server=[callbacks.look, callbacks.example])
        with gr.Tab("All pairs", id="pairs", elem_id="by-pairs") as c["pairs_tab"]:
            c["pairs"] = component("pairs", server=[callbacks.table, callbacks.row])
        with gr.Tab("Guess", id="guess", elem_id="by-guess") as c["guess_tab"]:
            c["guess"] = component("guess", server=[callbacks.riddle])
        with gr.Tab("About", id="about", elem_id="about") as c["about_tab"]:
            c["about"] = add_about()
    with gr.Column(elem_id="shared"):
        parts = {"scripts": ("jury", "hardest", "path", "map", "keep"), "styles": ("jury",)}
        c[RESULT] = component("result", **parts, server=[callbacks.pair, callbacks.hardest])
        with gr.Accordion("Settings: digits, strategy, balance, steps and seed", open=False, elem_id="settings"):
            with gr.Row(elem_id="digits"):
                c["digit"] = _radio("digit", DIGITS, str(OPENING.digit), "Digit", HELP["digit"])
                c["target"] = _radio("target", [AUTO, *DIGITS], AUTO, "Target", about_target)
            meanings, range_of_steps = PARAMETERS["strategy"].kind.meanings, PARAMETERS["steps"].kind
            ways = [(f"{name}: {meaning}", name) for name, meaning in meanings.items()]
            c["strategy"] = gr.Radio(ways, value=OPENING.strategy, label="Strategy", elem_id="strategy")
            with gr.Row():
                about_balance = "For balanced; 0: the digit, 0.5: undecided, 1: the target"
                c["balance"] = _slider("balance", 0, 1, 0.05, "Balance", about_balance)
                c["steps"] = _slider("steps", range_of_steps.low, range_of_steps.high, 1, "Steps", HELP["steps"])
            with gr.Row():
                c["seed"] = _number("seed", OPENING.seed, "Seed", HELP["seed"])
                about_source = f"{HELP['source']}; empty: {PARAMETERS['source'].none}"
                c["source"] = _number("source", None, "Source image", about_source)
            with gr.Row(equal_height=True, elem_id="apply"):
                c["muddle"] = gr.Button("Apply", variant="primary", elem_id="muddle")
                c["again"] = gr.Button("Another image of the digit", elem_id="again")
        c["bundle"] = gr.Markdown(visible=False, elem_id="bundle")
    return c


def wire(page: gr.Blocks, c: Components, callbacks: Callbacks, networks: Networks) -> None:
    """Connect every event with its callback, and with the functions of static/events.js around it."""
    by_digit = {name: c[name] for name in PARAMETERS if name != "image"}
    settings = {name: by_digit[name] for name in ("seed", "strategy", "steps", "balance")}
    in_tab = {"tabs": c["tabs"], **by_digit}
    by_link = {**in_tab, **{name: c[name] for name in ("drawing", "bundle")}}
    origins = ("button", "choice", "cell", "map")
    button, choice, cell, on_map = (f"(...values) => muddleEvents.begin('{origin}', values)" for origin in origins)
    events: list[tuple[Callable[..., Any], Work, Components, Components, str]] = [
        (c["muddle"].click, callbacks.show, by_digit, by_digit, button),
        (c["again"].click, callbacks.again, by_digit, by_digit, button),
        (c["digit"].input, callbacks.another_digit, by_digit, by_digit, choice),
        (c["target"].input, callbacks.show, by_digit, by_digit, choice),
        (c["drawing"].select, callbacks.by_drawing, settings, {}, button),
        (c[RESULT].select, callbacks.by_click, by_digit, in_tab, on_map),
        (c["pairs"].select, callbacks.by_click, by_digit, in_tab, cell),
        (c["guess"].select, callbacks.by_click, by_digit, in_tab, cell),
        (page.load, callbacks.by_link, {}, by_link, read_static("events.js")),
    ]
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    for trigger, callback, inputs, outputs, before in events:
        shown = {**outputs, RESULT: c[RESULT]}
        event = trigger(
            _to_components(callback, shown), None, list(shown.values()), inputs_kwargs=inputs,
            js=before, trigger_mode="always_last", **quiet,
        )  # fmt: skip
        event.success(None, c[RESULT], None, js="(result) => muddleEvents.succeed(result)", **quiet)
        event.failure(None, None, None, js="() => muddleEvents.fail()", **quiet)
    for name in TABS:
        c[f"{name}_tab"].select(None, None, None, js=f"() => muddleEvents.openTab('{name}')", **quiet)
    c["digit"].input(None, None, c["source"], js="() => null", **quiet)  # also if another_digit finds another mistake
    balance_for = f"(strategy) => muddleEvents.balanceFor(strategy, {EVEN})"
    c["strategy"].change(None, c["strategy"], c["balance"], js=balance_for, **quiet)

    @as_gradio_error
    async def open_about() -> tuple[str, ...]:
        return texts(await networks.facts())

    c["about_tab"].select(open_about, None, c["about"], **quiet)


def _to_components(callback: Work, outputs: Components) -> Work:
    """The callback with its answer by component instead of by name."""

    @functools.wraps(callback)
    async def run(*args: Any, **controls: Any) -> dict[Any, Any]:
        answer = await callback(*args, **controls)
        return {outputs[name]: value for name, value in answer.items() if name in outputs}

    return run


def event_check(page: gr.Blocks) -> Callable[[re.Match[str], Any], dict[str, Any]]:
    """The check of the events of a page: its own functions, values that its controls can have. Raises RequestError."""
    controls: Mapping[int, Sequence[Any]] = {number: event.inputs for number, event in page.fns.items() if event.fn}

    def check(_: re.Match[str], sent: Any) -> dict[str, Any]:
        number = sent.get("fn_index") if isinstance(sent, dict) else None
        if type(number) is not int or number not in controls:
            raise RequestError("unknown-event", "The request must name an event of the page.")
        boxes, data, event_data = controls[number], sent.get("data"), sent.get("event_data") or {}
        if not isinstance(data, list) or len(data) != len(boxes) or not isinstance(event_data, dict):
            raise RequestError("bad-data", f"The event takes {len(boxes)} values as data, and an object as event_data.")
        values = [scalar(value) for value in data]
        for box, value in zip(boxes, values, strict=True):
            if not _fits(box, value):
                raise RequestError("bad-data", f"The control {box.label!r} cannot have the value {value!r:.40}.")
        return {**{key: sent[key] for key in EVENT if key in sent}, "data": values, "event_data": event_data}

    return check


def _fits(box: Any, value: Any) -> bool:
    """Whether a component takes a value, about which gradio would else log a traceback."""
    try:
        box.preprocess(value)
    except Exception:  # gr.Error, and what a wrong type raises
        return False
    return not (isinstance(box, gr.Slider) and value is None)


def _radio(elem_id: str, choices: list[str], value: str, label: str, info: str) -> gr.Radio:
    return gr.Radio(choices, value=value, label=label, info=info, elem_id=elem_id, elem_classes="choice", min_width=280)


def _slider(name: str, low: int, high: int, step: float, label: str, info: str) -> gr.Slider:
    return gr.Slider(low, high, getattr(OPENING, name), step=step, label=label, info=info, elem_id=name)


def _number(name: str, value: int | None, label: str, info: str) -> gr.Number:
    return gr.Number(value, precision=0, label=label, info=info, elem_id=name)


def theme() -> gr.themes.Base:
    """The colours and fonts of gradio's own parts: our accent, and the visitor's own fonts, so that nothing is fetched.

    static/theme.css has everything else.
    """
    return gr.themes.Default(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        color_accent="*primary_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
