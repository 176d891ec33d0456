import base64
import dataclasses
from collections import Counter
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from support.loops import finished
from support.worker import FACTS, Worker, started

from muddle.errors import ArgumentError, MuddleError
from muddle.images.codecs import png
from muddle.recipe import PARAMETERS, Recipe
from muddle.result import Origin
from muddle.ui import callbacks as module
from muddle.ui.callbacks import RESULT, Callbacks, as_gradio_error, controls_of, new_seed, recipe_of, understood
from muddle.ui.page import OPENING

NOBODY = SimpleNamespace(query_params={}, client=None)
CONTROLS = controls_of(Recipe(digit=4, target=9, seed=7))
BY_DIGIT = {name: value for name, value in CONTROLS.items() if name != "image"}


@pytest.fixture(scope="module")
def callbacks(networks):
    return Callbacks(networks, OPENING)


def uri(pixels):
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode()


def drawing(pixels):
    return base64.b64encode(pixels.tobytes()).decode()


def images(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 28, 28)


def opened(callbacks, **fields):
    """The answer to a link's fields, by the names of the page's parts."""
    return finished(callbacks.by_link(SimpleNamespace(query_params=fields, client=None)))


def exemplar(muddler, number):
    return muddler.bundle.exemplars.images[number].numpy()


# From controls to a recipe and back.


@pytest.mark.parametrize(
    "recipe",
    [OPENING, Recipe(digit=4, target=9, seed=7), Recipe(digit=1, strategy="farthest", steps=5, source=500)],
    ids=str,
)
def test_the_controls_of_a_recipe_are_read_as_that_recipe(recipe):
    controls = {name: value for name, value in controls_of(recipe).items() if name != "image"}
    assert vars(recipe_of(controls)) == vars(recipe)


def test_a_slider_may_say_a_whole_number_with_a_point():
    assert (
        recipe_of({**BY_DIGIT, "steps": 5.0, "seed": 3.0}).query() == Recipe(digit=4, target=9, steps=5, seed=3).query()
    )


@pytest.mark.parametrize(
    "change",
    [{"digit": "x"}, {"target": "4"}, {"steps": 5.5}, {"seed": -1}, {"seed": None}, {"balance": 2}, {"source": 1.5}],
)
def test_a_control_with_a_wrong_value_is_named(change):
    with pytest.raises(ArgumentError) as error:
        recipe_of({**BY_DIGIT, **change})
    assert error.value.name in change


def test_a_drawing_is_the_image_of_a_recipe(muddler):
    pixels = exemplar(muddler, 1200)
    recipe = recipe_of({"image": drawing(pixels), "digit": "auto", "target": "auto"})
    assert (recipe.image == pixels).all()
    assert recipe.digit is None


@pytest.mark.parametrize("value", ["", None])
def test_a_pad_without_a_drawing_is_a_sentence(value):
    with pytest.raises(MuddleError) as error:
        recipe_of({"image": value, "digit": "auto"})
    assert error.value.code == "muddle"


@pytest.mark.parametrize("value", ["AAAA", 5, True, {"a": 1}, "*" * 1048, drawing(np.zeros((28, 28), np.uint8))])
def test_what_is_no_drawing_is_a_wrong_image(value):
    with pytest.raises(ArgumentError) as error:
        recipe_of({"image": value, "digit": "auto"})
    assert error.value.code == "bad-image"


# Events.


def test_a_muddle_is_shown_with_the_controls_that_asked_for_it(callbacks, muddler):
    answer = finished(callbacks.show(NOBODY, **BY_DIGIT))
    m = muddler.muddle(4, 9, seed=7)
    assert {name: answer[name] for name in BY_DIGIT} == BY_DIGIT
    assert (images(answer[RESULT]["pixels"])[1] == m.image).all()
    assert (answer[RESULT]["query"], answer[RESULT]["note"]) == (m.query, "")


def test_a_wrong_control_is_gradios_error_with_the_sentence(callbacks):
    with pytest.raises(gr.Error) as error:
        finished(callbacks.show(NOBODY, **{**BY_DIGIT, "steps": 1}))
    assert error.value.message.startswith("steps must be ")


