"""The page: its tabs, each a component of ours, whose scripts ask page_data.py for what they show."""

from collections.abc import Sequence

import gradio as gr

from muddle.ui import asset, read_static
from muddle.ui.api import Api, add_endpoints
from muddle.ui.networks import Networks

TITLE = "MNIST Muddle"


def build(networks: Networks) -> gr.Blocks:
    """The whole page and the API, not yet launched."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 6 * 3600)) as page:
        gr.HTML(f'<h1>{TITLE}</h1><a class="skip" href="#result">Skip the tabs</a>', elem_id="title", padding=False)
        with gr.Tabs():
            for name, label in {"muddle": "Morph", "draw": "Draw", "guess": "Guess", "pairs": "All pairs"}.items():
                with _tab(name, label):
                    if name != "muddle":  # what that shows, drawings share: it is below the tabs
                        component(name)
            with _tab("about", "About"):
                component("about")
        component("result", styles=("jury",), own_script=False)  # the page's head has it
        add_endpoints(page, Api(networks))
    return page


def _tab(name: str, label: str) -> gr.Tab:
    """A tab, which tells the scripts when it is opened."""
    tab = gr.Tab(label, id=name, elem_id=f"tab-{name}")
    opened = f"() => document.dispatchEvent(new CustomEvent('muddle:tab', {{ detail: '{name}' }}))"
    tab.select(None, None, None, js=opened, api_visibility="private", show_progress="hidden")
    return tab


def component(name: str, *, styles: Sequence[str] = (), own_script: bool = True) -> gr.HTML:
    """A component of ours: static/<name>.html with its css, after that of all and of `styles`, and its script."""
    start = f"import(new URL('{asset(f'{name}.js')}', document.baseURI)).then((script) => script.start(element));"
    return gr.HTML(
        elem_id=name,
        html_template=read_static(f"{name}.html"),
        css_template="".join(read_static(f"{part}.css") for part in ("shared", *styles, name)),
        js_on_load=start if own_script else None,
    )


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
