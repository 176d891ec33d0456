import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muddle.search.latent import path
from train.report.measure import (
    LEVELS,
    assumptions,
    average,
    balance_bins,
    boldness,
    decoded_error,
    farthest_ends,
    muddle_figures,
    panel_disagreement,
    share,
    source_resemblance,
    target_shares,
    tells,
)


def test_a_share_and_its_wilson_interval():
    figure = share(torch.tensor([True] * 50 + [False] * 50))
    assert figure["value"] == 0.5
    assert figure["low"] == pytest.approx(0.4038, abs=1e-3)  # Wilson's interval for 50 of 100
    assert figure["high"] == pytest.approx(0.5962, abs=1e-3)


@given(st.integers(1, 200), st.data())
def test_an_interval_is_wilsons_holds_its_value_and_stays_a_share(n, data):
    from scipy.stats import binomtest

    hits = data.draw(st.integers(0, n))
    figure = share(torch.tensor([True] * hits + [False] * (n - hits)))
    assert 0 <= figure["low"] <= figure["value"] + 1e-12
    assert figure["value"] - 1e-12 <= figure["high"] <= 1
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert (figure["low"], figure["high"]) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_of_nothing_any_share_may_be_true_and_of_one_value_any_mean():
    assert share(torch.zeros(0, dtype=torch.bool)) == {"value": 0.5, "low": 0, "high": 1}
    assert average(np.array([3.0]))["value"] == 3
    assert math.isnan(average(np.array([3.0]))["low"])


def test_a_mean_and_its_interval():
    figure = average(torch.tensor([1.0, 2.0, 3.0]))
    assert figure["value"] == 2
    assert figure["high"] - 2 == pytest.approx(1.96 / math.sqrt(3))


class Opinion(torch.nn.Module):
    """A classifier that gives the same probabilities to every image."""

    def __init__(self, **probabilities):
        super().__init__()
        row = torch.full((10,), 1e-9)
        for name, p in probabilities.items():
            row[int(name[1:])] = p
        self.logits = row.log()

    def forward(self, images):
        return self.logits.expand(len(images), 10)


def figures_of(panel, digits, targets):
    """The figures of white images whose likeness percentiles run from 0 to 20."""
    images = np.full((len(digits), 28, 28), 255, np.uint8)
    likeness = torch.nn.Flatten()
    likeness.percentile = lambda logits: torch.linspace(0, 20, len(logits))
    return muddle_figures(images, np.array(digits), np.array(targets), panel, likeness)


def test_a_panel_that_is_split_between_two_digits_says_so_of_those_two_alone():
    figures = figures_of([Opinion(d4=0.55, d9=0.45), Opinion(d4=0.45, d9=0.55)], [4, 4, 4, 4], [9, 9, 9, 3])
    assert figures["count"] == 4
    assert figures["split"]["value"] == figures["both_above_0.2"]["value"] == figures["top_pair"]["value"] == 0.75
    assert figures["entropy_bits"]["value"] == pytest.approx(1, abs=1e-3)
    assert figures["member_undecided"]["value"] == 1
    assert figures["member_for_source"]["value"] == pytest.approx(0.5)
    assert figures["grey_share"]["value"] == 0
    assert figures["likely_digit"]["value"] == 0.75  # 0 is not above the 5th percentile; 6.7, 13.3 and 20 are


def test_the_distance_from_a_half_is_that_of_the_two_labels_shares():
    figures = figures_of([Opinion(d4=0.2, d9=0.6, d7=0.2)], [4, 9], [9, 4])
    assert figures["distance"]["value"] == pytest.approx(0.25, abs=1e-6)
    shares = target_shares(torch.tensor([[0.0, 0.1, 0.3], [0.5, 0.0, 0.0]]), torch.tensor([1, 0]), torch.tensor([2, 1]))
    assert shares.tolist() == pytest.approx([0.75, 0])


class Brightness:
    """A muddler whose judges are divided between 4 and 9 by grey ink, and see a 4 without."""

    def judge(self, images):
        faint = ((images > 0) & (images < 255)).any((1, 2))
        p = np.zeros((len(images), 10))
        p[:, 4], p[:, 9] = np.where(faint, 0.5, 1), np.where(faint, 0.5, 0)
        return p


def test_a_muddle_is_bold_that_stays_undecided_without_its_faint_ink():
    images = np.zeros((4, 28, 28), np.uint8)
    images[:, 3, 3] = 255
    for image, grey in zip(images, (60, 100, 110, 200), strict=True):
        image[5, 5] = grey  # which alone divides the judges
    found = boldness(Brightness(), images, np.full(4, 4), np.full(4, 9))
    assert [found[f"{level}"]["value"] for level in LEVELS] == [0.75, 0.5, 0.25]
    assert found["all"]["value"] == 0.25