def test_again_is_another_seed_and_no_chosen_source(callbacks, monkeypatch):
    monkeypatch.setattr(module, "new_seed", lambda: 123)
    answer = finished(callbacks.again(NOBODY, **{**BY_DIGIT, "source": 1020}))
    assert (answer["seed"], answer["source"], answer[RESULT]["seed"]) == (123, None, 123)


def test_a_drawing_is_blended_with_the_target_that_the_pad_sends(callbacks, muddler):
    pixels = exemplar(muddler, 1200)
    settings = {"seed": 7, "strategy": "balanced", "steps": 5, "balance": 0.5}
    sent = gr.EventData(None, {"drawing": {"image": drawing(pixels), "digit": 4, "target": 9}})
    answer = finished(callbacks.by_drawing(sent, NOBODY, **settings))
    m = muddler.muddle_image(pixels, 4, 9, seed=7)
    assert (images(answer[RESULT]["pixels"])[[0, 1]] == [pixels, m.image]).all()


@pytest.mark.parametrize("sent", [None, 5, {}, {"image": "AAAA", "digit": 4, "target": 9}, {"image": "", "digit": 4}])
def test_without_a_drawing_there_is_a_sentence(callbacks, sent):
    with pytest.raises(gr.Error):
        finished(callbacks.by_drawing(gr.EventData(None, {"drawing": sent}), NOBODY, seed=7))


def test_an_example_is_a_real_digit(callbacks, muddler):
    (image,) = images(finished(callbacks.example(None, NOBODY))["pixels"])
    assert (muddler.bundle.exemplars.images.numpy() == image).all((1, 2)).any()


def test_seeds_are_in_range_and_hardly_repeat():
    seeds = [PARAMETERS["seed"].check("seed", new_seed()) for _ in range(100)]
    assert len(set(seeds)) > 90


@pytest.mark.parametrize(("target", "kept"), [("9", "9"), ("3", "auto")])
def test_another_digit_drops_the_source_and_a_target_that_it_equals(callbacks, target, kept):
    answer = finished(callbacks.another_digit(NOBODY, **{**BY_DIGIT, "digit": "3", "target": target, "source": 1020}))
    assert (answer["digit"], answer["target"], answer["source"]) == ("3", kept, None)
    assert answer[RESULT]["digit"] == 3


def test_a_click_sets_all_controls_and_opens_the_muddle_tab(callbacks, muddler):
    cell = gr.EventData(None, {"recipe": {"digit": 3, "target": 8, "seed": 11, "steps": 2}})
    answer = finished(callbacks.by_click(cell, NOBODY, **{**BY_DIGIT, "source": 1020, "strategy": "midpoint"}))
    m = muddler.muddle(3, 8, seed=11, steps=2, strategy="midpoint")
    assert (images(answer[RESULT]["pixels"])[1] == m.image).all()
    assert answer["tabs"].selected == "muddle"
    expected = {"digit": "3", "target": "8", "seed": 11, "steps": 2, "strategy": "midpoint", "source": None}
    assert {name: answer[name] for name in expected} == expected


def test_a_click_on_an_exemplar_makes_it_the_source(callbacks):
    dot = gr.EventData(None, {"recipe": {"digit": 9, "source": 2400}})
    answer = finished(callbacks.by_click(dot, NOBODY, **BY_DIGIT))
    assert (answer["digit"], answer["target"], answer["source"]) == ("9", "auto", 2400)
    assert answer[RESULT]["source_index"] == 2400


# Links.


def test_without_a_link_the_page_opens_with_its_own_muddle(callbacks, muddler):
    answer = opened(callbacks, utm_source="x")
    assert answer[RESULT]["query"] == muddler.make([OPENING])[0].query
    assert answer["seed"] == OPENING.seed


def test_a_link_without_a_seed_has_seed_0(callbacks):
    answer = opened(callbacks, digit="2")
    assert (answer["digit"], answer["seed"], answer[RESULT]["seed"]) == ("2", 0, 0)


def test_a_plain_link_has_no_note(callbacks, muddler):
    answer = opened(callbacks, digit="2", seed="5")
    assert (answer[RESULT]["digit"], answer[RESULT]["note"], answer["tabs"].selected) == (2, "", "muddle")
    assert opened(callbacks, digit="2", seed="5", v=muddler.version)[RESULT]["note"] == ""


