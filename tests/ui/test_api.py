import base64
import contextlib
import inspect
import io
import json
import os
import urllib.request

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import Client as McpClient
from PIL import Image
from support.http import ask, call, post
from support.loops import finished
from support.processes import ROOT

from muddle import cli
from muddle.errors import ArgumentError
from muddle.images.codecs import png
from muddle.recipe import STRATEGIES, Recipe
from muddle.ui import api as module
from muddle.ui.api import Api, as_gradio_error, schemas

PROMISED = ROOT / "tests/ui/api.json"


@pytest.fixture(scope="module")
def client(app):
    return Client(app, verbose=False)


def pixels(uri):
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.fixture(scope="module")
def endpoints(app):
    """gradio's description of the API."""
    with urllib.request.urlopen(f"{app}/gradio_api/info", timeout=60) as answer:
        return json.load(answer)["named_endpoints"]


def promise(endpoint):
    """The parts of an endpoint's description that a caller's code depends on."""
    return {
        "parameters": {
            p["parameter_name"]: {
                **{key: part for key, part in p["type"].items() if "description" not in key},
                "required": not p["parameter_has_default"],
                "python": p["python_type"]["type"],
            }
            for p in endpoint["parameters"]
        },
        "returns": [r["type"] for r in endpoint["returns"]],
    }


def test_the_api_is_what_was_promised(endpoints):
    """A change breaks callers; where it is meant: MUDDLE_WRITE_API=1 python -m pytest tests/ui/test_api.py -k promised

    The endpoints are /muddle, /muddle_image and /about, and no others.
    """
    now = {name: promise(endpoint) for name, endpoint in endpoints.items()}
    if os.environ.get("MUDDLE_WRITE_API"):
        PROMISED.write_text(json.dumps(now, indent=1) + "\n")
    assert now == json.loads(PROMISED.read_text())


def test_every_parameter_is_described_with_a_default_that_agrees_and_an_example(endpoints, client):
    for name, endpoint in endpoints.items():
        for p in endpoint["parameters"]:
            assert len(p["python_type"]["description"]) > 20, p
            assert p["parameter_default"] == p["type"].get("default"), p
            assert p["parameter_has_default"] == ("default" in p["type"]), p
        example = {p["parameter_name"]: p["example_input"] for p in endpoint["parameters"]}
        assert client.predict(**example, api_name=name), name


def test_the_strategies_are_those_of_the_library():
    for name in ("muddle", "muddle_image"):
        assert schemas()[name]["strategy"]["enum"] == list(STRATEGIES)


def defaults(function):
    """The defaults of a function's parameters by name, but for itself and the request."""
    parameters = inspect.signature(function).parameters.items()
    return {name: p.default for name, p in parameters if name not in ("self", "request")}


def test_the_defaults_are_those_of_the_library(muddler):
    for name, work in {"muddle": muddler.muddle, "muddle_image": muddler.muddle_image}.items():
        described = {key: s.get("default", inspect.Parameter.empty) for key, s in schemas()[name].items()}
        assert described == {**defaults(work), "only_picture": False}
        assert defaults(getattr(Api, name)) == described


def by_python(app, muddler, folder):
    return muddler.muddle(4).image


def by_recipe(app, muddler, folder):
    return muddler.make([Recipe(digit=4)])[0].image


def by_link(app, muddler, folder):
    return muddler.make([Recipe.from_query("?digit=4")])[0].image


def by_address(app, muddler, folder):
    return np.array(Image.open(io.BytesIO(ask(f"{app}/muddle.png?digit=4")[2])))[5::10, 5::10]


def by_position(app, muddler, folder):
    return pixels(call(app, "muddle", [4])[1]["muddle"])


def by_name(app, muddler, folder):
    return pixels(call(app, "muddle", {"digit": 4})[1]["muddle"])


