"""The About tab: what this is, the pipeline in a picture, measured results, the bundle in use, where to go on."""

import os
import re
from collections.abc import Mapping
from typing import Any

import gradio as gr

from muddle.export.report_table import result_table
from muddle.ui.component import read

PANEL = """Measured by a panel: classifiers of other kinds than the judges, trained apart, which no search ever sees,
since a search can always please its own judges. People have not been asked yet. Intervals are 95 %."""


def add_about() -> list[gr.Markdown]:
    """Adds the tab's content to the page that is being built; returns the parts that `texts` fills."""
    gr.Markdown(read("about.md"))
    gr.HTML(read("pipeline.svg"), css_template=read("about.css"), html_template=read("about.html"))
    results, copy = gr.Markdown(), gr.Markdown()
    with gr.Accordion("Model card of the bundle", open=False):
        card = gr.Markdown()
    return [results, copy, card]


def texts(facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """What is known once the bundle is loaded: results, this copy, and the model card. `facts` as in worker.facts."""
    results = f"## How good it is\n{PANEL}\n\n{result_table(facts['report'])}\n\n{read('about-end.md')}"
    copy = f"## This copy\n{bundle_line(facts)}\n\n{how_to_run()}"
    return results, copy, without_front_matter(facts["card"])


def bundle_line(facts: Mapping[str, Any]) -> str:
    """Which bundle is shown, in a sentence; and why it is not the one that was wished for."""
    about = facts["bundle"]
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
    """How to have a copy of one's own."""
    space = os.environ.get("SPACE_ID")
    local = "With the code at hand: `pip install -r requirements.txt && python app.py`."
    if not space:
        return local
    address = f"https://huggingface.co/spaces/{space}"
    return f"[Duplicate this Space]({address}?duplicate=true), or take [its code]({address}/tree/main). {local}"


def without_front_matter(card: str) -> str:
    """A card's text without the block of metadata on its top."""
    return re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL)
