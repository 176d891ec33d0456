"""The gate: only what the page needs is open, bodies are bounded, and every answer carries the security headers."""

import asyncio
import http.client
import json
import re
import socket
import threading
import urllib.parse

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from support.http import ask, call, post
from support.loops import finished

from muddle.errors import BusyError, RequestError
from muddle.ui import http as module
from muddle.ui.http import HUB, MAX_BODY, Gate, error_response, on_http_error, parse_json, security_headers

ROUTE = "/gradio_api/queue/join"
HEADERS = security_headers(on_space=False)


class Sent:
    """What the gate sent: status, headers and body."""

    def __init__(self):
        self.messages = []

    async def __call__(self, message):
        self.messages.append(message)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return {key.decode(): value.decode() for key, value in self.messages[0]["headers"]}

    @property
    def body(self):
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def code(self):
        return self.headers.get("x-error-code")


def parts(*bodies):
    """A request's body as a server hands it over; after the last part nothing comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]

    async def receive():
        return waiting.pop(0) if waiting else await asyncio.Event().wait()

    return receive


def whole(body):
    """A request's body in one part."""

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def never():
    pytest.fail("the body is not to be read")  # which is no Exception, so that nobody catches it


async def echo(scope, receive, send):
    """Answers with the body that it receives."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def gate(app=echo, checks=()):
    return Gate(app, frozenset({"/muddle.png"}), dict(checks), HEADERS)


def through(gate, receive=never, path=ROUTE, method="POST", headers=()):
    """The coroutine of a request through a gate, which results in what was sent."""
    sent = Sent()

    async def go():
        raw = [(key.encode(), value.encode()) for key, value in headers]
        await gate({"type": "http", "method": method, "path": path, "headers": raw}, receive, sent)
        return sent

    return go()


# By itself, around a stand-in for gradio.


def test_a_closed_address_a_second_content_type_and_a_file_are_refused_in_this_order_and_unread():
    two = [("content-type", "application/json"), ("content-type", "multipart/form-data; boundary=x")]
    file = [("content-type", "Multipart/Form-Data; boundary=x")]
    answers = [
        finished(through(gate(), path="/gradio_api/upload", headers=two)),
        finished(through(gate(), headers=two)),
        finished(through(gate(), headers=file)),
        finished(through(gate(), headers=file, method="GET")),
    ]
    assert [(answer.status, answer.code) for answer in answers] == [
        (404, "not-found"),
        (400, "bad-request"),
        (415, "no-files"),
        (415, "no-files"),
    ]


def test_a_body_is_passed_on_as_it_is_and_one_that_is_checked_as_its_check_says():
    checks = {re.compile("/gradio_api/call/(.*)"): lambda match, sent: [match[1], sent]}
    plain = finished(through(gate(checks=checks), whole(b"[ 1]"), headers=[("content-type", "text/plain")]))
    checked = finished(through(gate(checks=checks), whole(b"[ 1]"), path="/gradio_api/call/x"))
    assert (plain.body, json.loads(checked.body)) == (b"[ 1]", ["x", [1]])


def test_a_checked_body_calls_itself_json_and_has_its_own_length():
    async def told(scope, receive, send):
        assert (await receive())["body"] == b'"checked"'
        await send({"type": "http.response.start", "status": 200, "headers": scope["headers"]})

    checks = {re.compile(ROUTE): lambda match, sent: "checked"}
    sent = finished(through(gate(told, checks), whole(b"{}"), headers=[("content-type", "x"), ("content-length", "2")]))
    assert (sent.headers["content-type"], sent.headers["content-length"]) == ("application/json", "9")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"digit": NaN}', b"-Infinity"])
def test_what_is_no_json_is_a_request_error(body):
    with pytest.raises(RequestError) as error:
        parse_json(body)
    assert (error.value.code, error.value.status) == ("bad-json", 400)


def test_a_body_that_is_too_long_is_refused_before_it_has_arrived():
    received = 0

    async def endless():
        nonlocal received
        received += 1_000_000
        return {"type": "http.request", "body": bytes(1_000_000), "more_body": True}

    sent = finished(through(gate(), endless))
    assert (sent.status, sent.code) == (413, "too-large")
    assert received <= MAX_BODY + 1_000_000


def test_a_body_that_trickles_in_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MAX_SECONDS", 0.05)
    sent = finished(through(gate(), parts(b"{", b" ")))
    assert (sent.status, sent.code) == (408, "too-slow")


def test_bodies_on_their_way_are_bounded_together(monkeypatch):
    monkeypatch.setattr(module, "MAX_ARRIVING", 1000)
    shared = gate()

    async def scene():
        slow = asyncio.ensure_future(through(shared, parts(b"x" * 600)))
        await asyncio.sleep(0)
        refused = await through(shared, whole(b"x" * 600))
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
        return refused, await through(shared, whole(b"x" * 900))  # there is room again

    refused, accepted = finished(scene())
    assert (refused.status, refused.code) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert accepted.body == b"x" * 900


def test_a_busy_answer_says_when_to_come_back():
    below, beside = (error_response(BusyError(7, "Too much."), path) for path in (ROUTE, "/muddle.png"))
    for response in (below, beside):
        assert (response.status_code, response.headers["x-error-code"], response.headers["retry-after"]) == (
            503,
            "busy",
            "7",
        )
        assert response.headers["cache-control"] == "no-store"
    assert json.loads(below.body)["title"] == "busy"
    assert json.loads(below.body)["error"].encode() == beside.body


def test_what_starlette_refuses_keeps_its_headers():
    request = Request({"type": "http", "method": "GET", "path": "/mcp", "headers": []})
    response = finished(on_http_error(request, HTTPException(405, headers={"Allow": "POST"})))
    assert (response.status_code, response.headers["x-error-code"], response.headers["allow"]) == (
        405,
        "bad-method",
        "POST",
    )


def stream(*events):
    """An app that sends these parts one by one, and ends as gradio's streams may: with an error."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        raise RuntimeError("gradio ends a stream so")

    return app


