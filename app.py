"""The Space: find the bundle, build the page, launch it."""

import sys

from muddle import Muddler
from muddle.errors import MuddleError
from muddle.ui.page import launch


def main() -> None:
    """Serves the page at http://127.0.0.1:7860, or where gradio's GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say."""
    try:
        muddler = Muddler.from_pretrained()
    except MuddleError as error:
        sys.exit(str(error))
    launch(muddler)


if __name__ == "__main__":
    main()
