import base64
import dataclasses
import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from muddle.export.serialize import (
    A_QUESTION,
    BETWEEN_TWO,
    HARD_TO_TELL,
    LIKE_A_DIGIT,
    WORTH_A_WORD,
    as_json,
    criteria,
    data_uri,
    describe_bundle,
    for_page,
    share_link,
    summary,
    to_base64,
    verdict,
    whole_percents,
)
from muddle.images.codecs import from_png
from muddle.recipe import PARAMETERS
from muddle.result import Morph, Origin


@pytest.fixture(scope="module")
def m(muddler):
    return muddler.muddle(4, 9, seed=7, steps=6)


@pytest.fixture(scope="module")
def given(muddler):
    return muddler.muddle_image(muddler.bundle.exemplars.images[3].numpy(), seed=2, steps=3)


def pixels_of(uri):
    start, data = uri.split(",")
    assert start == "data:image/png;base64"
    return from_png(base64.b64decode(data))


def with_scores(m, **scores):
    return dataclasses.replace(m, scores=dataclasses.replace(m.scores, **scores))


MORPH = Morph(np.arange(33 * 784).reshape(33, 28, 28).astype(np.uint8), np.arange(330).reshape(33, 10).astype(np.uint8))


def on_page(m):
    return for_page(m, MORPH)


def test_the_page_gets_every_pixel_once(m):
    pixels = np.frombuffer(base64.b64decode(on_page(m)["pixels"]), np.uint8).reshape(-1, 28, 28)
    assert (pixels == np.stack([m.source, m.image, m.partner, *m.frames, *MORPH.frames])).all()
    assert to_base64(pixels) == on_page(m)["pixels"]


def test_the_page_gets_the_choices_judge_by_judge(m):
    choices = json.loads(json.dumps(on_page(m)))["choices"]
    assert (np.array(choices) == MORPH.choices.T).all()


def test_the_page_gets_the_figures_of_a_muddle_to_four_decimals(m):
    page = json.loads(json.dumps(on_page(m)))
    np.testing.assert_allclose(page["probabilities"], m.probabilities, atol=5e-5)
    np.testing.assert_allclose(page["soft_label"], m.soft_label, atol=5e-5)
    np.testing.assert_allclose(page["map"]["pick"], m.place, atol=5e-5)
    np.testing.assert_allclose(page["map"]["path"], m.places, atol=5e-5)
    assert len(page["criteria"]) == 3
    assert page["verdict"] == verdict(m)


def test_json_has_every_picture_and_figure(m):
    said = json.loads(json.dumps(as_json(m)))
    for name, picture in (("muddle", m.image), ("source", m.source), ("partner", m.partner)):
        assert (pixels_of(said[name]) == picture).all()
    assert (np.stack([pixels_of(frame) for frame in said["frames"]]) == m.frames).all()
    assert said["probabilities"] == m.probabilities.tolist()
    assert said["soft_label"] == m.soft_label.tolist()
    assert said["scores"] == vars(m.scores)


def test_a_summary_is_the_json_without_pictures(m):
    pictures = {"muddle", "source", "partner", "frames", "probabilities"}
    assert summary(m) == {key: value for key, value in as_json(m).items() if key not in pictures}
    assert summary(m, "http://here/")["link"] == f"http://here/{m.query}"


@pytest.mark.parametrize("form", [summary, as_json, on_page])
def test_every_form_has_the_arguments_and_the_place_on_the_path(form, muddler, m, given):
    said = form(m)
    for name in PARAMETERS.keys() - {"source", "image"}:
        assert said[name] == getattr(m.recipe, name)
    assert (said["t"], said["pick"], said["source_index"], said["query"]) == (m.t, m.pick, m.source_index, m.query)
    chosen = muddler.muddle(4, 9, seed=7, steps=6, source=m.source_index)
    assert (said["chosen"], form(chosen)["chosen"]) == (False, True)
    assert (form(given)["source_index"], form(given)["digit"]) == (None, given.digit)


def test_the_page_is_told_whether_the_source_was_given(m, given):
    assert (on_page(m)["given"], on_page(given)["given"]) == (False, True)


