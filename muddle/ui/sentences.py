"""An expected error as an answer to a plain address: its text, its code, and when to try again if that matters."""

from starlette.responses import PlainTextResponse

from muddle.errors import BusyError, MuddleError


def in_a_sentence(error: MuddleError) -> PlainTextResponse:
    """The answer, which nobody keeps; errors that name no status are 400."""
    headers = {"X-Error-Code": error.code, "Cache-Control": "no-store"}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(error.seconds)
    return PlainTextResponse(str(error), getattr(error, "status", 400), headers)
