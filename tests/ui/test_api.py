import base64
import inspect
import io
import json
import os
import urllib.error
import urllib.request

import numpy as np
import pytest
from support.http import post
from support.processes import ROOT
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from muddle.arguments import STRATEGIES
from muddle.recipe import Recipe
from muddle.images.codecs import png
from muddle.ui import endpoints

PROMISED = ROOT / "tests/api.json"


@pytest.fixture(scope="module")
def client(app):
    return Client(app, verbose=False)


def pixels(uri):
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))))


def test_the_public_endpoints_are_these(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/muddle", "/muddle_image", "/about"}


def described(app):
    """The parts of gradio's description that a caller's code depends on."""
    with urllib.request.urlopen(f"{app}/gradio_api/info", timeout=60) as answer:
        info = json.load(answer)["named_endpoints"]
    return {
        name: {
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
        for name, endpoint in info.items()
    }


def test_the_api_is_what_was_promised(app):
    """A change breaks callers; where it is meant: MUDDLE_WRITE_API=1 python -m pytest tests/test_api.py -k promised"""
    now = described(app)
    if os.environ.get("MUDDLE_WRITE_API"):
        PROMISED.write_text(json.dumps(now, indent=1) + "\n")
    assert now == json.loads(PROMISED.read_text())


def test_every_parameter_is_described_with_a_default_that_agrees_and_an_example(app, client):
    with urllib.request.urlopen(f"{app}/gradio_api/info", timeout=60) as answer:
        info = json.load(answer)["named_endpoints"]
    for name, endpoint in info.items():
        for p in endpoint["parameters"]:
            assert len(p["python_type"]["description"]) > 20, p
            assert p["parameter_default"] == p["type"].get("default"), p
            assert p["parameter_has_default"] == ("default" in p["type"]), p
        example = {p["parameter_name"]: p["example_input"] for p in endpoint["parameters"]}
        assert client.predict(**example, api_name=name), name


def test_the_strategies_are_those_of_the_library():
    for name in ("muddle", "muddle_image"):
        assert endpoints.parameters()[name]["strategy"]["enum"] == list(STRATEGIES)


def test_the_defaults_are_those_of_the_library(muddler):
    library = {"muddle": muddler.muddle, "muddle_image": muddler.muddle_image}
    for name, work in library.items():
        theirs = {key: p.default for key, p in inspect.signature(work).parameters.items()}
        ours = {
            key: schema.get("default", inspect.Parameter.empty) for key, schema in endpoints.parameters()[name].items()
        }
        assert ours == theirs


def test_a_stranger_can_read_the_answer(client, muddler):
    answer = client.predict(digit=4, target=9, seed=7, balance=0.3, api_name="/muddle")
    m = muddler.muddle(4, 9, seed=7, balance=0.3)
    given = {key: answer[key] for key in ("digit", "target", "seed", "strategy", "steps", "balance", "pick", "t")}
    assert given == {key: getattr(m, key) for key in given}
    assert len(answer["soft_label"]) == 10
    assert answer["bundle"]["fingerprint"] == muddler.bundle.fingerprint[:12]
    assert "revision" in answer["bundle"]
    assert answer["link"] == "/" + answer["query"]
    assert (Recipe.from_query(answer["query"]).make(muddler).image == pixels(answer["muddle"])).all()
    assert (m.image == pixels(answer["muddle"])).all()


def test_the_picture_can_be_had_alone(client, muddler):
    m = muddler.muddle(4, 9, seed=7)
    alone = client.predict(digit=4, target=9, seed=7, only_picture=True, api_name="/muddle")
    assert (pixels(alone) == m.image).all()
    alone = client.predict(image=base64.b64encode(png(m.source)).decode(), only_picture=True, api_name="/muddle_image")
    assert (pixels(alone) == muddler.muddle_image(m.source).image).all()


def test_the_api_gives_the_bytes_that_python_gives(client, muddler):
    over_http = client.predict(digit=4, target=9, seed=7, api_name="/muddle")
    here = muddler.muddle(4, 9, seed=7)
    assert (pixels(over_http["muddle"]) == here.image).all()
    assert (pixels(over_http["source"]) == here.source).all()
    assert (np.stack([pixels(frame) for frame in over_http["frames"]]) == here.frames).all()
    assert over_http["soft_label"] == here.soft_label.tolist()
    assert over_http["probabilities"] == here.probabilities.tolist()
    assert over_http["scores"] == vars(here.scores)
    assert (over_http["t"], over_http["pick"]) == (here.t, here.pick)


def test_the_target_may_be_left_to_the_latent_space(client, muddler):
    assert client.predict(digit=3, seed=1, api_name="/muddle")["target"] == muddler.muddle(3, seed=1).target


def test_a_given_image_comes_back_as_the_source(client, muddler):
    image = muddler.muddle(6, seed=2, strategy="midpoint").source
    text = base64.b64encode(png(image)).decode()
    for form in (text, "data:image/png;base64," + text):
        over_http = client.predict(image=form, target=0, seed=5, api_name="/muddle_image")
        assert (pixels(over_http["source"]) == image).all()
        assert (pixels(over_http["muddle"]) == muddler.muddle_image(image, target=0, seed=5).image).all()


def test_about_names_the_bundle_and_its_report(client, muddler):
    about = client.predict(api_name="/about")
    assert about["bundle"]["name"] == "embedded"
    assert muddler.bundle.fingerprint.startswith(about["bundle"]["fingerprint"])
    assert about["report"]["strategies"].keys() == {"balanced", "midpoint", "farthest"}


WRONG = [
    ({"digit": 11}, "digit 11 is not possible"),
    ({"digit": None}, "digit None is not possible"),
    ({"digit": True}, "digit True is not possible"),
    ({"digit": 4.5}, "digit 4.5 is not possible"),
    ({"digit": "x"}, "digit 'x' is not possible"),
    ({"target": 4}, "it must differ from the digit"),
    ({"steps": 1}, "give a whole number from 2 to 64"),
    ({"strategy": "best"}, "choose one of balanced, midpoint, farthest"),
    ({"strategy": ["best"]}, "choose one of balanced, midpoint, farthest"),
    ({"balance": 1.5}, "give a number from 0 to 1"),
    ({"balance": "0.5"}, "give a number from 0 to 1"),
    ({"balance": 0.3, "strategy": "midpoint"}, "midpoint knows no balance"),
    ({"only_picture": "yes"}, "give true or false"),
    ({"source": 10**9}, "give a whole number from 0 to"),
    ({"seed": -1}, "give a whole number from 0 to 4294967295"),
]


@pytest.mark.parametrize(("change", "text"), WRONG, ids=[str(change) for change, _ in WRONG])
def test_wrong_arguments_are_a_sentence_and_a_code(client, change, text):
    with pytest.raises(AppError, match=text) as error:
        client.predict(**{"digit": 4, **change}, api_name="/muddle")
    assert error.value.title == "bad-" + next(iter(change)).replace("_", "-")


@pytest.mark.parametrize("image", ["", "no image", "A" * 200_000, base64.b64encode(b"GIF89a").decode(), None, 7])
def test_what_is_no_picture_is_a_sentence(client, image):
    with pytest.raises(AppError, match=r"^image .* is not possible: "):
        client.predict(image=image, api_name="/muddle_image")


def test_a_picture_of_another_size_is_scaled_and_centred(client, muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    large = base64.b64encode(png(image, scale=10)).decode()
    source = pixels(client.predict(image=large, digit=4, target=9, api_name="/muddle_image")["source"])
    assert np.abs(source.astype(int) - image).mean() < 15


def test_a_source_can_be_chosen(client, muddler):
    over_http = client.predict(digit=4, target=9, source=1020, api_name="/muddle")
    assert (pixels(over_http["source"]) == muddler.bundle.exemplars.images[1020].numpy()).all()
    with pytest.raises(AppError, match="that exemplar is a 0, not a 4"):
        client.predict(digit=4, source=3, api_name="/muddle")


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
    ("call/v2/by_digit", {}, 404, "unknown-endpoint"),
    *[
        (f"{way}/{name}", body, status, code)
        for way in ("call", "run", "api")
        for name, body, status, code in [
            ("muddle", b"", 400, "bad-json"),
            ("muddle", [4], 400, "bad-body"),
            ("muddle", {"digit": 4}, 400, "bad-data"),
            ("muddle", {"data": {"digit": 4}}, 400, "bad-data"),
            ("muddle", {"data": []}, 400, "missing-parameter"),
            ("muddle", {"data": list(range(9))}, 400, "unknown-parameter"),
            ("nothing", {"data": []}, 404, "unknown-endpoint"),
            ("by_digit", {"data": []}, 404, "unknown-endpoint"),
        ]
    ],
    ("run/muddle", {"data": [11]}, 400, "bad-digit"),
    ("run/muddle", {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}, 400, "bad-digit"),
    ("run/muddle", {"data": [4], "fn_index": 0, "batched": True}, 200, None),
    ("run/muddle_image", {"data": ["no picture"]}, 400, "bad-image"),
    ("run/about", {"data": []}, 200, None),
    ("queue/join", [], 400, "unknown-event"),
    ("queue/join", {"fn_index": 999, "data": []}, 400, "unknown-event"),
    ("queue/join", {"fn_index": 0, "data": [], "session_hash": "x"}, 400, "bad-data"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), MALFORMED, ids=[f"{m[0]}-{m[1]!r:.30}" for m in MALFORMED])
def test_a_call_that_skips_gradios_checks_is_a_sentence_and_a_code(app, path, body, status, code):
    got, told, answer = post(f"{app}/gradio_api/{path}", body)
    assert (got, told) == (status, code), answer
    if code:
        assert answer["title"] == code
        assert answer["error"].endswith(".")


def test_a_body_is_read_as_json_whatever_it_calls_itself(app):
    assert post(f"{app}/gradio_api/call/v2/about", b"{}", "text/plain")[0] == 200


def test_a_body_that_is_too_long_is_refused(app):
    assert post(f"{app}/gradio_api/call/v2/muddle_image", {"image": "A" * 7_200_000})[:2] == (413, "too-large")


def test_values_by_position_may_end_where_the_rest_has_defaults(app, muddler):
    _, _, answer = post(f"{app}/gradio_api/run/muddle", {"data": [4, 9]})
    assert (pixels(answer["data"][0]["muddle"]) == muddler.muddle(4, 9).image).all()


def test_a_job_that_is_not_there_is_a_sentence_and_a_code(app):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{app}/gradio_api/call/muddle/nothing", timeout=30)
    with error.value as answer:
        assert (answer.code, answer.headers["X-Error-Code"]) == (404, "unknown-job")


def test_the_stream_tells_sentence_and_code(app):
    _, _, job = post(f"{app}/gradio_api/call/v2/muddle", {"digit": 11})
    with urllib.request.urlopen(f"{app}/gradio_api/call/muddle/{job['event_id']}", timeout=30) as answer:
        event, data = answer.read().decode().split("\n")[:2]
    told = json.loads(data.removeprefix("data: "))
    assert event == "event: error"
    assert (told["title"], told["error"][:8]) == ("bad-digit", "digit 11")