def test_a_link_leads_to_a_spaces_own_page_where_this_runs_on_one(m, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert share_link("?digit=4") == "?digit=4"
    assert share_link("?digit=4", "http://here/") == "http://here/?digit=4"
    monkeypatch.setenv("SPACE_ID", "somebody/muddle")
    assert share_link("?digit=4", "http://here/") == "https://huggingface.co/spaces/somebody/muddle?digit=4"
    assert on_page(m)["link"].endswith(m.query)


def test_muddler_and_muddle_describe_the_same_bundle(muddler, m):
    said = describe_bundle(m)
    assert said == describe_bundle(muddler)
    assert said["version"] == m.version
    assert muddler.fingerprint.startswith(said["fingerprint"])
    note = describe_bundle(dataclasses.replace(m, origin=Origin("somebody/x", "v1", "why")))
    assert (note["name"], note["revision"], note["note"]) == ("somebody/x", "v1", "why")


def test_the_verdict_names_both_digits_with_their_shares(m):
    said = verdict(with_scores(m, p_digit=0.512, p_target=0.448))
    assert said == "4 or 9? The judges say 4: 51\u00a0%, 9: 45\u00a0%"


@pytest.mark.parametrize(("other", "told"), [(WORTH_A_WORD - 0.01, False), (WORTH_A_WORD + 0.01, True)])
def test_the_verdict_tells_when_a_third_digit_is_in_play(m, other, told):
    said = verdict(with_scores(m, p_digit=0.5 - other, p_target=0.5))
    assert said.endswith(f"anything else: {100 * other:.0f}\u00a0%") == told


@pytest.mark.parametrize(("p", "asks"), [(A_QUESTION, True), (A_QUESTION - 0.01, False)])
def test_the_verdict_asks_only_when_there_is_a_question(m, p, asks):
    assert verdict(with_scores(m, p_digit=p, p_target=1 - p)).startswith("4 or 9?") == asks


@hypothesis.given(st.lists(st.floats(0, 1), min_size=2, max_size=5).filter(any))
def test_whole_percents_add_up_and_are_never_one_off(parts):
    shares = [part / sum(parts) for part in parts]
    percents = whole_percents(shares)
    assert sum(percents) == 100
    assert all(abs(percent - 100 * share) < 1.001 for percent, share in zip(percents, shares, strict=True))


@pytest.mark.parametrize(
    ("scores", "met"),
    [
        ({}, [True, True, True]),
        ({"entropy": HARD_TO_TELL}, [True, True, True]),
        ({"entropy": HARD_TO_TELL - 1e-6}, [False, True, True]),
        ({"likeness": LIKE_A_DIGIT}, [True, True, True]),
        ({"likeness": LIKE_A_DIGIT - 1e-6}, [True, False, True]),
        ({"p_digit": BETWEEN_TWO}, [True, True, False]),
        ({"p_target": BETWEEN_TWO}, [True, True, False]),
    ],
)
def test_each_criterion_is_met_by_its_own_score(m, scores, met):
    good = {"p_digit": 0.5, "p_target": 0.45, "entropy": 1.1, "likeness": 40.0}
    assert [said for _, said, _, _ in criteria(with_scores(m, **{**good, **scores}))] == met


@pytest.mark.parametrize(
    ("p", "text"), [(0.39904, "39.9"), (0.39996, "39.996"), (0.4, "40"), (0.404, "40.4"), (0.36, "36")]
)
def test_what_is_just_below_a_bar_does_not_look_like_it(m, p, text):
    tell, like, between = [text for _, _, text, _ in criteria(with_scores(m, p_digit=p, entropy=0.88, likeness=4.7))]
    assert between.startswith(f"{text} and ")
    assert tell.startswith("0.88 ")
    assert " 4.7\u00a0%" in like


def test_a_picture_is_a_data_uri():
    pixels = np.arange(28 * 28, dtype=np.int64).reshape(28, 28).astype(np.uint8)
    assert (pixels_of(data_uri(pixels)) == pixels).all()
