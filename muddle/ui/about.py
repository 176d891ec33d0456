"""The About tab: the pipeline in a picture, measured results, the bundle in use, where to read on."""

import os
import re

import gradio as gr

from muddle.export.report_table import result_table
from muddle.export.serialize import describe_bundle
from muddle.ui import read_static
from muddle.ui.networks import Facts

PANEL = """Measured by a panel: classifiers of other kinds than the judges, trained apart, which no search ever sees,
since a search can always please its own judges. People have not been asked yet. Intervals are 95 %."""


def add_about() -> list[gr.Markdown]:
    """Add the tab's content to the page that is being built; returns the parts that `texts` fills."""
    gr.Markdown(read_static("about.md"))
    gr.HTML(read_static("pipeline.svg"), css_template=read_static("about.css"), html_template=read_static("about.html"))
    results, copy = gr.Markdown(), gr.Markdown()
    with gr.Accordion("Model card of the bundle", open=False):
        card = gr.Markdown()
    return [results, copy, card]


def texts(facts: Facts) -> tuple[str, str, str]:
    """The parts that are known once the bundle is loaded: results, this copy, and the model card."""
    results = f"## How good it is\n{PANEL}\n\n{result_table(facts.report)}\n\n{read_static('about-end.md')}"
    copy = f"## This copy\n{bundle_line(facts)}\n\n{how_to_run()}"
    return results, copy, without_front_matter(facts.card)


def bundle_line(facts: Facts) -> str:
    """Which bundle is shown, in a sentence; and why it is not the requested one."""
    about = describe_bundle(facts)
    name, revision = about["name"], about["revision"]
    where = f"the bundle `{name}`"
    if name == "embedded":
        where = "the embedded bundle"
    elif revision:
        where = f"the bundle [`{name}`](https://huggingface.co/{name}/tree/{revision})"
    at = f" at revision `{revision}`" if revision else ""
    note = f" **{about['note']}**" if about["note"] else ""
    return f"Shown with {where}{at} (fingerprint `{about['fingerprint']}`, version `{about['version']}`).{note}"


def how_to_run() -> str:
    """How to get a copy of one's own."""
    space = os.environ.get("SPACE_ID")
    local = "With the code at hand: `pip install -r requirements.txt && python app.py`."
    if not space:
        return local
    address = f"https://huggingface.co/spaces/{space}"
    return f"[Duplicate this Space]({address}?duplicate=true), or take [its code]({address}/tree/main). {local}"


def without_front_matter(card: str) -> str:
    """A card's text without the metadata on its top."""
    return re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
