"""The Space: start loading the bundle, build the page meanwhile, serve it."""

import sys


def main() -> None:
    """Serves the page at http://127.0.0.1:7860, or where gradio's GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say."""
    from muddle.errors import MuddleError
    from muddle.ui.service import Service

    service = Service()
    service.start()  # before the import of gradio, which takes seconds: the two go on side by side
    from muddle.ui.serve import serve

    try:
        serve(service)
    except MuddleError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
