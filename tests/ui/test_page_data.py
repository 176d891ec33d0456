"""What the page's scripts ask for."""

import base64
import json
from collections import Counter
from types import SimpleNamespace
from urllib.parse import urlencode

import numpy as np
import pytest
from support.http import ask, post
from support.loops import finished
from support.voters import guess, query

from muddle.errors import ArgumentError
from muddle.export.report_table import result_rows
from muddle.images.codecs import png
from muddle.recipe import PARAMETERS, Recipe
from muddle.ui import page_data as module
from muddle.ui.page_data import PageData
from muddle.votes.store import VoteStore


@pytest.fixture(scope="module")
def data(networks):
    return PageData(networks)


def request(**fields):
    return SimpleNamespace(query_params=fields, url=SimpleNamespace(query=urlencode(fields)), client=None)


def answer(work, **fields):
    return finished(work(request(**fields)))


def reading(data, sent):
    async def body():
        return json.dumps(sent).encode()

    return finished(data.reading(SimpleNamespace(body=body, client=None)))


def uri(pixels):
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def images(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 28, 28)


# A muddle.


def test_a_muddle_has_all_that_the_page_shows_of_it(data, muddler):
    m = muddler.muddle(4, 9, seed=7, steps=5, balance=0.3)
    found = answer(data.muddle, digit=4, target=9, seed=7, steps=5, balance=0.3, utm_source="x")
    assert (images(found["pixels"])[:3] == [m.source, m.image, m.partner]).all()
    assert (images(found["pixels"])[3:8] == m.frames).all()
    morph = muddler.morph(np.stack([m.codes[0], m.code, m.codes[-1]]))
    assert (images(found["pixels"])[8:] == morph.frames).all()
    assert found["choices"] == morph.choices.T.tolist()
    assert (found["query"], found["balance"], found["given"]) == (m.query, 0.3, False)
    assert found["bundle"]["version"] == muddler.version


def test_a_link_without_a_seed_has_seed_0(data):
    assert answer(data.muddle, digit=2)["seed"] == 0


def test_a_drawing_is_the_source(data, muddler):
    image = muddler.bundle.exemplars.images[300].numpy()
    found = answer(data.muddle, image=PARAMETERS["image"].format(image), target=7, seed=3)
    assert (found["digit"], found["given"]) == (1, True)
    assert (images(found["pixels"])[0] == image).all()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"digit": 12}, "bad-digit"),
        ({"digit": 4, "steps": 99}, "bad-steps"),
        ({"digit": 7, "target": 7}, "bad-target"),
        ({"digit": 4, "source": 0}, "bad-source"),  # an exemplar, but of a 0
        ({"image": "x"}, "bad-image"),
    ],
)
def test_what_cannot_be_is_named(app, fields, code):
    status, headers, text = ask(f"{app}/page/muddle?{urlencode(fields)}")
    said = json.loads(text)
    assert (status, headers["X-Error-Code"], said["title"]) == (400, code, code)
    assert said["error"].startswith(f"{code.removeprefix('bad-')} must be ")


def test_what_is_shown_is_remembered_but_not_without_end(networks, monkeypatch):
    monkeypatch.setattr(module, "CACHED", 2)
    morphs = []

    async def morph(codes, client):
        morphs.append(codes)
        return await networks.morph(codes, client)

    data = PageData(SimpleNamespace(muddle=networks.muddle, morph=morph))
    for seed, made in ((50, 1), (51, 2), (50, 2), (52, 3), (51, 3), (50, 4)):
        answer(data.muddle, digit=1, target=7, seed=seed)
        assert len(morphs) == made


def test_answers_are_packed_and_not_kept_by_anybody(app):
    _, headers, packed = ask(f"{app}/page/muddle?digit=3", **{"Accept-Encoding": "gzip"})
    assert (headers["Content-Encoding"], headers["Cache-Control"]) == ("gzip", "no-store")
    assert len(packed) < 25_000


# Drawings.


