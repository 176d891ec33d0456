"""The Space: find the bundle, build the page, launch it."""

from muddle import Muddler
from muddle.ui.page import launch


def main() -> None:
    """Serves the page at http://127.0.0.1:7860, or where gradio's GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say."""
    launch(Muddler.from_pretrained())


if __name__ == "__main__":
    main()
