"""Some three hundred hostile requests: no 5xx but busy, no traceback in the log, nothing on the disk."""

import http.client
import json
import socket
import string
import urllib.error
import urllib.parse
import urllib.request

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from support.http import ask

from muddle.export.serialize import data_uri
from muddle.recipe import PARAMETERS
from muddle.ui.routes import FILES


def attempts(count):
    """The same requests on every run, and no shrinking: a failure names the request that did it."""
    checks = [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ]
    return settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=checks
    )


@pytest.fixture(scope="module", autouse=True)
def unharmed(app, app_folder):
    """Around all tests of this file: the app's log and disk are as good after them as before."""
    before, begun = files(app_folder), len(log(app_folder))
    yield
    assert "Traceback" not in log(app_folder)[begun:]
    assert files(app_folder) == before
    with urllib.request.urlopen(f"{app}/healthz", timeout=30) as answer:
        assert json.load(answer)["status"] == "ready"


def files(folder):
    return {path for path in (folder / "tmp").rglob("*")}


def log(folder):
    return (folder / "app.log").read_text(errors="replace")


def check(status, headers, body):
    """The answer is no 5xx, unless the queue is full."""
    assert status < 500 or (status == 503 and headers["X-Error-Code"] == "busy"), body[:500]
    assert b"Traceback" not in body


