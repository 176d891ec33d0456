import pytest
import torch

from train.tsne import divergence, joint_probabilities, neighbour_probabilities


def some_codes(count=60):
    return torch.randn(count, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_each_code_has_as_many_neighbours_as_the_perplexity_says():
    probabilities = neighbour_probabilities(some_codes(), 7)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(60).double())
    torch.testing.assert_close(torch.special.entr(probabilities).sum(1).exp(), torch.full((60,), 7.0).double())
    assert not probabilities.diagonal().any()
    joint = joint_probabilities(some_codes(), 7)
    torch.testing.assert_close(joint, joint.T)
    assert joint.sum().item() == pytest.approx(1)


def test_the_divergence_is_none_where_neighbourhoods_agree_and_some_where_they_do_not():
    places = some_codes()[:, :2]
    kernel = (1 / (1 + torch.cdist(places, places) ** 2)).fill_diagonal_(0)
    assert divergence(kernel / kernel.sum(), places).item() == pytest.approx(0, abs=1e-9)
    assert divergence(kernel / kernel.sum(), places.flip(0)) > 0.1