def test_a_link_of_another_version_says_so(callbacks, muddler):
    note = opened(callbacks, digit="2", v="1-abcdef0" + "x" * 100)[RESULT]["note"]
    assert "1-abcdef0" in note
    assert muddler.version in note
    assert len(note) < 200


def test_a_part_of_a_link_that_cannot_be_read_takes_its_default_and_is_named(callbacks):
    answer = opened(callbacks, digit="2", steps="99", balance="x")
    assert (answer["digit"], answer["steps"], answer["balance"]) == ("2", 11, 0.5)
    assert "steps must be " in answer[RESULT]["note"]
    assert "balance must be " in answer[RESULT]["note"]


def test_a_source_that_is_another_digit_here_falls_back_and_says_so(callbacks):
    answer = opened(callbacks, digit="4", source="0")
    assert answer["source"] is None
    assert "source must be " in answer[RESULT]["note"]


def test_a_link_with_a_source_shows_it(callbacks):
    answer = opened(callbacks, digit="4", source="1020")
    assert (answer["source"], answer[RESULT]["source_index"], answer[RESULT]["note"]) == (1020, 1020, "")


def test_a_link_with_an_image_opens_the_drawing_tab_with_it(callbacks, muddler):
    image = exemplar(muddler, 300)
    answer = opened(callbacks, image=PARAMETERS["image"].format(image), target="7", seed="3")
    assert (answer[RESULT]["digit"], answer[RESULT]["given"], answer[RESULT]["note"]) == (1, True, "")
    assert (answer["tabs"].selected, answer["digit"], answer["target"]) == ("draw", "1", "7")
    assert (images(answer["drawing"])[0] == image).all()
    assert answer["seed"] == 3


def test_a_link_with_a_balance_shows_that_muddle(callbacks, muddler):
    answer = opened(callbacks, digit="4", target="9", balance="0.3")
    m = muddler.muddle(4, 9, balance=0.3)
    assert (images(answer[RESULT]["pixels"])[1] == m.image).all()
    assert (answer["balance"], answer[RESULT]["note"]) == (0.3, "")
    assert "&balance=0.3&" in answer[RESULT]["query"]


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin("embedded"), None),
        (Origin("user/repo", "0123456789abcdef"), "0123456789abcdef"),
        (Origin("embedded", note="Not that one."), "Not that one."),
    ],
    ids=str,
)
def test_another_bundle_than_the_one_that_ships_is_named(monkeypatch, muddler, origin, words):
    running = started(monkeypatch, Worker(muddler.make, dataclasses.replace(FACTS, origin=origin), morph=muddler.morph))
    line = opened(Callbacks(running, OPENING)).get("bundle")
    assert (line is None) == (words is None)
    assert line is None or (line.visible and words in line.value)
    running.close()


@pytest.mark.parametrize("fields", [{}, {"v": "1-0"}, {"digit": "x"}, {"image": "x", "digit": "3"}])
def test_any_link_is_understood_somehow(fields):
    recipe, notes = understood(fields, "2-0123456", OPENING)
    assert (recipe is OPENING) == (not PARAMETERS.keys() & fields.keys())
    assert len(notes) == (fields != {})


# What components ask for.


def test_a_picture_is_seen_as_the_network_will(callbacks, muddler):
    image = exemplar(muddler, 1200)
    seen = finished(callbacks.look(uri(255 - image.repeat(10, 0).repeat(10, 1)), NOBODY))  # black on white, and large
    image_seen = images(seen["pixels"])[0]
    others = muddler.nearest_digits(image_seen).tolist()
    others.remove(4)
    assert seen["order"] == [4, *others]
    assert seen["share"] == muddler.judge(image_seen).max() > 0.5
    assert np.abs(images(seen["pixels"])[0].astype(int) - image).mean() < 15
    assert (recipe_of({"image": seen["pixels"]}).image == images(seen["pixels"])[0]).all()


NO_PICTURES = [None, 7, [], {}, "", "nothing", "é", "AAAA\ud800", "data:text/html;base64,PGI+", "A" * 8_000_000]
NO_DIGITS = {"endless": np.zeros((1, 20_000), np.uint8), "empty": np.zeros((280, 280), np.uint8)}


