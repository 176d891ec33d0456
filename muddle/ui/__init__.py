"""The page and its API. The one door to gradio."""
