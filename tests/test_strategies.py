import pytest
import torch

from muddle.strategies import balanced, farthest, midpoint
from muddle.surrogate import Prediction


def test_the_midpoint_is_the_average():
    pick = midpoint(torch.tensor([[0.0, 2.0]]), torch.tensor([[4.0, 0.0]]))
    assert pick.codes.tolist() == [[2, 1]]
    assert pick.t.tolist() == [0.5]


def as_image(codes):
    """A decoder whose image is the code's first number everywhere, so that mse(O, a) = (o - a) squared."""
    return codes[:, :1, None, None].expand(-1, 1, 28, 28)


def test_farthest_takes_the_inner_step_with_the_largest_sum_of_distances():
    source, partner = torch.tensor([[0.0]]), torch.tensor([[1.0]])
    far, near = torch.full((1, 1, 28, 28), 3.0), torch.zeros(1, 1, 28, 28)
    # (o - 3)^2 + o^2 falls until o = 1.5, so the first inner step has the largest sum
    pick = farthest(source, partner, 5, as_image, (far, near))
    assert pick.t.item() == pytest.approx(0.25)
    assert pick.codes.item() == pytest.approx(0.25)
    # (o + 1)^2 + o^2 grows, so the last inner one has
    pick = farthest(source, partner, 5, as_image, (-far / 3, near))
    assert pick.t.item() == pytest.approx(0.75)


def judges_with_boundary_at(place):
    """Two judges that see digit 0 below `place` on the first axis and digit 1 above, and nothing wrong elsewhere."""

    def predict(codes):
        margin = 8 * (codes[..., 0] - place)
        logits = torch.full((*margin.shape, 2, 10), -20.0, dtype=codes.dtype)
        logits[..., 0], logits[..., 1] = -margin[..., None] / 2, margin[..., None] / 2
        return Prediction(logits, torch.ones_like(margin), torch.full_like(margin, 0.5))

    return predict


def test_balanced_finds_the_boundary_between_the_steps_of_a_path():
    source = torch.zeros(1, 2, dtype=torch.float64)
    partners = torch.tensor([[[1.0, 0.0], [1.0, 0.5]]], dtype=torch.float64)
    pair = (torch.tensor([0]), torch.tensor([1]))
    predict = judges_with_boundary_at(0.437)

    def verify(codes, digit, target):
        return 1 - (codes[..., 0] - 0.437).abs()

    pick = balanced(source, partners, pair, predict, verify, torch.tensor(0.0))
    assert pick.codes[0, 0].item() == pytest.approx(0.437, abs=0.01)
    assert 0 < pick.t.item() < 1


def test_balanced_leaves_the_path_when_the_boundary_is_far_from_it():
    source = torch.zeros(1, 1, dtype=torch.float64)
    partners = torch.ones(1, 1, 1, dtype=torch.float64)
    pair = (torch.tensor([0]), torch.tensor([1]))
    predict = judges_with_boundary_at(3.0)
    pick = balanced(source, partners, pair, predict, lambda c, *_: -(c[..., 0] - 3).abs(), torch.tensor(0.0))
    assert pick.codes.item() == pytest.approx(3, abs=0.05)
    assert pick.t.item() == 1, "the nearest place on the path is its end"


def test_a_muddle_in_a_batch_is_the_muddle_alone():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    partners = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64) + 2
    digit, target = torch.zeros(3, dtype=torch.long), torch.ones(3, dtype=torch.long)
    predict, verify = judges_with_boundary_at(1.0), lambda c, *_: 0.6 - (c[..., 0] - 1).abs()
    floor = torch.tensor(0.0)
    together = balanced(sources, partners, (digit, target), predict, verify, floor)
    for i in range(3):
        some = slice(i, i + 1)
        alone = balanced(sources[some], partners[some], (digit[some], target[some]), predict, verify, floor)
        torch.testing.assert_close(alone.codes[0], together.codes[i])
