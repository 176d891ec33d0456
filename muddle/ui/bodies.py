"""The body of a request as JSON: read once, never more than fits a picture, and no surprise that is not a sentence."""

import json
from typing import Any, NoReturn

from starlette.types import Receive

from muddle.errors import RequestError
from muddle.ui.answers import MAX_PICTURE

MAX_BODY = MAX_PICTURE + 100_000


async def read(receive: Receive) -> bytes:
    """All of a request's body. Raises RequestError when it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise RequestError("too-large", f"The request is too long: {MAX_BODY:,} bytes are the most.", 413)
        if not message.get("more_body"):
            return bytes(body)


def parse(body: bytes) -> Any:
    """What a text of JSON says. Raises RequestError."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RequestError("bad-json", "The request's body must be JSON.") from error


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity, which Python reads and JSON does not know