@pytest.mark.parametrize("sent", [*NO_PICTURES, *map(uri, NO_DIGITS.values())], ids=lambda sent: f"{sent!r:.30}")
def test_what_is_no_picture_of_a_digit_is_a_wrong_image(callbacks, sent):
    with pytest.raises(ArgumentError) as error:
        finished(callbacks.look(sent, NOBODY))
    assert error.value.code == "bad-image"


def test_a_row_of_the_table_has_the_muddles_that_its_cells_open(callbacks, muddler):
    answer = finished(callbacks.row({"digit": 3, "seed": 11}, NOBODY))
    assert [cell["target"] for cell in answer["cells"]] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    m = muddler.muddle(3, 8, seed=11)
    (cell,) = [cell for cell in answer["cells"] if cell["target"] == 8]
    assert (images(cell["pixels"])[0] == m.image).all()
    assert cell["p_target"] == round(m.scores.p_target, 4)
    assert (images(answer["source"])[0] == m.source).all()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (None, "bad-row"),
        ([], "bad-row"),
        ({}, "bad-digit"),
        ({"digit": 10, "seed": 1}, "bad-digit"),
        ({"digit": 1, "seed": -1}, "bad-seed"),
        ({"digit": "x"}, "bad-digit"),
    ],
)
def test_a_wrong_row_is_named(callbacks, asked, code):
    with pytest.raises(ArgumentError) as error:
        finished(callbacks.row(asked, NOBODY))
    assert error.value.code == code


def test_a_pair_is_what_the_page_shows_of_it_later(callbacks):
    ahead = finished(callbacks.pair({"digit": 3, "target": 8, "seed": 5, "steps": 4, "image": "x"}, NOBODY))
    later = finished(callbacks.show(NOBODY, **{**BY_DIGIT, "digit": "3", "target": "8", "seed": 5, "steps": 4}))
    assert later[RESULT] == ahead
    assert len(ahead["choices"]) == 10


@pytest.mark.parametrize(
    ("wanted", "code"), [([], "bad-pair"), ({"digit": 10}, "bad-digit"), ({"seed": "x"}, "bad-seed")]
)
def test_a_wrong_pair_is_named(callbacks, wanted, code):
    with pytest.raises(ArgumentError) as error:
        finished(callbacks.pair(wanted, NOBODY))
    assert error.value.code == code


@pytest.mark.parametrize(("text", "mark"), [("0", 0), ("33", 33), ("34", None), ("-1", None), ("x", None), ("", None)])
def test_a_friends_mark_is_a_step_of_the_morph_or_none(callbacks, text, mark):
    assert opened(callbacks, mine=text)[RESULT]["friend"] == mark


def test_what_is_shown_is_remembered_but_not_without_end(networks, monkeypatch):
    monkeypatch.setattr(module, "CACHED", 2)
    morphs = []

    async def morph(codes, client):
        morphs.append(codes)
        return await networks.morph(codes, client)

    callbacks = Callbacks(SimpleNamespace(muddle=networks.muddle, morph=morph), OPENING)
    for seed, made in ((50, 1), (51, 2), (50, 2), (52, 3), (51, 3), (50, 4)):
        finished(callbacks.pair({"digit": 1, "target": 7, "seed": seed}, NOBODY))
        assert len(morphs) == made


def test_the_table_that_is_there_at_once_has_the_same_rows_and_is_made_once(networks):
    asked = []

    async def muddles(recipes, client):
        asked.append(recipes)
        return await networks.muddles(recipes, client)

    callbacks = Callbacks(SimpleNamespace(muddles=muddles), OPENING)
    answer = finished(callbacks.table(None, NOBODY))
    assert finished(callbacks.table(None, NOBODY)) == answer
    assert len(asked) == 10
    assert answer["rows"][3] == finished(callbacks.row({"digit": 3, "seed": answer["seed"]}, NOBODY))


def test_the_hardest_are_made_once_and_are_what_they_open(networks, muddler):
    asked = []

    async def muddles(recipes, client):
        asked.append(recipes)
        return await networks.muddles(recipes, client)

    callbacks = Callbacks(SimpleNamespace(muddles=muddles), OPENING)
    found = finished(callbacks.hardest(None, NOBODY))["muddles"]
    assert finished(callbacks.hardest(None, NOBODY))["muddles"] == found
    assert len(asked) == 1
    assert len(found) == 12
    m = muddler.muddle(found[3]["digit"], found[3]["target"], seed=found[3]["seed"])
    assert (images(found[3]["pixels"])[0] == m.image).all()


