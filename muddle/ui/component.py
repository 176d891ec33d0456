"""How a component of ours is put together: html, css and js of its own files in web/, served as one gr.HTML."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

WEB = Path(__file__).parent / "web"


def read(name: str) -> str:
    """The text of a file in web/."""
    return (WEB / name).read_text(encoding="utf-8")


def component(
    name: str, *, scripts: Sequence[str] = (), server: Sequence[Callable[[Any], Any]] = (), **props: Any
) -> gr.HTML:
    """web/<name>.html with its css and js, and before the js what all share and any further scripts.

    `server`: functions of one argument that the js may call. `props`: what it finds as props.<key>.
    """
    return gr.HTML(
        elem_id=name,
        html_template=read(f"{name}.html"),
        css_template=read("shared.css") + read(f"{name}.css"),
        js_on_load="\n".join(read(f"{part}.js") for part in ("shared", *scripts, name)),
        server_functions=list(server) or None,
        **props,
    )