def test_a_bin_has_the_mean_and_both_spreads():
    balances = (np.arange(40) + 0.5) / 40
    shares = np.where(np.arange(40) % 2, balances + 0.1, balances - 0.1)
    bins = balance_bins(balances, shares, np.stack([shares - 0.2, shares + 0.2]))
    assert [row["count"] for row in bins] == [4] * 10
    assert [row["share"]["value"] for row in bins] == pytest.approx([row["asked"] for row in bins])
    assert bins[3]["asked"] == pytest.approx(0.35)
    assert bins[3]["spread"] == pytest.approx(np.std(shares[12:16]))
    assert bins[3]["members_spread"] == pytest.approx(0.2)


def test_a_mean_that_is_split_may_hide_members_that_are_certain():
    figures = figures_of([Opinion(d4=1.0), Opinion(d9=1.0)], [4, 4], [9, 9])
    assert figures["split"]["value"] == 1
    assert figures["member_undecided"]["value"] == 0


def test_disagreement_is_none_among_equals_and_a_half_between_opposites():
    images = np.zeros((3, 28, 28), np.uint8)
    assert panel_disagreement(images, [Opinion(d4=1.0)] * 2).tolist() == pytest.approx([0] * 3)
    assert panel_disagreement(images, [Opinion(d4=1.0), Opinion(d9=1.0)]).tolist() == pytest.approx([0.5] * 3)


def test_an_exemplar_resembles_itself(muddler):
    sources = np.arange(0, len(muddler.bundle.exemplars.labels), 50)
    images = muddler.bundle.exemplars.images[torch.from_numpy(sources)].numpy()
    figures = source_resemblance(muddler, images, sources)
    assert figures["by_code"]["value"] == figures["by_pixels"]["value"] == 1
    black = np.zeros_like(images)
    assert source_resemblance(muddler, black, sources)["by_pixels"]["value"] < 0.8


def test_the_frame_farthest_from_both_ends_is_counted_at_the_end_it_lies_at(muddler):
    ends = farthest_ends(muddler, np.arange(10), (np.arange(10) + 1) % 10, steps=5)
    assert sum(ends.values()) == pytest.approx(1)
    bundle = muddler.bundle
    batch = muddler.muddle_many(range(10), [(d + 1) % 10 for d in range(10)], range(10), strategy="midpoint")
    first = 0
    for source, partner in zip(batch.sources, batch.partners, strict=True):
        with torch.no_grad():
            frames = bundle.autoencoder.decode(path(bundle.exemplars.codes[source], bundle.exemplars.codes[partner], 5))
        real = bundle.exemplars.images[[source, partner]][:, None] / 255
        errors = [sum(float(((frame - image) ** 2).mean()) for image in real) for frame in frames]
        first += errors.index(max(errors)) == 0
    assert ends["first_frame"] == first / 10


def test_the_assumptions_of_the_shipped_bundle_are_measured(muddler):
    exemplars = muddler.bundle.exemplars
    index = torch.arange(0, len(exemplars.labels), 25)
    figures = assumptions(muddler, exemplars.codes[index], exemplars.labels[index], exemplars.images[index])
    assert -1 <= figures["silhouette"] <= 1
    assert figures["nearest_centroid_accuracy"] > 0.8
    assert figures["distance_confusion_spearman"] < 0
    assert 0 <= figures["distance_confusion_p"] <= 1


def test_the_error_of_reconstructions_is_near_the_reported_one(muddler):
    error = decoded_error(muddler, muddler.bundle.exemplars.images[::25])
    assert error == pytest.approx(muddler.bundle.report["autoencoder"]["test_mse"], rel=0.3)


def test_what_tells_two_sets_of_images_apart_is_found_by_its_kind(muddler):
    real = muddler.bundle.exemplars.images[::10].numpy()
    assert set(tells(real, real).values()) == {0.5}
    marked = real.copy()
    marked[:, 0, 0] = 1
    found = tells(marked, real)
    assert found["pixel"] == 1
    assert found["border"] > 0.9
    assert 0.5 <= found["ink"] < 0.6
    assert found["grey_levels"] > 0.5
    assert tells(real // 2, real)["ink"] > 0.8


def test_no_pixel_and_no_border_gives_a_muddle_away(muddler):
    """The shipped report, and the same on muddles that are made here, beside exemplars."""
    figures = muddler.bundle.report["tells"]
    assert max(figures["pixel"], figures["border"], figures["ink"]) <= 0.65
    digits = np.arange(300) % 10
    images = muddler.muddle_many(digits, (digits + 1 + np.arange(300) // 10 % 9) % 10, range(300)).images
    found = tells(images, muddler.bundle.exemplars.images.numpy())
    assert found["border"] <= 0.65
    assert found["ink"] <= 0.65
    assert (images[:, 0, 0] == 0).all()


def test_members_are_measured_one_by_one(muddler):
    images = muddler.bundle.exemplars.images[:3].numpy()
    panel = [Opinion(d4=0.5, d9=0.5), Opinion(d4=1.0)]
    digits, targets = np.full(3, 4), np.full(3, 9)
    members = muddle_figures(images, digits, targets, panel, muddler.bundle.likeness)["members"]
    assert members["split"] == members["both_above_0.2"] == [1, 0]
    assert members["undecided"] == [1, 0]
