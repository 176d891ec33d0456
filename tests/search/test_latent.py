import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muddle.search.latent import centroid_matrix, morph_path, nearest_centroid, path, path_through, share_of_way

codes = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(lambda x: torch.tensor(x, dtype=torch.float64))


@given(codes, codes, st.integers(2, 64))
def test_a_path_begins_and_ends_at_its_ends_and_is_evenly_spaced(start, end, steps):
    between = path(start, end, steps)
    assert between.shape == (steps, 3)
    torch.testing.assert_close(between[0], start)
    torch.testing.assert_close(between[-1], end)
    torch.testing.assert_close(between.diff(dim=0), ((end - start) / (steps - 1)).expand(steps - 1, 3))


@given(codes, codes, st.integers(2, 64))
def test_swapping_the_ends_reverses_the_path(start, end, steps):
    torch.testing.assert_close(path(start, end, steps), path(end, start, steps).flip(0))


def test_paths_of_a_batch_are_the_paths_of_its_members():
    starts, ends = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(0)).unbind(1)
    together = path(starts, ends, 5)
    for one, start, end in zip(together, starts, ends, strict=True):
        torch.testing.assert_close(one, path(start, end, 5))


def test_centroids_are_the_means_of_their_classes():
    matrix = centroid_matrix(torch.tensor([[0.0, 0], [2, 4], [1, 1]]), torch.tensor([0, 0, 2]), classes=3)
    assert matrix[0].tolist() == [1, 2]
    assert matrix[1].isnan().all()
    assert matrix[2].tolist() == [1, 1]


def test_the_nearest_centroid_is_never_the_excluded_one():
    centroids = torch.tensor([[0.0], [1.0], [5.0]])
    codes = torch.tensor([[0.1], [4.0]])
    assert nearest_centroid(codes, centroids).tolist() == [0, 2]
    assert nearest_centroid(codes, centroids, excluding=torch.tensor([0, 2])).tolist() == [1, 1]


@given(codes, codes, codes, st.integers(3, 64))
def test_a_path_through_a_code_has_it_as_an_inner_step_and_is_even_on_either_side(start, via, end, steps):
    way, step = path_through(start, via, end, steps)
    assert len(way) == steps
    assert 0 < step < steps - 1
    assert way[[0, step, -1]].equal(torch.stack([start, via, end]))
    for side in (way[: step + 1].diff(dim=0), way[step:].diff(dim=0)):
        torch.testing.assert_close(side, side[:1].expand_as(side))


def test_the_step_is_the_one_next_to_its_share_of_the_way():
    start, end = torch.zeros(2), torch.tensor([10.0, 0.0])
    for x, step in ((0.0, 1), (1.4, 1), (1.6, 2), (5.0, 5), (8.4, 8), (10.0, 9)):
        assert path_through(start, torch.tensor([x, 0.0]), end, 11)[1] == step
    for x, step in ((4.0, 0), (6.0, 1)):
        way, nearer = path_through(start, torch.tensor([x, 3.0]), end, 2)
        assert (way.tolist(), nearer) == ([[0, 0], [10, 0]], step)


@given(codes, codes, st.integers(2, 64))
def test_the_share_of_a_step_of_a_straight_path_is_its_own(start, end, steps):
    if (end - start).norm() < 1e-3:
        return
    shares = share_of_way(start.expand(steps, 3), path(start, end, steps), end.expand(steps, 3))
    torch.testing.assert_close(shares, torch.linspace(0, 1, steps, dtype=torch.float64), atol=1e-6, rtol=0)


def test_a_share_is_of_the_way_over_the_code_wherever_that_lies():
    start, end = torch.zeros(3, 2), torch.tensor([[8.0, 0.0]]).expand(3, 2)
    off = torch.tensor([[0.0, 6.0], [-2.0, 0.0], [4.0, -3.0]])
    assert share_of_way(start, off, end).tolist() == pytest.approx([6 / 16, 2 / 12, 0.5], abs=1e-6)
    assert share_of_way(start[:1], start[:1], start[:1]).item() == 0, "a way of no length"


def test_a_morph_is_closest_to_where_it_passes():
    start, via, end = torch.tensor([0.0, 0.0]), torch.tensor([8.0, 0.0]), torch.tensor([8.0, 27.0])
    way = morph_path(start, via, end, 7)
    assert way[[0, 3, 6]].equal(torch.stack([start, via, end]))
    lengths = way.diff(dim=0).norm(dim=1)
    assert lengths[:3].tolist() == pytest.approx([8 * 19 / 27, 8 * 7 / 27, 8 / 27], abs=1e-5)
    assert lengths[3:].tolist() == pytest.approx([1, 7, 19], abs=1e-4)
