import base64
import io
import json

import numpy as np
import pytest
from mcp import Client
from PIL import Image
from support.http import ask
from support.loops import finished

from muddle.images.codecs import png
from muddle.recipe import Recipe
from muddle.ui.mcp import PATHS, SCHEMA, VERSIONS, list_tools

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def talk(app, work, path="/mcp", **options):
    """The result of the coroutine function `work` with a connected official client."""

    async def go():
        async with Client(app + path, **options) as client:
            return await work(client)

    return finished(go())


def use(app, tool, **arguments):
    return talk(app, lambda client: client.call_tool(tool, arguments))


def post(app, body, **headers):
    """Status and body of the answer to a JSON, or to bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = ask(f"{app}/mcp", data, **{"Content-Type": "application/json", **headers})
    return status, answer


def large(picture):
    """The pixels of a tool's picture, 280 x 280."""
    assert (picture.type, picture.mime_type) == ("image", "image/png")
    return np.array(Image.open(io.BytesIO(base64.b64decode(picture.data))))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_finds_the_tools(app, mode):
    tools = {tool.name: tool for tool in talk(app, lambda client: client.list_tools(), mode=mode).tools}
    assert set(tools) == {"muddle", "muddle_image", "about"}
    digit = tools["muddle"].input_schema["properties"]["digit"]
    assert (digit["minimum"], digit["maximum"]) == (0, 9)
    assert tools["muddle"].input_schema["required"] == ["digit"]
    assert tools["muddle_image"].input_schema["required"] == ["image"]
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        for name, schema in tool.input_schema["properties"].items():
            assert len(schema["description"]) > 20
            assert f"\n    {name}: {schema['description']}" in tool.description


def test_the_hub_finds_the_tools_where_gradio_has_them(app):
    status, headers, answer = ask(app + SCHEMA)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    listed = json.loads(answer)
    assert listed == list_tools()
    assert all(tool.keys() >= {"name", "description", "inputSchema"} for tool in listed)
    for path in PATHS:
        called = talk(app, lambda client: client.call_tool("muddle", {"digit": 4, "seed": 7}), path=path)
        assert not called.is_error
        assert {tool.name for tool in talk(app, lambda client: client.list_tools(), path=path).tools} == {
            tool["name"] for tool in listed
        }


def test_no_tool_takes_the_flag_of_the_api_alone():
    assert all("only_picture" not in tool["inputSchema"]["properties"] for tool in list_tools())


def test_a_muddle_comes_as_a_picture_and_as_json(app, muddler):
    picture, text = use(app, "muddle", digit=4, target=9, seed=7, balance=0.3).content
    m = muddler.muddle(4, 9, seed=7, balance=0.3)
    assert large(picture).shape == (280, 280)
    assert (large(picture)[5::10, 5::10] == m.image).all()
    details = json.loads(text.text)
    assert details["soft_label"] == m.soft_label.tolist()
    assert details["scores"] == vars(m.scores)
    assert len(text.text) < 2000
    assert details["link"] == f"{app}/{details['query']}"
    assert (muddler.make([Recipe.from_query(details["query"])])[0].image == m.image).all()


def test_a_given_picture_is_muddled(app, muddler):
    source = muddler.bundle.exemplars.images[1020].numpy()
    picture, text = use(app, "muddle_image", image=base64.b64encode(png(source)).decode(), target=9).content
    assert (large(picture)[5::10, 5::10] == muddler.muddle_image(source, target=9).image).all()
    assert json.loads(text.text)["target"] == 9


def test_about_can_be_read_in_one_go(app, muddler):
    (text,) = use(app, "about").content
    assert json.loads(text.text)["bundle"]["version"] == muddler.version
    assert len(text.text) < 10_000


WRONG = [
    ("muddle", {"digit": 11}, "bad-digit"),
    ("muddle", {"digit": 4, "balance": "x"}, "bad-balance"),
    ("muddle", {}, "missing-parameter"),
    ("muddle", {"digit": 4, "colour": "red"}, "unknown-parameter"),
    ("muddle", {"digit": 4, "strategy": ["best"]}, "bad-strategy"),
    ("muddle", {"digit": 4, "only_picture": True}, "unknown-parameter"),
    ("muddle", {"digit": 4, "source": 0}, "bad-source"),
    ("muddle_image", {"image": "/etc/passwd"}, "bad-image"),
    ("muddle_image", {"image": "http://127.0.0.1:1/x.png"}, "bad-image"),
    ("muddle_image", {"image": {"path": "/etc/passwd"}}, "bad-image"),
    ("about", {"digit": 4}, "unknown-parameter"),
]


@pytest.mark.parametrize(("tool", "arguments", "code"), WRONG, ids=[f"{w[0]}-{w[1]}" for w in WRONG])
def test_an_error_reaches_the_agent_as_a_sentence_with_its_code(app, tool, arguments, code):
    _, answer = post(app, {**PING, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
    result = json.loads(answer)["result"]
    assert result["isError"]
    assert result["content"][0]["text"].startswith(f"{code}: ")


def test_the_official_client_sees_that_error(app):
    assert use(app, "muddle", digit=11).is_error


MALFORMED = [
    (b"", 400, -32700),
    (b"{", 400, -32700),
    (b"[" * 100_000, 400, -32700),
    ([PING], 400, -32600),
    ({**PING, "jsonrpc": "1.0"}, 400, -32600),
    ({**PING, "method": 7}, 400, -32600),
    ({**PING, "id": None}, 400, -32600),
    ({**PING, "id": True}, 400, -32600),
    ({**PING, "params": []}, 400, -32600),
    ({**PING, "method": "resources/list"}, 200, -32601),
    ({**PING, "method": "tools/call"}, 200, -32602),
    ({**PING, "method": "tools/call", "params": {"name": ["muddle"]}}, 200, -32602),
    ({**PING, "method": "tools/call", "params": {"name": "muddle", "arguments": [4]}}, 200, -32602),
]


@pytest.mark.parametrize(("body", "status", "code"), MALFORMED, ids=[f"{m[0]!r:.60}" for m in MALFORMED])
def test_what_is_no_request_is_a_json_rpc_error(app, body, status, code):
    got, answer = post(app, body)
    assert (got, json.loads(answer)["error"]["code"]) == (status, code)


def test_a_request_needs_no_session_and_a_notification_no_answer(app):
    assert post(app, PING) == (200, b'{"jsonrpc": "2.0", "id": 1, "result": {}}')
    assert post(app, {**PING, "id": "\ud800"})[0] == 200
    assert post(app, {"jsonrpc": "2.0", "method": "notifications/initialized"}) == (202, b"")


@pytest.mark.parametrize("wanted", [*VERSIONS, "1999-01-01", None])
def test_a_client_gets_the_version_that_it_wants_or_the_newest(app, wanted):
    _, answer = post(app, {**PING, "method": "initialize", "params": {"protocolVersion": wanted}})
    assert json.loads(answer)["result"]["protocolVersion"] == (wanted if wanted in VERSIONS else "2025-11-25")


def test_a_version_of_the_protocol_that_is_not_spoken_is_told_which_are(app):
    status, answer = post(app, PING, **{"Mcp-Protocol-Version": "1999-01-01"})
    assert status == 400
    assert json.loads(answer)["error"]["data"] == {"supported": list(VERSIONS), "requested": "1999-01-01"}


def test_there_is_no_stream_to_wait_for(app):
    status, headers, _ = ask(f"{app}/mcp")
    assert (status, headers["Allow"]) == (405, "POST")
