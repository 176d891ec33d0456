"""What gradio's API lets in: direct calls skip its checks, so what it would answer with a bare 500 stops here."""

import gc
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muddle.errors import BusyError, RequestError
from muddle.ui.api import public
from muddle.ui.bodies import Bodies, parse
from muddle.ui.endpoints import Parameters, check_names
from muddle.ui.log import log

CALL = re.compile(r"/gradio_api/(call/v2|call|run|api)/([^/]*)/?")
JOB = re.compile(r"/gradio_api/call/.+/.+")
JOIN = re.compile(r"/gradio_api/queue/join/?")
EVENT = ("data", "session_hash", "fn_index", "event_data", "trigger_id")  # what an event of the page says
CODES = {404: "unknown-endpoint", 422: "bad-body", 503: "busy"}
LARGE = 1_000_000  # bytes of a body after which memory is tidied up: gradio keeps what refers to itself
STATUS = {"busy": 503, "internal": 500}  # of our own errors; any other is the caller's
NO_JOB = RequestError("unknown-job", "There is no such job, or its answer has been fetched already.", 404)


class Gate:
    """Middleware that turns what is wrong with a call into a 4xx with a sentence and a code, in JSON and X-Error-Code.

    `controls`: from which components each event of the page takes its values, by the event's number.
    """

    def __init__(self, app: ASGIApp, controls: Mapping[int, Sequence[Any]], bodies: Bodies):
        self.app, self.controls, self.bodies, self.endpoints = app, controls, bodies, public()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it can be understood; nothing that a visitor sends becomes a traceback."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path, posted, large = scope["path"], scope["method"] == "POST", False
        call = CALL.fullmatch(path) if posted else None
        answer = Answer(send, plain=call is not None, job=scope["method"] == "GET" and bool(JOB.fullmatch(path)))
        try:
            if dict(scope["headers"]).get(b"content-type", b"").lower().startswith(b"multipart/"):
                raise RequestError("no-files", "Files are not taken here; send a picture in base64.", 415)
            if not path.startswith("/gradio_api/"):
                return await self.app(scope, receive, send)
            if posted:
                body = await self.bodies.read(receive)
                large = len(body) > LARGE
                if call:
                    body = json.dumps(self._call(call[1], call[2], parse(body))).encode()
                elif JOIN.fullmatch(path):
                    body = json.dumps(self._event(parse(body))).encode()
                scope, receive = _with_body(scope, receive, body, ours=bool(call))
            await self.app(scope, receive, answer)
        except RequestError as error:
            await answer.refuse(error)
        except Exception as error:
            if answer.done:  # all has been said; gradio ends some streams so
                return
            expected = isinstance(error.__cause__ or error, HTTPException)
            if not path.startswith("/gradio_api/") or (answer.started and not expected):
                raise
            if not expected:
                log.warning("a request that gradio cannot understand: %s", type(error).__name__)
            await answer.refuse(RequestError("bad-request", "This request cannot be understood."))
        finally:
            if large:
                gc.collect()

    def _call(self, way: str, name: str, sent: Any) -> dict[str, Any]:
        """What a direct call asks for, in the form that gradio wants it in. Raises RequestError."""
        if name not in self.endpoints:
            known = ", ".join(f"/{name}" for name in self.endpoints)
            raise RequestError("unknown-endpoint", f"There is no endpoint {name[:40]!r}; there are {known}.", 404)
        own = self.endpoints[name]
        if not isinstance(sent, dict):
            raise RequestError("bad-body", "The request's body must be a JSON object.")
        if way == "call/v2":
            check_names(sent, own)
            return {key: _scalar(value) for key, value in sent.items()}
        return {"data": _positional(sent.get("data"), own)}

    def _event(self, sent: Any) -> dict[str, Any]:
        """The same for an event of the page, by which clients call too."""
        number = sent.get("fn_index") if isinstance(sent, dict) else None
        if type(number) is not int or number not in self.controls:
            raise RequestError("unknown-event", "The request must name an event of the page.")
        data, controls = sent.get("data"), self.controls[number]
        if not isinstance(data, list) or len(data) != len(controls):
            raise RequestError("bad-data", f"The event takes a list of {len(controls)} values as data.")
        values = [_scalar(value) for value in data]
        for control, value in zip(controls, values, strict=True):
            if not _can_be(control, value):
                raise RequestError("bad-data", f"The control {control.label!r} cannot have the value {value!r:.40}.")
        return {**{key: sent[key] for key in EVENT if key in sent}, "data": values}


