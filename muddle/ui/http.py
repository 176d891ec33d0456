"""The gate before gradio: open addresses, checked bodies, security headers; every refusal is a sentence with a code."""

import asyncio
import gc
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muddle.errors import BusyError, MuddleError, RequestError
from muddle.ui.log import log, log_request

API, PAGE = "/gradio_api/", "/page/"  # gradio's addresses, and those of our page's own scripts
_NAME = r"[\w.@-]{1,100}"
# Of gradio's addresses those that the page and its callers need. The others lead to the disk, to other sites or to the
# operator's own account. Source: gradio/routes.py of the pinned version.
OPEN = re.compile(
    rf"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/pwa_icon(/{_NAME})?"
    rf"|/(assets|static|svelte)(/{_NAME}){{1,4}}"
    rf"|/gradio_api/(info|openapi\.json|app_id|startup-events|queue/(join|data|status)|cancel|reset)/?"
    rf"|/gradio_api/heartbeat/{_NAME}"
    rf"|/gradio_api/call/(v2/)?[^/]{{1,100}}/?"
    rf"|/gradio_api/call/[^/]{{1,100}}(/v2)?/{_NAME}",
    re.ASCII,
)
JOB = re.compile(r"/gradio_api/call/.+/.+")
MAX_BODY = 7_100_000  # bytes: a picture in base64 and some
MAX_ARRIVING = 64_000_000  # bytes of all bodies that are on their way
MAX_SECONDS = 30  # that a body may take to arrive
LARGE = 1_000_000  # bytes of a body after which garbage is collected: gradio keeps cycles that hold it

# Scripts and styles within the page, and `eval`, are gradio's way; from another site comes nothing, and nothing goes to
# one, but on a Space to the Hub, which gradio's client asks whether the Space runs, and from which it takes the header
# with the Space's author. Who may frame the page is left open: a Space is shown in a frame.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:{hub}",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:{hub}",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'none'",
}
HUB = " https://huggingface.co https://*.huggingface.co"  # the latter: avatars


def security_headers(on_space: bool) -> dict[str, str]:
    """The headers of every answer; on a Space the page may ask the Hub."""
    policy = "; ".join(f"{what} {where.format(hub=HUB if on_space else '')}" for what, where in POLICY.items())
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",  # an address may hold a drawing
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    }


Check = Callable[[re.Match[str], Any], Any]  # from an address and the JSON that is sent there to the JSON to pass on


def client_of(request: Any) -> str:
    """The client's address, used for fair turns only and never stored. Behind a proxy of a private network uvicorn has
    put the address there that this proxy saw, which the client itself cannot write."""
    return request.client.host if request is not None and request.client else ""


def error_response(error: MuddleError, path: str) -> Response:
    """An error as an uncacheable answer: JSON for gradio's clients and our page, else text; its status, else 400."""
    headers = {"X-Error-Code": error.code, "Cache-Control": "no-store"}
    if isinstance(error, BusyError):
        headers["Retry-After"] = str(error.seconds)
    status = getattr(error, "status", 400)
    if path.startswith((API, PAGE)):
        return JSONResponse({"error": str(error), "title": error.code}, status, headers)
    return PlainTextResponse(str(error), status, headers)


