import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from muddle.search.latent import centroid_matrix, nearest_centroid, path, position_along

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


@given(codes, codes, st.integers(2, 64))
def test_the_position_of_a_step_is_its_share_of_the_path(start, end, steps):
    if (end - start).norm() < 1e-3:
        return
    along = position_along(path(start, end, steps), start.expand(steps, 3), end.expand(steps, 3))
    torch.testing.assert_close(along, torch.linspace(0, 1, steps, dtype=torch.float64))


def test_a_position_is_a_projection_and_stays_between_the_ends():
    start, end = torch.zeros(4, 2), torch.tensor([[2.0, 0.0]]).expand(4, 2)
    off = torch.tensor([[0.5, 7.0], [-3.0, 1.0], [9.0, 0.0], [2.0, -5.0]])
    assert position_along(off, start, end).tolist() == [0.25, 0, 1, 1]
    assert position_along(off[:1], start[:1], start[:1]).item() == pytest.approx(0), "a path of no length"
