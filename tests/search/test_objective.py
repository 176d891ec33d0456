import pytest
import torch

from muddle.search.scorer import Critic, Opinion
from muddle.networks.fuse import folded
from muddle.search.objective import Wish, quality, slope


@pytest.mark.parametrize("balance", [0.0, 0.2, 0.5, 1.0])
def test_the_slope_in_closed_form_is_the_gradient_that_autograd_finds(muddler, balance):
    critic = Critic(muddler.bundle)
    rows = torch.tensor([4, 1, 7, 3])[:, None]
    wish = Wish(rows, torch.tensor([9, 7, 2, 5])[:, None], torch.full((4, 1), balance, dtype=torch.float64))
    codes = 1.5 * torch.randn(4, 40, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    at = codes.clone().requires_grad_()
    (expected,) = torch.autograd.grad(quality(critic.of_codes(at), wish).sum(), at)
    seen, pull = critic.of_codes_with_pull(codes)
    assert (seen.likeness < 0).any()  # every part of the quality counts somewhere
    assert (seen.grey > 0.55).any()
    torch.testing.assert_close(pull(slope(seen, wish)), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["judges", "autoencoder"])
def test_a_folded_network_says_the_same_without_batch_norms(muddler, name):
    network = getattr(muddler.bundle, name)
    lean = folded(network)
    images = torch.rand(5, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    norms = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    assert any(isinstance(layer, norms) for layer in network.modules())  # and the one that was given is left alone
    assert not any(isinstance(layer, norms) for layer in lean.modules())
    with torch.no_grad():
        torch.testing.assert_close(lean(images), network(images), rtol=1e-10, atol=1e-12)


def test_a_rough_opinion_that_might_be_rounded_to_the_other_side_is_asked_for_exactly(muddler, monkeypatch):
    critic, exact = Critic(muddler.bundle), torch.tensor([[0.2005004, 0.7994996], [0.1, 0.9]], dtype=torch.float64)
    asked = []

    def of_pixels(pixels, *, rough=False):
        rows = pixels[:, 0, 0].long()
        if not rough:
            asked.extend(rows.tolist())
        off = torch.tensor([-1e-6, 1e-6]) if rough else 0  # enough for the first to fall below its half thousandth
        return Opinion((exact[rows] + off)[:, None], None, None)

    monkeypatch.setattr(critic, "of_pixels", of_pixels)
    pixels = torch.arange(2, dtype=torch.uint8)[:, None, None].expand(2, 28, 28)
    torch.testing.assert_close(critic.along(pixels), exact.round(decimals=3), rtol=0, atol=0)
    assert asked == [0]