def by_tool(app, muddler, folder):
    async def go():
        async with McpClient(f"{app}/mcp") as client:
            return await client.call_tool("muddle", {"digit": 4})

    picture, _ = finished(go()).content
    return np.array(Image.open(io.BytesIO(base64.b64decode(picture.data))))[5::10, 5::10]


def by_command(app, muddler, folder):
    assert cli.main(["make", "4", "--scale", "1", "-o", str(folder / "m.png")]) == 0
    return np.array(Image.open(folder / "m.png"))


WAYS = [by_python, by_recipe, by_link, by_address, by_position, by_name, by_tool, by_command]


@pytest.mark.parametrize("way", WAYS)
def test_a_seed_that_is_left_out_is_0_by_every_way_in(way, app, muddler, tmp_path):
    assert (way(app, muddler, tmp_path) == muddler.muddle(4, seed=0).image).all()


def test_a_stranger_can_read_the_answer(client, muddler):
    answer = client.predict(digit=4, target=9, seed=7, balance=0.3, api_name="/muddle")
    m = muddler.muddle(4, 9, seed=7, balance=0.3)
    given = {key: answer[key] for key in ("digit", "target", "seed", "strategy", "steps", "balance", "pick", "t")}
    assert given == {key: getattr(m, key) for key in given}
    assert len(answer["soft_label"]) == 10
    assert answer["bundle"]["fingerprint"] == muddler.fingerprint[:12]
    assert "revision" in answer["bundle"]
    assert answer["link"] == "/" + answer["query"]
    again = muddler.make([Recipe.from_query(answer["query"])])[0]
    assert (again.image == pixels(answer["muddle"])).all()
    assert (m.image == pixels(answer["muddle"])).all()


def test_the_picture_can_be_had_alone(client, muddler):
    m = muddler.muddle(4, 9, seed=7)
    alone = client.predict(digit=4, target=9, seed=7, only_picture=True, api_name="/muddle")
    assert (pixels(alone) == m.image).all()
    alone = client.predict(image=base64.b64encode(png(m.source)).decode(), only_picture=True, api_name="/muddle_image")
    assert (pixels(alone) == muddler.muddle_image(m.source).image).all()


def test_the_api_gives_the_bytes_that_python_gives(app, muddler):
    code, over_http = call(app, "muddle", [4, 9, "balanced", 11, 7])
    here = muddler.muddle(4, 9, seed=7)
    assert code is None
    assert (pixels(over_http["muddle"]) == here.image).all()
    assert (pixels(over_http["source"]) == here.source).all()
    assert (np.stack([pixels(frame) for frame in over_http["frames"]]) == here.frames).all()
    assert over_http["soft_label"] == here.soft_label.tolist()
    assert over_http["probabilities"] == here.probabilities.tolist()
    assert over_http["scores"] == vars(here.scores)
    assert (over_http["t"], over_http["pick"]) == (here.t, here.pick)


def test_a_number_may_be_written_as_javascript_may_write_it(app, muddler):
    code, answer = call(app, "muddle", {"digit": 4.0, "target": 9.0, "seed": 7.0, "steps": 11.0})
    assert (code, answer["digit"], answer["seed"]) == (None, 4, 7)
    assert (pixels(answer["muddle"]) == muddler.muddle(4, 9, seed=7).image).all()


def test_the_target_may_be_left_to_the_latent_space(app, muddler):
    assert call(app, "muddle", {"digit": 3, "seed": 1})[1]["target"] == muddler.muddle(3, seed=1).target


def test_a_given_image_comes_back_as_the_source(app, muddler):
    image = muddler.muddle(6, seed=2, strategy="midpoint").source
    text = base64.b64encode(png(image)).decode()
    for form in (text, "data:image/png;base64," + text):
        _, over_http = call(app, "muddle_image", {"image": form, "target": 0, "seed": 5})
        assert (pixels(over_http["source"]) == image).all()
        assert (pixels(over_http["muddle"]) == muddler.muddle_image(image, target=0, seed=5).image).all()


