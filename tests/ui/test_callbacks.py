import base64
from types import SimpleNamespace

import numpy as np
import pytest
from support.loops import finished

from muddle.errors import ArgumentError, MuddleError
from muddle.export.serialize import share_link
from muddle.recipe import Recipe, to_text
from muddle.images.codecs import png
from muddle.ui.answers import asked_row, drawing, look, new_riddle, riddle, row, shown
from muddle.ui.callbacks import Callbacks


def uri(pixels):
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def images(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 28, 28)


def test_a_link_is_relative_here_and_the_spaces_own_page_on_a_space(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert share_link("?digit=4") == "?digit=4"
    monkeypatch.setenv("SPACE_ID", "somebody/mnist-muddle")
    assert share_link("?digit=4") == "https://huggingface.co/spaces/somebody/mnist-muddle?digit=4"


def opened(service, **fields):
    """What the page is answered to a link: the values of its controls, the result last but one."""
    request = SimpleNamespace(query_params=fields, headers={}, client=None)
    return finished(Callbacks(service).by_link(request))


def test_a_plain_link_has_no_note(service, muddler):
    *_, answer, _ = opened(service, digit="2", seed="5")
    assert (answer["digit"], answer["note"]) == (2, "")
    *_, again, _ = opened(service, digit="2", seed="5", v=muddler.version)
    assert again["note"] == ""


def test_a_link_of_another_version_says_so(service, muddler):
    *_, answer, _ = opened(service, digit="2", v="1-abcdef0")
    assert f"made with another version (1-abcdef0; this is {muddler.version})" in answer["note"]


def test_a_source_that_is_another_digit_here_falls_back_and_says_so(service):
    *controls, answer, _ = opened(service, digit="4", source="0")
    assert controls[6] is None
    assert "that exemplar is a 0, not a 4" in answer["note"]


def test_a_link_with_an_image_and_no_digit_is_what_the_judges_see(service, muddler):
    image = muddler.bundle.exemplars.images[300].numpy()
    *_, answer, _ = opened(service, image=to_text(image))
    assert (answer["digit"], answer["given"], answer["note"]) == (1, True, "")


def test_the_map_has_the_pick_and_every_step(muddler):
    answer = shown(Recipe(steps=5).make(muddler), muddler)
    assert len(answer["map"]["path"]) == 5
    with_pick = np.array([answer["map"]["pick"], *answer["map"]["path"]])
    assert with_pick.shape == (6, 2)
    assert np.abs(with_pick).max() < 1.5


def test_a_picture_is_seen_as_the_network_will(muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    seen = look(muddler, uri(255 - image.repeat(10, 0).repeat(10, 1)))  # black on white, ten times as large
    assert seen["digit"] == 4
    assert seen["share"] > 0.5
    assert np.abs(images(seen["pixels"])[0].astype(int) - image).mean() < 15
    assert (drawing(seen["pixels"]) == images(seen["pixels"])[0]).all()


NO_PICTURES = [None, 7, [], {}, "", "nothing", "é", "AAAA\ud800", "data:text/html;base64,PGI+", "A" * 8_000_000]


@pytest.mark.parametrize("sent", NO_PICTURES)
def test_what_is_no_picture_is_a_sentence(muddler, sent):
    with pytest.raises(ArgumentError, match="image"):
        look(muddler, sent)


def test_a_picture_with_an_endless_side_is_refused_unread(muddler):
    with pytest.raises(ArgumentError, match="at most 16,384 pixels a side"):
        look(muddler, uri(np.zeros((1, 20_000), np.uint8)))


def test_an_empty_picture_is_a_sentence(muddler):
    with pytest.raises(ArgumentError, match="there must be a digit on it"):
        look(muddler, uri(np.zeros((280, 280), np.uint8)))


@pytest.mark.parametrize("value", ["", None])
def test_a_pad_without_a_drawing_is_a_sentence(value):
    with pytest.raises(MuddleError, match="Draw a digit or upload a photo first"):
        drawing(value)


@pytest.mark.parametrize("value", ["AAAA", 5, True, {"a": 1}, "*" * 1048, base64.b64encode(bytes(784)).decode()])
def test_what_is_no_drawing_is_a_sentence(value):
    with pytest.raises(ArgumentError, match="image"):
        drawing(value)


def test_a_row_of_the_table_has_the_muddles_that_its_cells_open(muddler):
    answer = row(muddler, *asked_row({"digit": 3, "seed": 11}))
    assert [cell["target"] for cell in answer["cells"]] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    m = muddler.muddle(3, 8, seed=11)
    (cell,) = [cell for cell in answer["cells"] if cell["target"] == 8]
    assert (images(cell["pixels"])[0] == m.image).all()
    assert cell["p_target"] == round(m.scores.p_target, 4)
    assert (images(answer["source"])[0] == m.source).all()


@pytest.mark.parametrize("asked", [None, [], {}, {"digit": 10, "seed": 1}, {"digit": 1, "seed": -1}, {"digit": "x"}])
def test_a_wrong_row_is_a_sentence(asked):
    with pytest.raises(ArgumentError, match="not possible"):
        asked_row(asked)


def test_a_riddle_is_a_muddle_that_can_be_opened(muddler):
    asked = riddle(new_riddle().make(muddler), muddler)
    m = muddler.muddle(asked["digit"], asked["target"], seed=asked["seed"])
    assert (images(asked["pixels"])[0] == m.image).all()
    assert sum(asked["soft_label"]) == pytest.approx(1, abs=0.001)


def test_a_link_with_a_balance_shows_that_muddle(service, muddler):
    *_, answer, _ = opened(service, digit="4", target="9", balance="0.3")
    m = muddler.muddle(4, 9, seed=Recipe().seed, balance=0.3)
    assert (images(answer["pixels"])[1] == m.image).all()
    assert (answer["balance"], answer["note"]) == (0.3, "")
    assert "&balance=0.3&" in answer["query"]