def test_a_stream_that_says_that_there_is_no_job_is_a_404_and_any_other_passes():
    path, method = "/gradio_api/call/muddle/abc", "GET"
    absent = finished(through(gate(stream(b'event: error\ndata: "404: Not Found"\n\n')), path=path, method=method))
    assert (absent.status, absent.code) == (404, "unknown-job")
    events = [b"event: heartbeat\ndata: null\n\n", b'event: complete\ndata: ["404"]\n\n']
    there = finished(through(gate(stream(*events)), path=path, method=method))
    assert (there.status, there.body) == (200, b"".join(events))
    assert [message.get("more_body", False) for message in there.messages[1:]] == [True, True, False]


def test_after_its_end_an_answer_gets_no_more():
    async def app(scope, receive, send):
        await echo(scope, receive, send)
        raise RuntimeError("late")

    sent = finished(through(gate(app), whole(b"all")))
    assert [message["type"] for message in sent.messages] == ["http.response.start", "http.response.body"]


def test_what_gradio_cannot_understand_is_a_400_but_a_fault_of_ours_stays_one():
    async def app(scope, receive, send):
        raise TypeError("no idea")

    sent = finished(through(gate(app), whole(b"{}")))
    assert (sent.status, sent.code) == (400, "bad-request")
    with pytest.raises(TypeError):
        finished(through(gate(app), path="/muddle.png", method="GET"))


def test_the_security_headers_are_on_refusals_and_on_answers():
    for sent in (finished(through(gate(), whole(b""))), finished(through(gate(), path="/nowhere"))):
        assert HEADERS.items() <= {key.title(): value for key, value in sent.headers.items()}.items()


# Before the real gradio.

CLOSED = [  # to the disk, to other sites, to the operator's account, to figures, to what costs time
    "gradio_api/upload",
    "gradio_api/upload_progress?upload_id=x",
    "gradio_api/process_recording",
    "gradio_api/deep_link?session_hash=x",
    "gradio_api/file=/etc/passwd",
    "gradio_api/file=http://example.org/x",
    "gradio_api/file/etc/passwd",
    "gradio_api/proxy=http://example.org/x",
    "gradio_api/run/muddle",
    "gradio_api/api/muddle",
    "gradio_api/run-history/buckets",
    "gradio_api/run-history/connect",
    "gradio_api/runs",
    "gradio_api/dev/reload",
    "gradio_api/vibe-code",
    "gradio_api/stream/x/y/1/playlist.m3u8",
    "gradio_api/custom_component/x/client/y/z",
    "gradio_api/custom_component/x%0AERROR%20forged/client/y/z",
    "gradio_api/heartbeat/%01",
    "api/muddle",
    "monitoring/summary",
    "login",
    "user",
    "docs",
    "assets/" + "A" * 300,
    "static/../../../etc/passwd",
    "static/..%2f..%2f..%2fetc%2fpasswd",
]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("body", [None, b'{"data": [4]}'], ids=["GET", "POST"])
def test_what_the_page_does_not_need_is_closed(app, app_folder, path, body):
    begun = len((app_folder / "app.log").read_text())
    status, headers, _ = ask(f"{app}/{path}", body, **{"Content-Type": "application/json"})
    assert (status, headers["X-Error-Code"]) == (404, "not-found")
    log = (app_folder / "app.log").read_text()[begun:]
    assert "forged" not in log
    assert "passwd" not in log