def test_about_names_the_bundle_and_its_report(client, muddler):
    about = client.predict(api_name="/about")
    assert about["bundle"]["name"] == "embedded"
    assert muddler.fingerprint.startswith(about["bundle"]["fingerprint"])
    assert about["report"]["strategies"].keys() == {"balanced", "midpoint", "farthest"}


def test_a_source_can_be_chosen(app, muddler):
    _, over_http = call(app, "muddle", {"digit": 4, "target": 9, "source": 1020})
    assert (pixels(over_http["source"]) == muddler.bundle.exemplars.images[1020].numpy()).all()
    assert call(app, "muddle", {"digit": 4, "source": 3})[0] == "bad-source"


def test_a_picture_of_another_size_is_scaled_and_centred(app, muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    large = base64.b64encode(png(image, scale=10)).decode()
    source = pixels(call(app, "muddle_image", {"image": large, "digit": 4, "target": 9})[1]["source"])
    assert np.abs(source.astype(int) - image).mean() < 15


WRONG = [
    {"digit": 11},
    {"digit": None},
    {"digit": True},
    {"digit": 4.5},
    {"digit": "x"},
    {"target": 4},
    {"steps": 1},
    {"strategy": "best"},
    {"strategy": ["best"]},
    {"balance": 1.5},
    {"balance": "0.5"},
    {"balance": 0.3, "strategy": "midpoint"},
    {"only_picture": "yes"},
    {"source": 10**9},
    {"seed": -1},
]


@pytest.mark.parametrize("change", WRONG, ids=map(str, WRONG))
def test_wrong_arguments_are_a_sentence_and_a_code(app, change):
    name = next(iter(change))
    code, content = call(app, "muddle", {"digit": 4, **change})
    assert code == "bad-" + name.replace("_", "-")
    assert content["error"].startswith(f"{name} must be ")
    assert content["error"].endswith(".")


def test_the_official_client_raises_the_sentence_with_its_code(client):
    with pytest.raises(AppError, match=r"^digit must be ") as error:
        client.predict(digit=11, api_name="/muddle")
    assert error.value.title == "bad-digit"


@pytest.mark.parametrize("image", ["", "no image", "A" * 200_000, base64.b64encode(b"GIF89a").decode(), None, 7])
def test_what_is_no_picture_is_a_sentence(app, image):
    code, content = call(app, "muddle_image", {"image": image})
    assert code == "bad-image"
    assert content["error"].endswith(".")


MALFORMED = [
    ("call/v2/muddle", b"", 400, "bad-json"),
    ("call/v2/muddle", b"{", 400, "bad-json"),
    ("call/v2/muddle", b"\xff\xfe", 400, "bad-json"),
    ("call/v2/muddle", b"[" * 100_000, 400, "bad-json"),
    ("call/v2/muddle", b'{"digit": NaN}', 400, "bad-json"),
    ("call/v2/muddle", [4], 400, "bad-body"),
    ("call/v2/muddle", None, 400, "bad-body"),
    ("call/v2/muddle", {}, 400, "missing-parameter"),
    ("call/v2/muddle", {"digit": 4, "colour": "red"}, 400, "unknown-parameter"),
    ("call/v2/muddle_image", {"digit": 4}, 400, "missing-parameter"),
    ("call/v2/about", {"digit": 4}, 400, "unknown-parameter"),
    ("call/v2/nothing", {}, 404, "unknown-endpoint"),
    ("call/v2/show", {}, 404, "unknown-endpoint"),
    ("call/muddle", b"", 400, "bad-json"),
    ("call/muddle", [4], 400, "bad-body"),
    ("call/muddle", {"digit": 4}, 400, "bad-data"),
    ("call/muddle", {"data": {"digit": 4}}, 400, "bad-data"),
    ("call/muddle", {"data": []}, 400, "missing-parameter"),
    ("call/muddle", {"data": list(range(9))}, 400, "unknown-parameter"),
    ("call/nothing", {"data": []}, 404, "unknown-endpoint"),
    ("call/by_link", {"data": []}, 404, "unknown-endpoint"),
    ("run/muddle", {"data": [4]}, 404, "not-found"),
    ("api/muddle", {"data": [4]}, 404, "not-found"),
    ("queue/join", [], 400, "unknown-event"),
    ("queue/join", {"fn_index": 999, "data": []}, 400, "unknown-event"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), MALFORMED, ids=[f"{m[0]}-{m[1]!r:.30}" for m in MALFORMED])
def test_what_gradio_would_not_understand_is_a_sentence_and_a_code(app, path, body, status, code):
    got, given, answer = post(f"{app}/gradio_api/{path}", body)
    assert (got, given) == (status, code), answer
    assert answer["title"] == code
    assert answer["error"].endswith(".")


def test_a_call_by_number_with_too_few_values_is_a_sentence_and_a_code(app):
    events = json.loads(ask(f"{app}/config")[2])["dependencies"]
    (number,) = [event["id"] for event in events if event["api_name"] == "muddle"]
    for data in ([], None, {"digit": 4}):
        body = {"fn_index": number, "data": data, "session_hash": "x"}
        assert post(f"{app}/gradio_api/queue/join", body)[:2] == (400, "bad-data")


def test_the_page_itself_has_no_function_that_could_be_called(app):
    events = json.loads(ask(f"{app}/config")[2])["dependencies"]
    assert {event["api_name"] for event in events if event["backend_fn"]} == {"muddle", "muddle_image", "about"}


@pytest.mark.parametrize("error", [None, ArgumentError("digit", 11, "a digit"), ZeroDivisionError()])
def test_every_call_is_logged_with_its_outcome_and_an_expected_error_is_a_sentence(monkeypatch, error):
    lines = []
    monkeypatch.setattr(module, "log_request", lambda route, seconds, outcome: lines.append((route, outcome)))

    async def work():
        if error:
            raise error

    expected = gr.Error if isinstance(error, ArgumentError) else type(error)
    with pytest.raises(expected) if error else contextlib.nullcontext() as caught:
        finished(as_gradio_error(work)())
    assert lines == [("work", getattr(error, "code", type(error).__name__) if error else "ok")]
    if expected is gr.Error:
        assert (caught.value.message, caught.value.title) == ("digit must be a digit, not 11.", "bad-digit")
        assert caught.value.print_exception is False


def test_what_more_a_call_says_is_nothing_to_gradio(app, muddler):
    """A file, a function's number, a batch: only the values are passed on."""
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert call(app, "muddle", [file])[0] == "bad-digit"
    body = {"data": [4], "fn_index": 0, "batched": True, "session_hash": "another"}
    status, _, job = post(f"{app}/gradio_api/call/muddle", body)
    _, _, answer = ask(f"{app}/gradio_api/call/muddle/{job['event_id']}")
    (content,) = json.loads(answer.decode().split("data: ")[1].split("\n")[0])
    assert (status, content["seed"]) == (200, 0)


def test_a_body_is_read_as_json_whatever_it_calls_itself(app):
    assert post(f"{app}/gradio_api/call/v2/about", b"{}", "text/plain")[0] == 200


def test_a_body_that_is_too_long_is_refused(app):
    assert post(f"{app}/gradio_api/call/v2/muddle_image", {"image": "A" * 7_200_000})[:2] == (413, "too-large")


def test_values_by_position_may_end_where_the_rest_has_defaults(app, muddler):
    _, answer = call(app, "muddle", [4, 9])
    assert (pixels(answer["muddle"]) == muddler.muddle(4, 9).image).all()


def test_a_job_that_is_not_there_is_a_sentence_and_a_code(app):
    status, headers, answer = ask(f"{app}/gradio_api/call/muddle/nothing")
    assert (status, headers["X-Error-Code"], json.loads(answer)["title"]) == (404, "unknown-job", "unknown-job")
