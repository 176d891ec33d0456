import math

import pytest
import torch

from muddle.search.scorer import Opinion
from muddle.images.pixels import to_pixels
from muddle.search.objective import Wish, quality
from muddle.search.strategies import MARGIN, _promise, _verified, balanced, farthest, midpoint


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


SPAN = 4.0  # of the first axis that an image can show


class BoundaryAt:
    """Two judges that see digit 0 below a place on the first axis and digit 1 above, and nothing wrong elsewhere.

    An image shows its code's first number. What is rough is `error` off, up or down.
    """

    def __init__(self, place, error=0.0, slope=8.0):
        self.place, self.error, self.slope = place, error, slope

    def of_codes(self, codes, *, rough=False):
        margin = self.slope * (codes[..., 0] - self.place)
        p = margin.sigmoid()
        if rough:
            p = p + self.error * torch.cos(1e6 * codes[..., 0])
        probabilities = torch.zeros(*p.shape, 2, 10, dtype=codes.dtype)
        probabilities[..., 0], probabilities[..., 1] = (1 - p)[..., None], p[..., None]
        return Opinion(probabilities, torch.ones_like(p), torch.full_like(p, 0.5))

    def of_codes_with_pull(self, codes):
        def pull(by):
            along = self.slope * by.logits[..., 1].sum(-1)  # the logits are 0 and the margin
            return torch.cat([along[..., None], torch.zeros_like(codes[..., 1:])], -1)

        return self.of_codes(codes), pull

    def of_pixels(self, pixels, *, rough=False):
        return self.of_codes(SPAN * pixels[:, 0, :1].double() / 255, rough=rough)

    @staticmethod
    def decode(codes):
        return (codes[:, :1, None, None] / SPAN).clamp(0, 1).expand(-1, 1, 28, 28)


def wish(n, balance=0.5):
    return Wish(torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long), torch.full((n,), balance).double())


def search(source, partners, critic, balance=0.5):
    return balanced(source, partners, wish(len(source), balance), critic, critic.decode)


@pytest.mark.parametrize("balance", [0.5, 0.1, 0.8])
def test_balanced_finds_the_place_between_the_steps_of_a_path(balance):
    source = torch.zeros(1, 2, dtype=torch.float64)
    partners = torch.tensor([[[1.0, 0.0], [1.0, 0.5]]], dtype=torch.float64)
    found = search(source, partners, BoundaryAt(0.437), balance)
    there = 0.437 + math.log(balance / (1 - balance)) / 8
    assert found.pick.codes[0, 0].item() == pytest.approx(there, abs=SPAN / 255)
    assert found.seen.probabilities[0, :, 1].tolist() == pytest.approx([balance] * 2, abs=8 * SPAN / 255)
    assert 0 < found.pick.t.item() < 1


def test_balanced_leaves_the_path_when_the_boundary_is_far_from_it():
    source = torch.zeros(1, 1, dtype=torch.float64)
    partners = torch.ones(1, 1, 1, dtype=torch.float64)
    found = search(source, partners, BoundaryAt(3.0))
    assert found.pick.codes.item() == pytest.approx(3, abs=0.05)
    assert found.pick.t.item() == 1, "the nearest place on the path is its end"


def test_a_muddle_in_a_batch_is_the_muddle_alone():
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    partners = torch.randn(3, 4, 2, generator=generator, dtype=torch.float64) + 2
    critic = BoundaryAt(1.0)
    together = search(sources, partners, critic)
    for i in range(3):
        alone = search(sources[i : i + 1], partners[i : i + 1], critic)
        torch.testing.assert_close(alone.pick.codes[0], together.pick.codes[i])


@pytest.mark.parametrize("slope", [0.001, 0.01, 0.1, 8.0])
def test_rough_opinions_decide_nothing_however_alike_the_candidates_are(slope):
    generator = torch.Generator().manual_seed(1)
    codes = SPAN * torch.rand(3, 12, 5, 2, generator=generator, dtype=torch.float64)
    critic, wanted = BoundaryAt(1.0, MARGIN / 8, slope), wish(3)
    exact = quality(critic.of_codes(codes), wanted.of(torch.arange(3)[:, None, None]))
    best, step = _promise(codes, wanted, critic, kept=4).max(2)
    paths = best.topk(4).indices
    assert (paths == exact.amax(2).topk(4).indices).all()
    assert (step.gather(1, paths) == exact.argmax(2).gather(1, paths)).all()
    each = wanted.of(torch.arange(3)[:, None])
    _, pixels, _, score = _verified(codes[:, :, 0], each, critic, critic.decode)
    shown = to_pixels(critic.decode(codes[:, :, 0].flatten(0, 1)))
    exact = quality(critic.of_pixels(shown), wanted.of(torch.arange(3).repeat_interleave(12))).unflatten(0, (3, 12))
    assert (score == exact.amax(1)).all()
    assert (pixels == shown.unflatten(0, (3, 12))[torch.arange(3), exact.argmax(1)]).all()


def test_rough_opinions_are_near_the_exact_ones(muddler):
    codes, pixels = muddler.bundle.exemplars.codes, muddler.bundle.exemplars.images[::10]
    codes = torch.lerp(codes[::10], codes.flip(0)[::10], 0.5)
    for said, things in ((muddler._critic.of_codes, codes), (muddler._critic.of_pixels, pixels)):
        exact, rough = (quality(said(things, rough=off), wish(len(things), 0.3)) for off in (False, True))
        assert (exact - rough).abs().max() < MARGIN / 50


def test_quality_is_highest_where_every_judge_is_divided_as_wished():
    p = torch.linspace(0, 1, 101, dtype=torch.float64)
    seen = BoundaryAt(0.0).of_codes(torch.zeros(101, 1, dtype=torch.float64))
    seen.probabilities[..., 0], seen.probabilities[..., 1] = (1 - p)[:, None], p[:, None]
    for balance in (0.0, 0.1, 0.5, 0.75, 1.0):
        score = quality(seen, wish(101, balance))
        assert score.argmax().item() == round(100 * balance)
        assert score.max().item() == pytest.approx(1)
    fair = quality(seen, wish(101))
    torch.testing.assert_close(fair, 0.5 * 4 * p * (1 - p) + torch.minimum(p, 1 - p))
