import io
import json
import re
import urllib.error
import urllib.request

import numpy as np
import pytest
from support.http import ask
from PIL import Image

QUERY = "?digit=4&target=9&seed=7"


def get(address):
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read()


def picture(data):
    return Image.open(io.BytesIO(data))


def test_the_picture_of_a_muddle_has_an_address(app, muddler):
    kind, data = get(f"{app}/muddle.png{QUERY}")
    assert kind == "image/png"
    large = np.array(picture(data))
    assert (large[5::10, 5::10] == muddler.muddle(4, 9, seed=7).image).all()
    assert large.shape == (280, 280)


@pytest.mark.parametrize(("name", "format"), [("muddle.gif", "GIF"), ("muddle.webp", "WEBP")])
def test_the_path_has_one_as_a_loop(app, muddler, name, format):
    _, data = get(f"{app}/{name}{QUERY}&steps=5")
    movie = picture(data)
    assert (movie.format, movie.n_frames, movie.info["loop"]) == (format, 8, 0)
    movie.seek(4)
    last = np.array(movie.convert("L"))[5::10, 5::10]
    assert (last == muddler.muddle(4, 9, seed=7, steps=5).frames[4]).all()


def test_the_path_has_one_as_a_strip(app, muddler):
    _, data = get(f"{app}/strip.png{QUERY}&steps=5")
    frames = muddler.muddle(4, 9, seed=7, steps=5).frames
    assert (np.array(picture(data))[2::4, 2::4] == np.concatenate(frames, axis=1)).all()


def test_the_result_has_one_as_json(app, muddler):
    kind, data = get(f"{app}/muddle.json{QUERY}")
    assert kind == "application/json"
    m = muddler.muddle(4, 9, seed=7)
    answer = json.loads(data)
    assert answer["soft_label"] == m.soft_label.tolist()
    assert answer["query"].endswith(f"?digit=4&target=9&seed=7&strategy=balanced&steps=11&v={muddler.version}")
    assert answer["link"] == "/" + answer["query"]


def test_a_balance_has_an_address_too(app, muddler):
    _, data = get(f"{app}/muddle.png{QUERY}&balance=0.3")
    image = muddler.muddle(4, 9, seed=7, balance=0.3).image
    assert (np.array(picture(data))[5::10, 5::10] == image).all()
    assert (image != muddler.muddle(4, 9, seed=7).image).any()


def test_whether_the_app_is_ready_and_what_it_answers_with_has_an_address(app, muddler):
    status, headers, data = ask(f"{app}/healthz")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "application/json", "no-store")
    expected = {"status": "ready", "version": muddler.version, "fingerprint": muddler.bundle.fingerprint}
    assert json.loads(data) == expected


@pytest.mark.parametrize("name", ["muddle.png", "muddle.gif", "muddle.json", "card.png", "exemplars.png", "healthz"])
def test_a_head_request_has_the_headers_and_no_body(app, name):
    whole = ask(f"{app}/{name}{QUERY}")
    status, headers, data = ask(f"{app}/{name}{QUERY}", method="HEAD")
    assert (status, data) == (200, b"")
    for key in ("Content-Type", "Content-Length", "Cache-Control", "ETag"):
        assert headers[key] == whole[1][key]


def test_what_is_no_argument_is_left_alone_and_an_argument_given_twice_is_refused(app):
    assert ask(f"{app}/muddle.png{QUERY}&utm_source=x&utm_source=y")[2] == ask(f"{app}/muddle.png{QUERY}")[2]
    status, headers, data = ask(f"{app}/muddle.png{QUERY}&seed=8")
    assert (status, headers["X-Error-Code"]) == (400, "bad-seed")
    assert "give it once" in data.decode()


def test_the_exemplars_are_one_sheet(app, muddler):
    _, data = get(f"{app}/exemplars.png")
    sheet = np.array(picture(data))
    assert (sheet[28:56, 56:84] == muddler.bundle.exemplars.images[52].numpy()).all()


def test_a_social_card_has_the_size_that_networks_show(app):
    assert picture(get(f"{app}/card.png{QUERY}")[1]).size == (1200, 630)


@pytest.mark.parametrize("name", ["muddle.png", "muddle.gif", "muddle.webp", "strip.png", "muddle.json", "card.png"])
@pytest.mark.parametrize("query", ["?digit=11", "?steps=1", "?image=x", "?digit=4&source=0", "?balance=2"])
def test_a_wrong_query_is_a_sentence(app, name, query):
    with pytest.raises(urllib.error.HTTPError) as error:
        get(f"{app}/{name}{query}")
    with error.value as answer:
        assert answer.code == 400
        assert "not possible" in answer.read().decode()
        assert answer.headers["X-Error-Code"] == "bad-" + re.findall(r"\w+", query)[-2]


def test_a_picture_may_be_kept_for_ever_when_its_link_names_this_version(app, muddler):
    pinned = f"{app}/muddle.png{QUERY}&v={muddler.version}"
    _, headers, data = ask(pinned)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert ask(pinned, **{"If-None-Match": headers["ETag"]})[0::2] == (304, b"")
    assert ask(pinned, **{"If-None-Match": '"another"'})[0::2] == (200, data)
    _, other, _ = ask(f"{app}/muddle.png{QUERY}")
    assert other["Cache-Control"] == "public, max-age=3600"
    assert other["ETag"] != headers["ETag"]


def test_what_is_wrong_is_not_kept(app):
    status, headers, _ = ask(f"{app}/muddle.png?digit=11")
    assert status == 400
    assert headers["Cache-Control"] == "no-store"
