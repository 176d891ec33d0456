"""The body of a request as JSON: read once, never more than fits a picture, and no surprise that is not a sentence."""

import asyncio
import json
from typing import Any, NoReturn

from starlette.types import Receive

from muddle.errors import BusyError, RequestError
from muddle.ui.answers import MAX_PICTURE

MAX_BODY = MAX_PICTURE + 100_000
MAX_SECONDS = 30  # that a body may take to arrive
MAX_ARRIVING = 64_000_000  # bytes of all bodies that are on their way


class Bodies:
    """Reads the bodies of requests, which together never hold more than MAX_ARRIVING."""

    def __init__(self) -> None:
        self._arriving = 0

    async def read(self, receive: Receive) -> bytes:
        """All of a request's body. Raises RequestError when it is too long, or too long on its way."""
        body = bytearray()
        try:
            async with asyncio.timeout(MAX_SECONDS):
                while True:
                    message = await receive()
                    part = message.get("body", b"")
                    body += part
                    self._arriving += len(part)
                    if len(body) > MAX_BODY:
                        text = f"The request is too long: {MAX_BODY:,} bytes are the most."
                        raise RequestError("too-large", text, 413)
                    if self._arriving > MAX_ARRIVING:
                        raise BusyError(MAX_SECONDS, "Too much is being sent here.")
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError as error:
            raise RequestError("too-slow", f"The request did not arrive within {MAX_SECONDS} seconds.", 408) from error
        finally:
            self._arriving -= len(body)


def parse(body: bytes) -> Any:
    """What a text of JSON says. Raises RequestError."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RequestError("bad-json", "The request's body must be JSON.") from error


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity, which Python reads and JSON does not know