FILE = b'--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\nHELLO\r\n--x--\r\n'


@pytest.mark.parametrize("path", ["call/v2/muddle", "queue/join"])
@pytest.mark.parametrize(
    "kinds", [["multipart/form-data; boundary=x", "application/json"], ["multipart/form-data; boundary=x"]]
)
def test_a_file_is_taken_under_no_name(app, app_folder, path, kinds):
    before = set((app_folder / "tmp").rglob("*"))
    connection = http.client.HTTPConnection(app.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", f"/gradio_api/{path}")
    for kind in kinds:
        connection.putheader("Content-Type", kind)
    connection.putheader("Content-Length", str(len(FILE)))
    connection.endheaders(FILE)
    with connection.getresponse() as answer:
        expected = (400, "bad-request") if len(kinds) > 1 else (415, "no-files")
        assert (answer.status, answer.headers["X-Error-Code"]) == expected
    connection.close()
    assert set((app_folder / "tmp").rglob("*")) == before


PLACES = [
    "/",
    "/muddle.png?digit=4",
    "/muddle.png?digit=x",
    "/nowhere",
    "/mcp",
    "/favicon.ico",
    "/gradio_api/mcp/schema",
    "/healthz",
    "/gradio_api/info",
    "/gradio_api/upload",
    "/gradio_api/call/muddle/nothing",
    "/gradio_api/queue/data",
]


@pytest.mark.parametrize("path", PLACES)
def test_every_answer_says_what_a_browser_must_not_do(app, path):
    _, headers, _ = ask(app + path)
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["X-Frame-Options"] is None  # a Space is shown in a frame


def test_a_space_may_ask_the_hub_and_no_other_page_may_ask_anybody():
    here, there = (security_headers(on_space)["Content-Security-Policy"] for on_space in (False, True))
    assert "https:" not in here
    assert there.replace(HUB, "") == here
    for kind in ("connect-src", "img-src"):
        assert HUB in next(rule for rule in there.split("; ") if rule.startswith(kind))


@pytest.mark.parametrize("origin", ["https://example.org", "null"])
def test_a_page_of_another_site_cannot_read_what_it_makes_a_visitor_ask(app, origin):
    for kind in ("text/plain", "application/json"):
        _, headers, _ = ask(f"{app}/gradio_api/call/about", b'{"data": []}', **{"Origin": origin, "Content-Type": kind})
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Set-Cookie"] is None


@pytest.fixture
def elsewhere():
    """The address of another site, and the list of who came."""
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            while True:
                visitor, address = server.accept()
                with visitor:
                    if visitor.recv(3) == b"end":
                        return
                visits.append(address)

        listener = threading.Thread(target=listen)
        listener.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x.png", visits
        with socket.create_connection(server.getsockname()) as last:
            last.sendall(b"end")
        listener.join()


def test_no_address_that_is_sent_is_fetched(app, elsewhere):
    address, visits = elsewhere
    file = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
    for value in (address, file, f"data:image/png;base64,{address}", f"file://{address}", "../../etc/passwd"):
        for name, place in (("muddle", 0), ("muddle", 1), ("muddle", 3), ("muddle_image", 0), ("muddle_image", 1)):
            assert call(app, name, [*[4, None, "balanced"][:place], value])[0].startswith("bad-")
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "muddle_image", "arguments": {}}}
        asked["params"]["arguments"] = {"image": value}
        assert post(f"{app}/mcp", asked)[2]["result"]["isError"]
        assert post(f"{app}/page/reading", value)[:2] == (400, "bad-image")
        query = urllib.parse.urlencode({"image": str(value)})
        assert ask(f"{app}/muddle.png?{query}")[0] == 400
    for kind in ("X-Forwarded-Host", "Referer", "X-Gradio-History-Bucket"):
        assert ask(f"{app}/", **{kind: address})[0] == 200
    assert not visits


def test_a_flood_of_headers_is_answered_and_the_next_visitor_too(app):
    for headers in ([(f"X-{i}", "y") for i in range(5000)], [("X-Long", "y" * 1_000_000)]):
        connection = http.client.HTTPConnection(app.removeprefix("http://"), timeout=30)
        try:
            connection.putrequest("GET", "/healthz")
            for header in headers:
                connection.putheader(*header)
            connection.endheaders()
            with connection.getresponse() as answer:
                assert answer.status in (200, 400, 431)
        except ConnectionError:
            pass  # closed in the middle of it, which will do
        finally:
            connection.close()
        assert ask(f"{app}/healthz")[0] == 200