def test_a_picture_is_read_as_the_network_sees_it(data, muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    found = reading(data, uri(255 - image.repeat(10, 0).repeat(10, 1)))  # black on white, and large
    (seen,) = images(found["pixels"])
    others = muddler.nearest_digits(seen).tolist()
    others.remove(4)
    assert found["order"] == [4, *others]
    assert found["share"] == muddler.judge(seen).max() > 0.5
    assert np.abs(seen.astype(int) - image).mean() < 15
    assert (Recipe.from_query(f"image={found['image']}").image == seen).all()


NO_PICTURES = [None, 7, [], {}, "", "nothing", "é", "AAAA\ud800", "data:text/html;base64,PGI+", "A" * 8_000_000]
NO_DIGITS = {"endless": np.zeros((1, 20_000), np.uint8), "empty": np.zeros((280, 280), np.uint8)}


@pytest.mark.parametrize("sent", [*NO_PICTURES, *map(uri, NO_DIGITS.values())], ids=lambda sent: f"{sent!r:.30}")
def test_what_is_no_picture_of_a_digit_is_a_wrong_image(data, sent):
    with pytest.raises(ArgumentError) as error:
        reading(data, sent)
    assert error.value.code == "bad-image"


@pytest.mark.parametrize("body", [b"", b"{", b"NaN"])
def test_a_reading_of_no_json_is_a_sentence(app, body):
    status, headers, text = ask(f"{app}/page/reading", body)
    assert (status, headers["X-Error-Code"], json.loads(text)["title"]) == (400, "bad-json", "bad-json")


@pytest.mark.parametrize(("path", "body"), [("muddle", b"{}"), ("reading", None)])
def test_another_method_is_a_sentence(app, path, body):
    status, headers, text = ask(f"{app}/page/{path}", body)
    assert (status, headers["X-Error-Code"]) == (405, "bad-method")
    assert json.loads(text)["error"]


def test_a_picture_by_http_is_the_same(app, data):
    picture = uri(np.pad(np.full((120, 20), 255, np.uint8), 80))
    assert post(f"{app}/page/reading", picture)[2] == reading(data, picture)


def test_an_example_is_a_real_digit(data, muddler):
    (image,) = images(answer(data.example)["pixels"])
    assert (muddler.bundle.exemplars.images.numpy() == image).all((1, 2)).any()


# Tables.


def test_a_row_of_the_table_has_the_muddles_that_its_cells_open(data, muddler):
    row = answer(data.row, digit="3", seed="11")
    assert [cell["target"] for cell in row["cells"]] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    m = muddler.muddle(3, 8, seed=11)
    (cell,) = [cell for cell in row["cells"] if cell["target"] == 8]
    assert (cell["digit"], cell["seed"]) == (3, 11)
    assert (images(cell["pixels"])[0] == m.image).all()
    assert cell["p_target"] == round(m.scores.p_target, 4)
    assert (images(row["source"])[0] == m.source).all()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "bad-digit"),
        ({"digit": "10"}, "bad-digit"),
        ({"digit": "1", "seed": "-1"}, "bad-seed"),
        ({"digit": "1"}, "bad-seed"),
    ],
)
def test_a_wrong_row_is_named(data, fields, code):
    with pytest.raises(ArgumentError) as error:
        answer(data.row, **fields)
    assert error.value.code == code


@pytest.fixture
def counted(networks):
    """Page data, and what it asks the networks for."""
    asked = []

    async def muddles(recipes, client):
        asked.append(recipes)
        return await networks.muddles(recipes, client)

    return PageData(SimpleNamespace(muddles=muddles)), asked


def test_the_table_that_is_there_at_once_has_the_same_rows_and_is_made_once(counted):
    data, asked = counted
    table = answer(data.table)
    assert answer(data.table) == table
    assert len(asked) == 10
    assert table["rows"][3] == answer(data.row, digit="3", seed=str(table["seed"]))


def test_the_hardest_are_made_once_and_are_what_they_open(counted, muddler):
    data, asked = counted
    found = answer(data.hardest)["muddles"]
    assert answer(data.hardest)["muddles"] == found
    assert len(asked) == 1
    assert len(found) == 12
    m = muddler.muddle(found[3]["digit"], found[3]["target"], seed=found[3]["seed"])
    assert (images(found[3]["pixels"])[0] == m.image).all()


# Riddles.


def test_a_riddle_is_a_muddle_that_can_be_opened(data, muddler):
    riddle = answer(data.riddle)
    m = muddler.muddle(riddle["digit"], riddle["target"], seed=riddle["seed"])
    assert (images(riddle["pixels"])[0] == m.image).all()
    assert riddle["votes"] == np.bincount(m.judge_soft_labels.argmax(1), minlength=10).tolist()
    assert sum(riddle["votes"]) == 10


def test_a_real_riddle_is_a_real_digit(data, muddler):
    riddle = answer(data.riddle, real="1")
    assert (riddle["target"], riddle["seed"]) == (None, None)
    (image,) = images(riddle["pixels"])
    exemplars = muddler.bundle.exemplars
    same = (exemplars.images.numpy() == image).all((1, 2))
    assert exemplars.labels[same].tolist() == [riddle["digit"]]
    assert riddle["votes"] == np.bincount(muddler.judge_each(image).argmax(1), minlength=10).tolist()


def test_the_hardest_are_those_that_split_people_once_there_are_enough(networks, tmp_path):
    votes = [guess(who, 4 if who % 2 else 9, query(seed=seed)) for seed in range(12) for who in range(6)]
    few, enough = (PageData(networks, VoteStore(tmp_path, part)) for part in (votes[:-6], votes))
    assert "by_people" not in answer(few.hardest)
    shown = answer(enough.hardest)
    assert shown["by_people"]
    assert sorted(card["seed"] for card in shown["muddles"]) == list(range(12))


def test_every_pair_is_as_likely_a_riddle():
    pairs = Counter()

    async def muddle(recipe, client):
        pairs[recipe.digit, recipe.target] += 1
        return SimpleNamespace(
            image=np.zeros((28, 28), np.uint8), judge_soft_labels=np.eye(10), digit=0, target=1, seed=2, query="?"
        )

    async def many():
        data = PageData(SimpleNamespace(muddle=muddle))
        for _ in range(9000):
            await data.riddle(request())

    finished(many())
    assert len(pairs) == 90
    assert max(pairs.values()) < 180  # of 100 expected: a chance of one in 10^12


# About.


def test_about_has_the_opening_the_measured_results_and_the_bundle(data, muddler, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/muddle")
    found = answer(data.about)
    m = muddler.make([module.OPENING])[0]
    assert (images(found["strip"]) == [m.source, m.image, m.partner]).all()
    assert found["results"] == result_rows(muddler.bundle.report)
    assert found["bundle"]["fingerprint"] == muddler.bundle.fingerprint[:12]
    assert found["space"] == "someone/muddle"