async def on_muddle_error(request: Request, error: Exception) -> Response:
    """Starlette's handler of our own errors."""
    assert isinstance(error, MuddleError)
    return error_response(error, request.url.path)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's handler of the errors that gradio's routes name themselves."""
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "bad-method", 503: "busy"}.get(error.status_code, "bad-request")
    text = error.detail if isinstance(error.detail, str) else "This request cannot be understood."
    response = error_response(RequestError(code, text, error.status_code), request.url.path)
    response.headers.update(error.headers or {})  # such as which methods are allowed
    return response


class Gate:
    """Middleware through which every request goes: checked, answered, logged.

    own: the addresses of our routes. checks: by a pattern of an address, the check of the JSON that is posted there.
    headers: those of every answer.
    """

    def __init__(
        self, app: ASGIApp, own: frozenset[str], checks: Mapping[re.Pattern[str], Check], headers: Mapping[str, str]
    ):
        self.app, self.own, self.checks, self.headers = app, own, checks, headers
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it can be understood; nothing that a visitor sends becomes a traceback."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request, path, began, size = Request(scope, receive), scope["path"], time.monotonic(), 0
        reply = _Reply(send, self.headers, holds_job=scope["method"] == "GET" and JOB.fullmatch(path) is not None)
        try:
            self._check_head(request, path)
            if scope["method"] == "POST":
                scope, receive, size = await self._checked(request, path)
            await self.app(scope, receive, reply)
        except MuddleError as error:
            await reply.refuse(error_response(error, path))
        except Exception as error:
            if not path.startswith(API):
                raise
            if not reply.started and not reply.done:  # else gradio ends a stream so
                log.warning("a request that gradio cannot understand: %s", type(error).__name__)
            await reply.refuse(error_response(RequestError("bad-request", "This request cannot be understood."), path))
        finally:
            if size > LARGE:
                gc.collect()
            self._log(path, reply, time.monotonic() - began)

    def _check_head(self, request: Request, path: str) -> None:
        """Raises RequestError for an address that is closed, two kinds of content, or a file."""
        if path not in self.own and not OPEN.fullmatch(path):
            raise RequestError("not-found", "There is nothing here.", 404)
        kinds = request.headers.getlist("content-type")
        if len(kinds) > 1:  # whoever looks next might believe the other
            raise RequestError("bad-request", "A request has one kind of content.")
        if kinds and kinds[0].lower().startswith("multipart/"):
            raise RequestError("no-files", "Files are not taken here; send a picture in base64.", 415)

    async def _checked(self, request: Request, path: str) -> tuple[Scope, Receive, int]:
        """The request with its body read and, if its address has a check, checked; the bytes. Raises RequestError."""
        body = await self._body(request)
        headers = MutableHeaders(raw=list(request.scope["headers"]))
        for pattern, check in self.checks.items():
            if match := pattern.fullmatch(path):
                body = json.dumps(check(match, parse_json(body))).encode()
                headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else await request.receive()

        return {**request.scope, "headers": headers.raw}, receive, len(body)

    async def _body(self, request: Request) -> bytes:
        """All of a request's body. Raises RequestError when it is too long, or too long on its way."""
        body = bytearray()
        try:
            async with asyncio.timeout(MAX_SECONDS):
                async for part in request.stream():
                    body += part
                    self._arriving += len(part)
                    if len(body) > MAX_BODY:
                        raise RequestError("too-large", f"The request is longer than {MAX_BODY:,} bytes.", 413)
                    if self._arriving > MAX_ARRIVING:
                        raise BusyError(MAX_SECONDS, "Too much is being sent here.")
        except TimeoutError as error:
            raise RequestError("too-slow", f"The request did not arrive within {MAX_SECONDS} seconds.", 408) from error
        finally:
            self._arriving -= len(body)
        return bytes(body)

    def _log(self, path: str, reply: "_Reply", seconds: float) -> None:
        """Log our own routes, and failures elsewhere; the page's events and the API log themselves."""
        known = path in self.own or path == "/"
        if (reply.status >= 400 or (known and path != "/healthz")) and reply.status != GONE:
            route = path if known else "gradio" if OPEN.fullmatch(path) else "other"
            log_request(route, seconds, f"{reply.status} {reply.code}".strip())


GONE = 499  # the status of a visitor who has left before there was an answer


class _Reply:
    """An answer on its way out: with headers added, and as long as it has not started, still to be refused.

    holds_job: the answer is a stream whose first event may say that there is no such job.
    """

    def __init__(self, send: Send, headers: Mapping[str, str], holds_job: bool):
        self._send, self._headers, self._holds_job = send, headers, holds_job
        self._held: Message | None = None
        self.started, self.done, self.status, self.code = False, False, GONE, ""

    async def __call__(self, message: Message) -> None:
        """Takes the place of `send`."""
        if self.done:
            return
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            self.status, self.code = message["status"], headers.get("x-error-code", "")
            if self._holds_job:
                self._held = message
                return
        elif self._held is not None:
            if message.get("body", b"").startswith(b'event: error\ndata: "404'):
                text = "There is no such job, or its answer has been fetched already."
                return await self.refuse(error_response(RequestError("unknown-job", text, 404), API))
            await self._send(self._held)
            self._held = None
        self.started = True
        self.done = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def refuse(self, response: Response) -> None:
        """Answer with this response instead; what has started already just ends."""
        if self.done:
            return
        self._held, self._holds_job = None, False
        if self.started:
            await self._send({"type": "http.response.body", "body": b""})
            self.done = True
        else:
            await response({"type": "http"}, _nothing, self)


async def _nothing() -> Message:
    raise RuntimeError("a response reads nothing")


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises RequestError."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RequestError("bad-json", "The request's body must be JSON.") from error


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity, which Python reads and JSON does not know
