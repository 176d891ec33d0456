"""The page: choices on top, the result below. Callbacks are parse, pipeline, present; they hold no state."""

import os
import random
from pathlib import Path
from typing import Any

import gradio as gr

from muddle.pipeline import SEEDS, STEPS, Muddler
from muddle.present import about_bundle, for_page, query
from muddle.strategies import STRATEGIES
from muddle.ui import api
from muddle.ui.theme import CSS, theme

HERE = Path(__file__).parent
AUTO = "auto"
DEFAULTS = {"digit": "4", "target": AUTO, "seed": "7", "strategy": "balanced", "steps": "11"}
HELP = {
    "balanced": "the judges cannot place it (ours)",
    "midpoint": "the average of both codes (the original)",
    "farthest": "the step farthest from both images (the original's further thought)",
}
# Keeps the address bar at the link of what is shown; a Space's page around us is told too.
REMEMBER = """(result) => {
  if (!result || !result.query) return;
  const here = new URL(location.href);
  for (const [key, value] of new URLSearchParams(result.query)) here.searchParams.set(key, value);
  history.replaceState(null, "", here);
  if (window.parent !== window) window.parent.postMessage({ queryString: result.query.slice(1) }, "https://huggingface.co");
}"""


def build(muddler: Muddler) -> gr.Blocks:
    """The whole page on one Muddler, not yet launched."""
    with gr.Blocks(title="MNIST Muddle", analytics_enabled=False, delete_cache=(3600, 6 * 3600)) as page:
        gr.Markdown(
            "# MNIST Muddle\nPick a digit and get one that nobody can place between two labels, "
            "and that still looks like a digit.",
            elem_classes="intro",
        )
        with gr.Row():
            digit = gr.Radio([str(d) for d in range(10)], value="4", label="Digit", elem_id="digit", min_width=330)
            target = gr.Radio(
                [AUTO, *(str(d) for d in range(10))],
                value=AUTO,
                label="Target",
                info="auto: the class whose centroid is nearest to the source",
                elem_id="target",
                min_width=330,
            )
        with gr.Row(equal_height=True):
            muddle = gr.Button("Muddle", variant="primary", elem_id="muddle")
            again = gr.Button("Again, from another image", elem_id="again")
        with gr.Accordion("Strategy, steps and seed", open=False):
            strategy = gr.Radio(
                [(f"{name}: {HELP[name]}", name) for name in STRATEGIES], value="balanced", label="Strategy"
            )
            with gr.Row():
                steps = gr.Slider(STEPS[0], STEPS[-1], value=11, step=1, label="Steps from source to partner")
                seed = gr.Number(7, precision=0, minimum=SEEDS[0], maximum=SEEDS[-1], label="Seed", elem_id="seed")
        result = gr.HTML(
            html_template=(HERE / "result.html").read_text(),
            css_template=(HERE / "result.css").read_text(),
            js_on_load=(HERE / "result.js").read_text(),
            elem_id="result",
        )
        gr.Markdown(bundle_line(muddler), elem_id="bundle")

        controls = [digit, target, seed, strategy, steps]
        hidden: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

        def run(*values: Any) -> dict[str, Any]:
            return make(muddler, *values)

        def shown(event: Any) -> None:
            event.success(None, result, None, js=REMEMBER, api_visibility="private")

        shown(muddle.click(run, controls, result, **hidden))
        shown(again.click(new_seed, None, seed, **hidden).then(run, controls, result, **hidden))
        shown(page.load(from_query, None, controls, **hidden).then(run, controls, result, **hidden))
        api.add_endpoints(muddler)
    return page


def launch(muddler: Muddler, **overrides: Any) -> tuple[gr.Blocks, str]:
    """Serves the page; returns it and its address. `overrides` go to gradio's launch."""
    page = build(muddler).queue(max_size=64, default_concurrency_limit=2)
    options = {
        "theme": theme(),
        "css": CSS,
        "footer_links": ["api"],
        "state_session_capacity": 200,
        "max_file_size": "5mb",
    }
    _, url, _ = page.launch(**{**options, **overrides})
    return page, url


def make(muddler: Muddler, digit: str, target: str, seed: float, strategy: str, steps: float) -> dict[str, Any]:
    """From the controls' values to what the result view draws."""

    def work() -> dict[str, Any]:
        other = None if target == AUTO else int(target)
        m = muddler.muddle(int(digit), other, **api.settings(seed, steps, strategy))
        return for_page(m, share_link(query(m)))

    return api.sentence(work)


def new_seed() -> int:
    """A seed that has probably not been seen before."""
    return random.randrange(1_000_000)


def from_query(request: gr.Request) -> tuple[str, str, int, str, int]:
    """The controls' values from a share link; a part that is missing or wrong falls back to the default."""
    given = {**DEFAULTS, **{k: v for k, v in dict(request.query_params).items() if k in DEFAULTS}}
    fallen = []

    def whole(key: str, allowed: range) -> int:
        text = given[key]
        if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) in allowed:
            return int(text)
        fallen.append(key)
        return int(DEFAULTS[key])

    digit = str(whole("digit", range(10)))
    target = AUTO if given["target"] == AUTO else str(given["target"])
    if target not in (AUTO, *"0123456789") or target == digit:
        fallen.append("target")
        target = AUTO
    strategy = given["strategy"]
    if strategy not in STRATEGIES:
        fallen.append("strategy")
        strategy = DEFAULTS["strategy"]
    values = (digit, target, whole("seed", SEEDS), strategy, whole("steps", STEPS))
    if fallen:
        gr.Warning(f"The link's {', '.join(fallen)} could not be read, so the usual value is shown instead.")
    return values


def share_link(query: str) -> str:
    """The address that shows a result: a Space's own page where this runs on one, else relative to this page."""
    space = os.environ.get("SPACE_ID")
    return f"https://huggingface.co/spaces/{space}{query}" if space else query


def bundle_line(muddler: Muddler) -> str:
    """Which bundle is shown, in a sentence; and why it is not the one that was wished for."""
    about = about_bundle(muddler)
    where = "the embedded bundle" if about["name"] == "embedded" else f"the bundle `{about['name']}`"
    at = f" at revision `{about['revision']}`" if about["revision"] else ""
    note = f" **{about['note']}**" if about["note"] else ""
    return f"Shown with {where}{at} (fingerprint `{about['fingerprint']}`).{note}"
