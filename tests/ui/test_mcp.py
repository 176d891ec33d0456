import asyncio
import base64
import io
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from mcp import Client
from PIL import Image

from muddle.recipe import Recipe
from muddle.images.codecs import png


def talk(app, work, **options):
    """What the coroutine function `work` makes of a connected official client."""

    async def go():
        async with Client(f"{app}/mcp", **options) as client:
            return await work(client)

    with ThreadPoolExecutor(1) as thread:  # of its own, since the browser of other tests keeps a loop in this one
        return thread.submit(lambda: asyncio.run(go())).result(60)


def use(app, tool, **arguments):
    return talk(app, lambda client: client.call_tool(tool, arguments))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_finds_the_tools(app, mode):
    tools = {tool.name: tool for tool in talk(app, lambda client: client.list_tools(), mode=mode).tools}
    assert set(tools) == {"muddle", "muddle_image", "about"}
    digit = tools["muddle"].input_schema["properties"]["digit"]
    assert (digit["minimum"], digit["maximum"]) == (0, 9)
    assert tools["muddle"].input_schema["required"] == ["digit"]
    assert "Args:\n    digit: The digit to start from, 0 to 9." in tools["muddle"].description
    for tool in tools.values():
        assert tool.annotations.read_only_hint
        assert all(len(schema["description"]) > 20 for schema in tool.input_schema["properties"].values())


def test_a_muddle_comes_as_a_picture_and_as_json(app, muddler):
    picture, text = use(app, "muddle", digit=4, target=9, seed=7, balance=0.3).content
    m = muddler.muddle(4, 9, seed=7, balance=0.3)
    assert (picture.type, picture.mime_type) == ("image", "image/png")
    large = np.array(Image.open(io.BytesIO(base64.b64decode(picture.data))))
    assert large.shape == (280, 280)
    assert (large[5::10, 5::10] == m.image).all()
    told = json.loads(text.text)
    assert told["soft_label"] == m.soft_label.tolist()
    assert told["scores"] == vars(m.scores)
    assert len(text.text) < 2000
    assert told["link"] == f"{app}/{told['query']}"
    assert (Recipe.from_query(told["query"]).make(muddler).image == m.image).all()


def test_a_given_picture_is_muddled(app, muddler):
    source = muddler.bundle.exemplars.images[1020].numpy()
    picture, text = use(app, "muddle_image", image=base64.b64encode(png(source)).decode(), target=9).content
    large = np.array(Image.open(io.BytesIO(base64.b64decode(picture.data))))
    assert (large[5::10, 5::10] == muddler.muddle_image(source, target=9).image).all()
    assert json.loads(text.text)["target"] == 9


def test_about_can_be_read_in_one_go(app, muddler):
    (text,) = use(app, "about").content
    assert json.loads(text.text)["bundle"]["version"] == muddler.version
    assert len(text.text) < 10_000


WRONG = [
    ("muddle", {"digit": 11}, "bad-digit: digit 11 is not possible: give a whole number from 0 to 9."),
    ("muddle", {"digit": 4, "balance": "x"}, "bad-balance: "),
    ("muddle", {}, "missing-parameter: "),
    ("muddle", {"digit": 4, "colour": "red"}, "unknown-parameter: "),
    ("muddle", {"digit": 4, "strategy": ["best"]}, "bad-strategy: "),
    ("muddle_image", {"image": "/etc/passwd"}, "bad-image: "),
    ("muddle_image", {"image": "http://127.0.0.1:1/x.png"}, "bad-image: "),
    ("muddle_image", {"image": {"path": "/etc/passwd"}}, "bad-image: "),
    ("about", {"digit": 4}, "unknown-parameter: "),
]


@pytest.mark.parametrize(("tool", "arguments", "text"), WRONG, ids=[f"{w[0]}-{w[1]}" for w in WRONG])
def test_an_error_reaches_the_agent_as_a_sentence_with_its_code(app, tool, arguments, text):
    result = use(app, tool, **arguments)
    assert result.is_error
    assert result.content[0].text.startswith(text)


def post(app, body, **headers):
    asked = {"Content-Type": "application/json", **headers}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{app}/mcp", data, asked), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
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


def test_a_version_of_the_protocol_that_is_not_spoken_is_told_which_are(app):
    status, answer = post(app, PING, **{"Mcp-Protocol-Version": "1999-01-01"})
    assert (status, json.loads(answer)["error"]["data"]["supported"][0]) == (400, "2025-11-25")


def test_there_is_no_stream_to_wait_for(app):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{app}/mcp", timeout=30)
    with error.value as answer:
        assert answer.code == 405
