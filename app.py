"""The Space: serve the page at http://127.0.0.1:7860, or where GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say."""

import sys


def main() -> None:
    """Serve the page until it is interrupted; a bundle that cannot be used is a sentence on standard error."""
    from muddle.errors import MuddleError
    from muddle.ui.serve import serve

    try:
        serve()
    except MuddleError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
