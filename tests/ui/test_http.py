"""Only what the page needs is open, and whatever is answered says what a browser must not do with it."""

import http.client
import json
import socket
import threading
import urllib.parse

import pytest
from support.http import ask, post

from muddle.ui.headers import HEADERS

CLOSED = [  # to the disk, to other sites, to the operator's account, to figures, to what costs time
    "gradio_api/upload",
    "gradio_api/upload_progress?upload_id=x",
    "gradio_api/process_recording",
    "gradio_api/deep_link?session_hash=x",
    "gradio_api/file=/etc/passwd",
    "gradio_api/file=http://example.org/x",
    "gradio_api/file/etc/passwd",
    "gradio_api/proxy=http://example.org/x",
    "gradio_api/run-history/buckets",
    "gradio_api/run-history/connect",
    "gradio_api/runs",
    "gradio_api/dev/reload",
    "gradio_api/vibe-code",
    "gradio_api/stream/x/y/1/playlist.m3u8",
    "gradio_api/custom_component/x/client/y/z",
    "gradio_api/custom_component/x%0AERROR%20forged/client/y/z",
    "gradio_api/heartbeat/%01",
    "monitoring/summary",
    "login",
    "user",
    "assets/" + "A" * 300,
    "static/../../../etc/passwd",
    "static/..%2f..%2f..%2fetc%2fpasswd",
]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("body", [None, b"{}"], ids=["GET", "POST"])
def test_what_the_page_does_not_need_is_closed(app, app_folder, path, body):
    begun = len((app_folder / "app.log").read_text())
    status, headers, answer = ask(f"{app}/{path}", body, **{"Content-Type": "application/json"})
    assert (status, headers["X-Error-Code"], answer) == (404, "not-found", b"There is nothing here.")
    log = (app_folder / "app.log").read_text()[begun:]
    assert "forged" not in log
    assert "passwd" not in log


FORM = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\nHELLO\r\n--x--\r\n'


@pytest.mark.parametrize("path", ["component_server", "call/v2/muddle", "queue/join"])
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
        assert (answer.status, answer.headers["X-Error-Code"]) in [(400, "bad-request"), (415, "no-files")]
    connection.close()
    assert set((app_folder / "tmp").rglob("*")) == before


@pytest.mark.parametrize("path", ["/", "/muddle.png?digit=4", "/muddle.png?digit=x", "/nowhere", "/gradio_api/info"])
def test_every_answer_says_what_a_browser_must_not_do(app, path):
    _, headers, _ = ask(app + path)
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["X-Frame-Options"] is None  # a Space is shown in a frame


@pytest.mark.parametrize("origin", ["https://example.org", "null"])
def test_a_page_of_another_site_cannot_read_what_it_makes_a_visitor_ask(app, origin):
    for kind in ("text/plain", "application/json"):
        _, headers, _ = ask(f"{app}/gradio_api/run/about", b'{"data": []}', **{"Origin": origin, "Content-Type": kind})
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Set-Cookie"] is None


@pytest.fixture
def elsewhere():
    """The address of another site, and whether anybody came."""
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        done = threading.Event()

        def listen():
            while not done.is_set():
                try:
                    visits.append(server.accept()[1])
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen)
        listener.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/x.png", visits
        done.set()
        listener.join()


def test_no_address_that_is_sent_is_fetched(app, elsewhere):
    address, visits = elsewhere
    file = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
    for value in (address, file, f"data:image/png;base64,{address}", f"file://{address}", "../../etc/passwd"):
        for data in ([value], [4, value], [4, None, value], [4, None, "balanced", value]):
            for name in ("muddle", "muddle_image"):
                assert post(f"{app}/gradio_api/run/{name}", {"data": data})[0] == 400
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "muddle_image", "arguments": {}}}
        asked["params"]["arguments"] = {"image": value}
        assert post(f"{app}/mcp", asked)[0] < 500
        status, _, answer = ask(
            f"{app}/gradio_api/component_server",
            json.dumps({"session_hash": "x", "component_id": 0, "fn_name": "look", "data": value}).encode(),
            **{"Content-Type": "application/json"},
        )
        assert status < 500, answer
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
