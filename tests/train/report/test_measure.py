import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muddle.export.report_table import interval
from train import augment
from train.autoencoder import whitening_loss
from train.classifier import calibration_error, fit_temperature
from train.exemplars import _contains as contains
from train.judge import SOFT, STEEP
from train.likeness import DAMAGE, auc
from train.loop import one_cycle
from train.measure import average, share
from train.panel import PANEL


def generator():
    return torch.Generator().manual_seed(0)


def test_a_share_and_its_wilson_interval():
    found = share(torch.tensor([True] * 50 + [False] * 50))
    assert found["value"] == 0.5
    assert found["low"] == pytest.approx(0.4038, abs=1e-3)  # Wilson's interval for 50 of 100
    assert found["high"] == pytest.approx(0.5962, abs=1e-3)


@given(st.integers(1, 200), st.data())
def test_an_interval_holds_its_value_and_stays_a_share(n, data):
    hits = data.draw(st.integers(0, n))
    found = share(torch.tensor([True] * hits + [False] * (n - hits)))
    assert 0 <= found["low"] <= found["value"] + 1e-12
    assert found["value"] - 1e-12 <= found["high"] <= 1


def test_a_mean_and_its_interval():
    found = average(torch.tensor([1.0, 2.0, 3.0]))
    assert found["value"] == 2
    assert found["high"] - 2 == pytest.approx(1.96 / math.sqrt(3))


def test_figures_are_written_with_their_intervals():
    assert interval({"value": 0.451, "low": 0.42, "high": 0.482}, "share") == "45.1 % (42.0 to 48.2)"


def test_auc_of_perfect_reversed_and_mixed_rankings():
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])
    assert auc(high, low) == 1
    assert auc(low, high) == 0
    assert auc(torch.tensor([0.0, 3.0]), torch.tensor([1.0, 2.0])) == 0.5


def test_an_honest_classifier_has_no_calibration_error_and_a_boaster_has():
    labels = torch.tensor([0, 1])
    assert calibration_error(torch.full((2, 2), 0.5), labels) == pytest.approx(0)
    assert calibration_error(torch.tensor([[1.0, 0], [1.0, 0]]), labels) == pytest.approx(0.5)


def test_the_temperature_undoes_a_scaling_of_the_logits():
    logits = 3 * torch.randn(4000, 10, generator=generator())
    labels = torch.distributions.Categorical(logits=logits)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = labels.sample()
    assert fit_temperature(4 * logits, drawn) == pytest.approx(4, rel=0.1)


def test_whitening_is_nothing_for_white_codes_and_much_for_a_dead_axis():
    white = torch.randn(100_000, 10, generator=generator())
    assert whitening_loss(white) < 0.01
    dead = white.clone()
    dead[:, 0] = 0
    assert whitening_loss(dead) > 0.09


def test_the_learning_rate_rises_peaks_and_vanishes():
    assert one_cycle(0, 1.0) < 0.1
    assert one_cycle(0.1, 1.0) == pytest.approx(1)
    assert one_cycle(1, 1.0) < 0.01


def test_affine_at_no_strength_changes_nothing_and_keeps_what_it_moves():
    images = torch.rand(4, 1, 28, 28, generator=generator())
    torch.testing.assert_close(augment.affine(images, 0, generator=generator()), images, atol=1e-4, rtol=0)
    moved = augment.affine(images, 1, generator=generator())
    assert moved.shape == images.shape
    assert not torch.allclose(moved, images, atol=0.1)


def test_mixup_blends_targets_as_it_blends_images():
    images = torch.eye(10).repeat(1, 1)[:, None, :, None].expand(10, 1, 10, 1)
    mixed, targets = augment.mixup(images, torch.eye(10), 1.0, generator=generator())
    torch.testing.assert_close(mixed[:, 0, :, 0], targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(10))
    untouched, _ = augment.mixup(images, torch.eye(10), 0.0, generator=generator())
    assert torch.equal(untouched, images)


@pytest.mark.parametrize("damage", DAMAGE, ids=[d.__name__ for d in DAMAGE])
def test_damage_changes_an_image_and_keeps_it_one(damage):
    images = torch.zeros(8, 1, 28, 28)
    images[:, :, 4:24, 12:16] = 1
    images[4:, :, 12:16, 4:24] = 1
    images[:2, :, 2:9, 3:8] = 1
    harmed = damage(images, generator())
    assert harmed.shape == images.shape
    assert 0 <= harmed.min() <= harmed.max() <= 1
    assert not torch.equal(harmed, images)


def test_images_are_recognised_byte_for_byte():
    images = torch.arange(3, dtype=torch.uint8)[:, None, None].expand(3, 28, 28)
    assert contains(images[:2], images).tolist() == [True, True, False]


def test_no_judge_or_teacher_has_an_architecture_of_the_panel():
    """Kinds are told apart by the kinds of layers they are made of, in order."""

    def shape(net):
        return tuple(type(layer).__name__ for layer in net.modules())

    from muddle.networks.judges import Judge

    judges = {shape(Judge(pupil.config).net) for pupil in (*SOFT, *STEEP)}
    assert not judges & {shape(member.build()) for member in PANEL}
    assert len(PANEL) >= 5
    assert len({pupil.config.kind for pupil in SOFT if pupil.published}) >= 5
