import pytest
import torch

from muddle.networks.projection import Projection
from muddle.search.latent import path
from train.stages.projection import bending, neighbour_accuracy, normalise, trustworthiness, unseen_accuracy


def test_a_straight_line_does_not_bend_and_a_corner_does():
    line = path(torch.zeros(1, 2), torch.ones(1, 2), 9)
    assert bending(line).item() == pytest.approx(0, abs=1e-9)
    corner = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
    assert bending(corner).item() == pytest.approx(2)


def test_normalised_places_fill_the_map_with_weights_as_they_are_stored():
    torch.manual_seed(0)
    net, codes = Projection(), torch.randn(60, 10, dtype=torch.float64)
    normalise(net, codes)
    with torch.no_grad():
        places = net(codes)
    assert all(torch.equal(t, t.half().double()) for t in net.state_dict().values())
    assert 0.998 < places.abs().max() <= 1
    torch.testing.assert_close(places.amax(0), -places.amin(0), atol=0.005, rtol=0)


def test_neighbours_vote_for_the_label_and_nothing_votes_for_itself():
    labels = torch.arange(10).repeat_interleave(6)
    points = labels[:, None].double()
    assert neighbour_accuracy(points, labels) == 1
    assert neighbour_accuracy(points, torch.arange(60) % 6) == 0  # each is alone among its six
    assert unseen_accuracy(points[::6] + 0.1, torch.arange(10), points, labels) == 1
    assert unseen_accuracy(points[::6] + 1.1, torch.arange(10), points, labels) == 0.1  # the last is still nearest 9


def test_a_map_that_keeps_all_distances_is_trustworthy():
    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    assert trustworthiness(points, 3 * points) == 1
    assert trustworthiness(points, points.flip(0)) < 0.8