@pytest.fixture(scope="module")
def described(app):
    """Our three calls as gradio's OpenAPI document describes them."""
    with urllib.request.urlopen(f"{app}/gradio_api/openapi.json", timeout=30) as answer:
        document = json.load(answer)
    ours = [f"/gradio_api/call/v2/{name}" for name in ("muddle", "muddle_image", "about")]
    document["paths"] = {path: document["paths"][path] for path in ours}
    for path in document["paths"].values():  # gradio leaves out which must be there, and that no others may be
        schema = path["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema["required"] = [key for key, own in schema["properties"].items() if "default" not in own]
        schema["additionalProperties"] = False
    return schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", ["muddle", "muddle_image", "about"])
def test_what_the_openapi_document_allows_and_forbids(app, described, muddler, name, mode):
    picture = data_uri(muddler.bundle.exemplars.images[1020].numpy())
    operation = described[f"/gradio_api/call/v2/{name}"]["POST"]
    seen = []

    @attempts(20 if name == "about" else 40)
    @given(operation.as_strategy(generation_mode=mode))
    def attack(case):
        body = None if case.body is schemathesis.core.NOT_SET else case.body
        if name == "muddle_image" and isinstance(body, dict) and len(seen) % 2:
            body["image"] = picture
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, answer = ask(f"{app}/gradio_api/call/v2/{name}", data, **{"Content-Type": "application/json"})
        check(status, headers, answer)
        seen.append(status)
        assert status == 200 or mode != GenerationMode.POSITIVE, answer
        if status == 200:
            job = json.loads(answer)["event_id"]
            status, headers, answer = ask(f"{app}/gradio_api/call/{name}/{job}")
            check(status, headers, answer)
            event, content = answer.decode().split("\n")[:2]
            assert event == "event: complete" or json.loads(content.removeprefix("data: "))["error"], answer

    attack()
    assert seen


letters = st.text(string.printable + "٣é\0\ud7ff", max_size=20)
nasty = st.sampled_from(
    [
        "",
        "null",
        "nan",
        "-1",
        "1e9",
        "٣",
        "4\0",
        "../../etc/passwd",
        "9" * 5000,
        "<script>",
        "%00",
        "0x4",
        "[]",
        "{}",
        "+",
    ]
)
pairs = st.tuples(st.sampled_from(list(PARAMETERS)) | letters, nasty | letters | st.integers().map(str))
queries = st.lists(pairs, max_size=6).map(lambda fields: urllib.parse.urlencode(fields)) | st.text(
    "".join(sorted(set(string.printable) - set(string.whitespace) - {"#"})), max_size=60
)


def test_queries_of_the_plain_addresses(app):
    @attempts(80)
    @given(
        st.sampled_from([*(path.removeprefix("/") for path in FILES), "networks.safetensors", "map.json", "healthz"]),
        queries,
        st.sampled_from(["GET"] * 6 + ["HEAD", "POST", "PUT"]),
    )
    def attack(name, query, method):
        status, headers, body = ask(f"{app}/{name}?{query}", method=method)
        check(status, headers, body)
        if status == 400:
            assert headers["X-Error-Code"].startswith("bad-")

    attack()


@pytest.mark.parametrize(
    "query", [b"digit=\xff", b"digit=%ff%fe", b"image=" + b"A" * 60_000, b"=&=&;;&&=", b"digit[]=4"]
)
def test_bytes_that_are_no_text(app, query):
    host, port = app.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(b"GET /muddle.png?" + query + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with http.client.HTTPResponse(connection) as answer:
            answer.begin()
            check(answer.status, answer.headers, answer.read())


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
methods = st.sampled_from(
    ["initialize", "tools/list", "tools/call", "ping", "server/discover", "notifications/initialized"]
)
arguments = st.dictionaries(
    st.sampled_from(["digit", "target", "steps", "balance", "image", "x"]), anything, max_size=4
)
params = anything | st.fixed_dictionaries(
    {"name": st.sampled_from(["muddle", "muddle_image", "about", "x"]), "arguments": arguments}
)
whole = {"jsonrpc": st.just("2.0"), "id": st.integers(), "method": methods, "params": params}
requests = st.fixed_dictionaries(whole) | st.fixed_dictionaries({**whole, "method": st.just("tools/call")})
broken = st.sampled_from(list(whole)).flatmap(lambda key: st.fixed_dictionaries({**whole, key: anything}))


def test_malformed_json_rpc(app):
    @attempts(60)
    @given((requests | broken | anything).map(json.dumps).map(str.encode) | st.binary(max_size=40))
    def attack(body):
        status, headers, answer = ask(f"{app}/mcp", body, **{"Content-Type": "application/json"})
        check(status, headers, answer)
        if status != 202:
            message = json.loads(answer)
            assert message["jsonrpc"] == "2.0"
            assert ("error" in message) != ("result" in message)

    attack()


def test_events_of_the_page_with_values_that_no_control_gives(app):
    with urllib.request.urlopen(f"{app}/config", timeout=30) as answer:
        events = [event for event in json.load(answer)["dependencies"] if event["backend_fn"]]
    fitting = st.sampled_from(events).flatmap(
        lambda event: st.tuples(
            st.just(event["id"]), st.lists(anything, min_size=len(event["inputs"]), max_size=len(event["inputs"]))
        )
    )

    @attempts(60)
    @given(fitting | st.tuples(anything, st.lists(anything, max_size=8)), anything)
    def attack(event, clicked):
        body = {"fn_index": event[0], "data": event[1], "session_hash": "hostile", "event_data": clicked}
        status, headers, answer = ask(
            f"{app}/gradio_api/queue/join", json.dumps(body).encode(), **{"Content-Type": "application/json"}
        )
        check(status, headers, answer)
        if status == 200:
            with urllib.request.urlopen(f"{app}/gradio_api/queue/data?session_hash=hostile", timeout=30) as stream:
                assert b"process_completed" in stream.read()

    attack()


@pytest.mark.parametrize(
    "path", ["component_server", "cancel", "reset", "stream/x", "stream/x/close", "process_recording", "run/muddle"]
)
def test_gradios_other_addresses(app, path):
    for body in (
        b"",
        b"[]",
        b'{"session_hash": "x", "component_id": 9999, "fn_name": "look", "data": 1, "event_id": "x"}',
    ):
        for kind in ("application/json", "multipart/form-data; boundary=x"):
            check(*ask(f"{app}/gradio_api/{path}", body, **{"Content-Type": kind}))


@pytest.mark.parametrize("path", ["call/muddle/x", "call/v2/muddle/x", "queue/data?session_hash=x", "file=/etc/passwd"])
def test_what_is_not_there(app, path):
    check(*ask(f"{app}/gradio_api/{path}"))
