"""The log: a line for each request, and what the service says of itself. No images, no addresses, no inputs."""

import logging
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the process with the networks logs too, and needs no web server for it
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("muddle")
GRADIO = ("/assets/", "/static/", "/gradio_api/", "/theme.css", "/manifest.json", "/favicon", "/robots.txt", "/config")


def begin() -> None:
    """Sends the log to standard error, a line each: when, how grave, what."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
        log.addHandler(handler)
        log.propagate = False
    log.setLevel(logging.INFO)


def log_request(route: str, seconds: float, outcome: str) -> None:
    """One request: the route or event that answered it, how long that took, and "ok", a status or an error's code."""
    log.info("route=%s ms=%.0f outcome=%s", route, 1000 * seconds, outcome)


class Log:
    """Middleware that logs what is asked of our own routes. The page's events and the API log themselves when they are
    answered, so of gradio's requests only those that fail are told here.

    `routes`: the paths that are named in the log; any other is "other".
    """

    def __init__(self, app: "ASGIApp", routes: frozenset[str]):
        self.app, self.routes = app, routes

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Passes a request on and notes the status of its answer."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status, code = time.monotonic(), 499, ""  # 499: the visitor has gone before there was an answer

        async def noted(message: "Message") -> None:
            nonlocal status, code
            if message["type"] == "http.response.start":
                status = message["status"]
                code = dict(message["headers"]).get(b"x-error-code", b"").decode("latin-1")
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except BaseException:
            status = 500
            raise
        finally:
            path = scope["path"]
            known = path in self.routes
            silent = (status < 400 and (not known or path == "/healthz")) or status == 499
            if not silent:
                route = path if known else "gradio" if path.startswith(GRADIO) else "other"
                log_request(route, time.monotonic() - began, f"{status} {code}".strip())