def test_a_riddle_is_a_muddle_that_can_be_opened(callbacks, muddler):
    riddle = finished(callbacks.riddle({"real": False}, NOBODY))
    m = muddler.muddle(riddle["digit"], riddle["target"], seed=riddle["seed"])
    assert (images(riddle["pixels"])[0] == m.image).all()
    assert riddle["votes"] == np.bincount(m.judge_soft_labels.argmax(1), minlength=10).tolist()
    assert sum(riddle["votes"]) == 10


def test_a_real_riddle_is_a_real_digit(callbacks, muddler):
    riddle = finished(callbacks.riddle({"real": True}, NOBODY))
    assert (riddle["target"], riddle["seed"]) == (None, None)
    (image,) = images(riddle["pixels"])
    exemplars = muddler.bundle.exemplars
    same = (exemplars.images.numpy() == image).all((1, 2))
    assert exemplars.labels[same].tolist() == [riddle["digit"]]
    assert riddle["votes"] == np.bincount(muddler.judge_each(image).argmax(1), minlength=10).tolist()


def test_every_pair_is_as_likely_a_riddle():
    pairs = Counter()

    async def muddle(recipe, client):
        pairs[recipe.digit, recipe.target] += 1
        return SimpleNamespace(image=np.zeros((28, 28), np.uint8), judge_soft_labels=np.eye(10))

    async def many():
        callbacks = Callbacks(SimpleNamespace(muddle=muddle), OPENING)
        for _ in range(9000):
            await callbacks.riddle({}, NOBODY)

    finished(many())
    assert len(pairs) == 90
    assert max(pairs.values()) < 180  # of 100 expected: a chance of one in 10^12


def test_a_wrong_wish_for_a_riddle_is_named(callbacks):
    with pytest.raises(ArgumentError) as error:
        finished(callbacks.riddle([], NOBODY))
    assert error.value.code == "bad-riddle"


def test_an_address_of_the_history_is_shown_as_it_is_in_its_tab(callbacks):
    fields = {"digit": "4", "target": "9", "seed": "3", "strategy": "midpoint", "steps": "5", "v": "x", "tab": "guess"}
    before = {**BY_DIGIT, "balance": 0.3}
    answer = finished(callbacks.by_click(gr.EventData(None, {"recipe": fields, "tab": "guess"}), NOBODY, **before))
    assert answer["tabs"].selected == "guess"
    assert (answer["digit"], answer["balance"], answer["steps"]) == ("4", 0.5, 5)


@pytest.mark.parametrize(("named", "tab"), [("guess", "guess"), ("nowhere", "muddle"), ("", "muddle")])
def test_a_tab_is_opened_by_its_name_in_the_address(callbacks, named, tab):
    assert opened(callbacks, tab=named)["tabs"].selected == tab


# Errors.


@pytest.mark.parametrize(("coded", "title"), [(True, "bad-digit"), (False, "Error")])
def test_an_expected_error_is_a_sentence_without_a_traceback(coded, title):
    async def work():
        raise ArgumentError("digit", 11, "a digit")

    with pytest.raises(gr.Error) as error:
        finished(as_gradio_error(work, coded=coded)())
    assert (error.value.message, error.value.title) == ("digit must be a digit, not 11.", title)
    assert error.value.print_exception is False


def test_every_event_is_logged_with_its_outcome_and_an_unexpected_error_goes_on(monkeypatch):
    lines = []
    monkeypatch.setattr(module, "log_request", lambda route, seconds, outcome: lines.append((route, outcome)))

    async def work(error):
        if error:
            raise error

    run = as_gradio_error(work)
    finished(run(None))
    with pytest.raises(gr.Error):
        finished(run(ArgumentError("digit", 11, "a digit")))
    with pytest.raises(ZeroDivisionError):
        finished(run(ZeroDivisionError()))
    assert lines == [("work", "ok"), ("work", "bad-digit"), ("work", "ZeroDivisionError")]