class Answer:
    """An answer on its way out: started, done, or still to be replaced by a refusal.

    `plain`: errors are rewritten as ours; `job`: held until its first event, which may say that there is no such job.
    """

    def __init__(self, send: Send, *, plain: bool, job: bool):
        self._send, self._plain, self._job = send, plain, job
        self.started = self.done = False
        self._held: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        """Takes the place of `send`."""
        if self.done:
            return
        if message["type"] == "http.response.start":
            if self._job or (self._plain and message["status"] >= 400):
                self._held = message
                return
            self.started = True
        elif self._held is not None and message["type"] == "http.response.body":
            if self._job:
                if message.get("body", b"").startswith(b'event: error\ndata: "404'):
                    return await self.refuse(NO_JOB)
                self.started = True
                await self._send(self._held)
                self._held = None
            else:
                self._body += message.get("body", b"")
                return None if message.get("more_body") else await self.refuse(_understood(self._held, self._body))
        await self._send(message)

    async def refuse(self, error: RequestError) -> None:
        """Answers with an error instead; what has begun already just ends."""
        if self.started:
            await self._send({"type": "http.response.body", "body": b""})
        else:
            content = json.dumps({"error": str(error), "title": error.code}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
            headers += [(b"x-error-code", error.code.encode("ascii", "replace")), (b"cache-control", b"no-store")]
            if isinstance(error, BusyError):
                headers.append((b"retry-after", str(error.seconds).encode()))
            await self._send({"type": "http.response.start", "status": error.status, "headers": headers})
            await self._send({"type": "http.response.body", "body": content})
        self.done = True


def _understood(start: Message, body: bytes) -> RequestError:
    """gradio's own refusal in our words: an expected error of a function is the caller's, so 400 and not 500."""
    status, told = start["status"], {}
    if body.startswith(b"{"):
        told = json.loads(body)
    text = told.get("error") or told.get("detail")
    if status == 500 and told.get("error"):
        code = told.get("title", "error")
        return RequestError(code, text, STATUS.get(code, 400))
    sentence = text if isinstance(text, str) else "Something went wrong here, which is not your fault."
    return RequestError(CODES.get(status, "internal"), sentence, status)


def _positional(data: Any, own: Parameters) -> list[Any]:
    """Values by position, those at the end that have a default filled in. Raises RequestError."""
    if not isinstance(data, list):
        raise RequestError("bad-data", 'The request\'s body must be {"data": [...]}, the values in order.')
    if len(data) > len(own):
        raise RequestError("unknown-parameter", f"There are {len(data)} values, and {len(own)} parameters.")
    check_names(dict(zip(own, data, strict=False)), own)
    return [*(_scalar(value) for value in data), *(schema.get("default") for schema in list(own.values())[len(data) :])]


def _can_be(control: Any, value: Any) -> bool:
    """Whether a control can have a value, where gradio would log a traceback if not."""
    if isinstance(control, gr.Radio):
        return value in [choice for _, choice in control.choices]
    if not isinstance(control, gr.Number | gr.Slider):
        return True
    if value is None:
        return isinstance(control, gr.Number)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return False
    return isinstance(control, gr.Number) or control.minimum <= value <= control.maximum


def _scalar(value: Any) -> Any:
    """A value as it is; a list or an object, which nothing here takes and gradio may take for a file, as mere text."""
    return "[...]" if isinstance(value, list) else "{...}" if isinstance(value, dict) else value


def _with_body(scope: Scope, receive: Receive, body: bytes, *, ours: bool) -> tuple[Scope, Receive]:
    """The same request with this body; one of `ours` calls itself JSON, whatever the caller called it."""
    dropped = (b"content-type", b"content-length") if ours else (b"content-length",)
    headers = [(key, value) for key, value in scope["headers"] if key.lower() not in dropped]
    headers += [(b"content-type", b"application/json")] * ours + [(b"content-length", str(len(body)).encode())]
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return {**scope, "headers": headers}, again
