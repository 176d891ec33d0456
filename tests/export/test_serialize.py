import base64
import dataclasses

import numpy as np
import pytest

from muddle.export.serialize import criteria, for_page, verdict


@pytest.fixture(scope="module")
def m(muddler):
    return muddler.muddle(4, 9, seed=7, steps=6)


def test_the_page_gets_every_pixel_once(muddler, m):
    pixels = np.frombuffer(base64.b64decode(for_page(m, muddler)["pixels"]), np.uint8).reshape(-1, 28, 28)
    assert (pixels == np.stack([m.source, m.image, m.partner, *m.frames])).all()


def test_the_verdict_names_both_digits_with_their_shares(m):
    said = verdict(m)
    digit, target = (f"{100 * p:.0f} %" for p in (m.scores.p_digit, m.scores.p_target))
    assert said == f"4 or 9? The judges say 4: {digit}, 9: {target}"


def test_the_verdict_tells_when_a_third_digit_is_in_play(muddler):
    m = muddler.muddle(6, 7, seed=3)
    other = 1 - m.scores.p_digit - m.scores.p_target
    assert other > 0.05
    assert verdict(m).endswith(f", anything else: {100 * other:.0f} %")


def test_the_criteria_are_three_and_follow_the_scores(muddler, m):
    assert [met for _, met, _ in criteria(m)] == [
        m.scores.entropy >= 0.9,
        m.scores.likeness >= 5,
        min(m.scores.p_digit, m.scores.p_target) > 0.4,
    ]
    plain = muddler.muddle(1, 0, seed=1, steps=2, strategy="midpoint")
    assert criteria(plain)[2][1] == (min(plain.scores.p_digit, plain.scores.p_target) > 0.4)


@pytest.mark.parametrize(
    ("p", "text"), [(0.39904, "39.9 %"), (0.39996, "39.996 %"), (0.4, "40 %"), (0.404, "40.4 %"), (0.36, "36 %")]
)
def test_what_is_just_below_a_bar_does_not_look_like_it(m, p, text):
    near = dataclasses.replace(m, scores=dataclasses.replace(m.scores, p_digit=p, entropy=0.88, likeness=4.7))
    tell, like, between = [text for _, _, text in criteria(near)]
    assert between.startswith(f"{text} and ")
    assert tell.startswith("0.88 bits")
    assert "than 4.7 % of" in like
