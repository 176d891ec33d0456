"""The About tab: what this is, the pipeline in a picture, measured results, the bundle in use, where to go on."""

import os
import re

import gradio as gr

from muddle.pipeline import Muddler
from muddle.present import about_bundle
from muddle.results import result_table
from muddle.ui.component import read

PANEL = """Measured by a panel: classifiers of other kinds than the judges, trained apart, which no search ever sees,
since a search can always please its own judges. People have not been asked yet. Intervals are 95 %."""


def add_about(muddler: Muddler) -> None:
    """Adds the tab's content to the page that is being built."""
    gr.Markdown(read("about.md"))
    gr.HTML(read("pipeline.svg"), css_template=read("about.css"), html_template=read("about.html"))
    gr.Markdown(f"## How good it is\n{PANEL}\n\n{result_table(muddler.bundle.report)}\n\n{read('about-end.md')}")
    gr.Markdown(f"## This copy\n{bundle_line(muddler)}\n\n{how_to_run()}")
    with gr.Accordion("Model card of the bundle", open=False):
        gr.Markdown(without_front_matter(muddler.bundle.card))


def bundle_line(muddler: Muddler) -> str:
    """Which bundle is shown, in a sentence; and why it is not the one that was wished for."""
    about = about_bundle(muddler)
    name, revision = about["name"], about["revision"]
    where = f"the bundle `{name}`"
    if name == "embedded":
        where = "the embedded bundle"
    elif revision:
        where = f"the bundle [`{name}`](https://huggingface.co/{name}/tree/{revision})"
    at = f" at revision `{revision}`" if revision else ""
    note = f" **{about['note']}**" if about["note"] else ""
    return f"Shown with {where}{at} (fingerprint `{about['fingerprint']}`, version `{muddler.version}`).{note}"


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
