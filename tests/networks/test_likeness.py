import pytest
import torch

from muddle.images.pixels import to_unit
from muddle.networks.likeness import PERCENTILES, Likeness


def test_a_percentile_is_read_between_the_quantiles():
    likeness = Likeness()
    likeness.quantiles = torch.arange(PERCENTILES, dtype=torch.float32) ** 2  # percentile p has the logit p squared
    logits = torch.tensor([0.0, 1.0, 2.5, 49.0, 2500.0, 10_000.0, -1.0, 1e6])
    assert likeness.percentile(logits).tolist() == pytest.approx([0, 1, 1.5, 7, 50, 100, 0, 100])


def test_quantiles_that_coincide_are_no_division_by_zero():
    likeness = Likeness()
    likeness.quantiles = torch.zeros(PERCENTILES)
    assert likeness.percentile(torch.tensor([-1.0, 0.0, 1.0])).isfinite().all()


def test_real_digits_are_likely_and_noise_is_not(muddler):
    likeness, real = muddler.bundle.likeness, to_unit(muddler.bundle.exemplars.images[::25])
    noise = torch.rand(50, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        digits, grain = likeness.percentile(likeness(real)), likeness.percentile(likeness(noise))
    assert 40 < digits.mean() < 65
    assert grain.max() < 1
