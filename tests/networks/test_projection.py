"""The latent map of the embedded bundle."""

import torch

from muddle.search.latent import path


def test_exemplars_fill_the_latent_map_and_none_lies_outside(muddler):
    bundle = muddler.bundle
    places = bundle.projection(bundle.exemplars.codes)
    assert places.shape == (len(bundle.exemplars.codes), 2)
    assert places.dtype == torch.float64
    assert 0.998 < places.abs().max() <= 1
    torch.testing.assert_close(places.amax(0), -places.amin(0), atol=0.005, rtol=0)  # both axes are centred


def test_the_latent_map_keeps_each_digit_together(muddler):
    bundle = muddler.bundle
    labels, places = bundle.exemplars.labels, bundle.projection(bundle.exemplars.codes)
    nearest = torch.cdist(places, places).fill_diagonal_(torch.inf).topk(5, largest=False).indices
    assert (labels[nearest].mode(1).values == labels).double().mean() > 0.92
    centroids = bundle.projection(bundle.centroids)
    assert centroids.shape == (10, 2)
    around = torch.cdist(centroids, places).topk(20, largest=False).indices
    assert torch.equal(labels[around].mode(1).values, torch.arange(10))


def test_a_path_is_a_curve_without_jumps_on_the_latent_map(muddler):
    bundle = muddler.bundle
    codes = bundle.exemplars.codes
    curves = bundle.projection(path(codes[::25], codes.flip(0)[::25], 101))
    assert curves.shape == (100, 101, 2)
    steps = curves.diff(dim=1).norm(dim=-1)
    assert (steps.max(1).values / steps.sum(1)).median() < 0.03  # 0.01 would be an even pace
