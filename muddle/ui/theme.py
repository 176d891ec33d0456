"""How the page looks, in one place: a restrained theme, one accent, system fonts so that nothing is fetched."""

import gradio as gr

CSS = """
:root { --muddle-digit: #0b6bcb; --muddle-target: #c2410c; }
.dark { --muddle-digit: #6cb6ff; --muddle-target: #ff9d5c; }
.gradio-container { max-width: 1120px !important; margin: 0 auto !important; }
.intro h1 { margin-bottom: 0.2rem; }
#digit label, #target label { padding: 0.35rem 0.6rem; }
"""


def theme() -> gr.themes.Base:
    """Gradio's default, with our accent and the visitor's own fonts."""
    return gr.themes.Default(
        primary_hue=gr.themes.colors.indigo,
        secondary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.slate,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
