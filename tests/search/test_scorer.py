import numpy as np
import pytest
import torch

from muddle.images.pixels import to_unit
from muddle.search.metrics import grey_share
from muddle.search.scorer import MEAN_TOLERANCE, PIXEL_BLOCK, TOLERANCE, ImageScores, Scorer


@pytest.fixture(scope="module")
def scorer(muddler):
    return Scorer(muddler.bundle)


@pytest.fixture(scope="module")
def between(muddler):
    """Codes between exemplars, where classifiers are least certain: (250, D)."""
    codes = muddler.bundle.exemplars.codes
    return torch.lerp(codes[::10], codes.flip(0)[::10], 0.5)


def difference(one, other):
    """The largest in any column."""
    return max((a - b).abs().max().item() for a, b in zip(one, other, strict=True))


def test_images_are_scored_by_the_bundles_networks(muddler, scorer):
    bundle, pixels = muddler.bundle, muddler.bundle.exemplars.images[::40]
    assert len(pixels) > PIXEL_BLOCK
    with torch.no_grad():
        found, images = scorer.score_images(pixels), to_unit(pixels)
        expected = ImageScores(
            bundle.judges(images).movedim(0, 1),
            bundle.likeness(images) - bundle.likeness.quantiles[10],
            grey_share(images),
        )
    assert found.probabilities.shape == (len(pixels), len(bundle.judges.judges), 10)
    assert difference(found, expected) < 1e-10


def test_images_are_predicted_by_the_bundles_student(muddler, scorer):
    bundle, pixels = muddler.bundle, muddler.bundle.exemplars.images[::40]
    with torch.no_grad():
        found, expected = scorer.predict_images(pixels), bundle.student(to_unit(pixels))
    expected = expected._replace(likeness=expected.likeness - bundle.likeness.quantiles[10])
    assert found.logits.shape == (len(pixels), bundle.student.config.teachers + 1, 10)
    assert difference(found, expected) < 1e-10


def test_codes_are_predicted_by_the_bundles_surrogate(muddler, scorer, between):
    bundle, codes = muddler.bundle, between.unflatten(0, (5, 50))
    found, expected = scorer.predict(codes), bundle.surrogate(codes)
    expected = expected._replace(likeness=expected.likeness - bundle.likeness.quantiles[10])
    assert found.logits.shape == (5, 50, bundle.surrogate.config.teachers + 1, 10)
    assert difference(found, expected) < 1e-10
    assert difference(scorer.predict_with_vjp(codes)[0], expected) < 1e-10


def test_the_scout_is_roughly_the_teachers_mean(scorer, between):
    with torch.no_grad():
        rough, mean = scorer.scout(between).softmax(-1), scorer.predict(between).teachers.softmax(-1).mean(1)
    assert (rough - mean).abs().sum(1).mean() / 2 < 0.15


def test_screening_is_near_the_exact_scores(muddler, scorer):
    images = muddler.bundle.exemplars.images[::10]
    with torch.no_grad():
        found, exact = scorer.judge(images, screening=True).double(), scorer.judge(images)
    assert 0 < (found - exact).abs().max() < TOLERANCE / 2  # more than nothing, or it would be no faster
    assert (found.mean(1) - exact.mean(1)).abs().max() < MEAN_TOLERANCE / 2


def test_the_paths_probabilities_are_the_exact_ones_to_a_thousandth(muddler):
    for seed in np.random.default_rng(0).integers(0, 10**6, 6).tolist():
        m = muddler.muddle(seed % 10, seed=seed, steps=21, strategy="midpoint")
        exact = np.stack([muddler.judge(frame) for frame in m.frames])
        np.testing.assert_array_equal(m.probabilities, exact.round(3))
        each = muddler._scorer.score_images(torch.tensor(m.frames)).probabilities
        np.testing.assert_array_equal(m.judge_probabilities, each.detach().numpy().round(2))


def test_what_might_be_rounded_to_the_other_side_is_computed_exactly(scorer, monkeypatch):
    """Of one judge: the first row's lies next to a half thousandth, the second's next to a half hundredth."""
    exact = torch.tensor([[0.2005004, 0.7994996], [0.2450004, 0.7549996], [0.1, 0.9]], dtype=torch.float64)
    recomputed = []

    def judge(pixels, *, screening=False):
        rows = pixels[:, 0, 0].long()
        if not screening:
            recomputed.extend(rows.tolist())
        error = torch.tensor([-1e-6, 1e-6]) if screening else 0  # enough for them to fall below
        return (exact[rows] + error)[:, None]

    monkeypatch.setattr(scorer, "judge", judge)
    said = scorer.opinions(torch.arange(3, dtype=torch.uint8)[:, None, None].expand(3, 28, 28))
    torch.testing.assert_close(said.mean, exact.round(decimals=3), rtol=0, atol=0)
    torch.testing.assert_close(said.each, exact[:, None].round(decimals=2), rtol=0, atol=0)
    assert recomputed == [0, 1]


def test_first_choices_are_the_exact_ones(muddler, scorer):
    morph = muddler.morph(np.stack([(m := muddler.muddle(4, 9, seed=7)).codes[0], m.code, m.codes[-1]]))
    exact = scorer.score_images(torch.tensor(morph.frames)).probabilities.argmax(2)
    assert (exact.numpy() == morph.choices).all()


def test_a_choice_that_might_be_the_other_is_made_exactly(scorer, monkeypatch):
    exact = torch.tensor([[0.499999, 0.500001], [0.1, 0.9]], dtype=torch.float64)
    recomputed = []

    def judge(pixels, *, screening=False):
        rows = pixels[:, 0, 0].long()
        if not screening:
            recomputed.extend(rows.tolist())
        error = torch.tensor([2e-6, -2e-6]) if screening else 0  # enough to turn the first
        return (exact[rows] + error)[:, None]

    monkeypatch.setattr(scorer, "judge", judge)
    pixels = torch.arange(2, dtype=torch.uint8)[:, None, None].expand(2, 28, 28)
    assert scorer.first_choices(pixels).tolist() == [[1], [1]]
    assert recomputed == [0]


def test_the_percentile_is_the_share_of_real_digits_with_a_lower_score(muddler, scorer):
    floor = muddler.bundle.likeness.quantiles[10].item()
    logits = muddler.bundle.likeness.quantiles[[0, 10, 50, 100]]
    column = torch.zeros(4)
    found = scorer.percentile(ImageScores(column, logits - floor, column))
    assert found.tolist() == pytest.approx([0, 10, 50, 100])
