import math

import pytest
import torch

from muddle.images.pixels import decoded_pixels
from muddle.networks.surrogate import Prediction
from muddle.recipe import Recipe
from muddle.search.draws import Draws, draw
from muddle.search.objective import Goal, objective
from muddle.search.scorer import ImageScores, Scorer
from muddle.search.strategies import MARGIN, NEAR, STRATEGY_FUNCTIONS, balanced, farthest, midpoint

SPAN = 4.0  # of the first axis that an image can show


def as_image(codes):
    """A decoder whose image is the code's first number everywhere, so that mse(O, a) = (o - a) squared."""
    return codes[:, :1, None, None].expand(-1, 1, 28, 28)


class BoundaryAt:
    """Two judges, who are the teachers, that see digit 0 below a place on the first axis and digit 1 above, and nothing
    wrong elsewhere.

    Images show the code's first number in their upper half and its last in the lower one, of which those who see images
    add `tilt` times to the first. Screening is `error` off in its log odds, up or down. `movable` says whether there is
    a gradient.
    """

    def __init__(self, place, *, error=0.0, slope=8.0, tilt=0.0, movable=True):
        self.place, self.error, self.slope, self.tilt, self.movable = place, error, slope, tilt, movable

    def scout(self, codes):
        logits = torch.full((*codes.shape[:-1], 10), -40.0, dtype=codes.dtype)
        logits[..., 0], logits[..., 1] = 0, self.slope * (codes[..., 0] - self.place)
        return logits

    def predict(self, codes):
        logits, row = self.scout(codes), torch.ones(codes.shape[:-1], dtype=codes.dtype)
        return Prediction(torch.stack([logits] * 3, -2), row, 0.5 * row)

    def predict_with_vjp(self, codes):
        def vjp(grad):
            along = self.slope * grad.logits[..., 1].sum(-1)
            return self.movable * torch.cat([along[..., None], torch.zeros_like(codes[..., 1:])], -1)

        return self.predict(codes), vjp

    def predict_images(self, pixels, *, screening=False):
        first, last = SPAN * pixels[:, [0, -1], :1].double().movedim(1, 0) / 255
        seen = self.predict(first + self.tilt * last)
        if screening:
            seen.logits[..., 1] += self.error * torch.cos(1e6 * first)
        return seen

    def score_images(self, pixels):
        seen = self.predict_images(pixels)
        return ImageScores(seen.teachers.softmax(-1), seen.likeness, seen.grey)

    @staticmethod
    def decode(codes):
        halves = codes[:, [0, -1]].repeat_interleave(14, 1) / SPAN
        return halves[:, None, :, None].clamp(0, 1).expand(-1, 1, 28, 28)


def draws_of(source, partners, balance=0.5, steps=11, source_image=None, partner_image=None):
    """Draws of digit 0 and target 1 with these codes (N, D) and (N, P, D)."""
    source, partners = torch.tensor(source).double(), torch.tensor(partners).double()
    n = len(source)
    blank = torch.zeros(n, 1, 28, 28, dtype=torch.float64)
    return Draws(
        source=source,
        source_image=blank if source_image is None else blank + source_image,
        source_index=torch.arange(n),
        partners=partners,
        partner_image=blank if partner_image is None else blank + partner_image,
        partner_index=torch.arange(n * partners.shape[1]).reshape(n, -1),
        goal=Goal(
            torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long), torch.full((n,), balance).double()
        ),
        steps=steps,
    )


def test_the_midpoint_is_the_average():
    found = midpoint(draws_of([[0.0, 2.0]], [[[3.0, 0.0], [9.0, 9.0]]]), BoundaryAt(1.0))
    assert found.codes.tolist() == [[1.5, 1]]
    assert found.partner.tolist() == [0]
    assert found.pixels[0, [0, -1], 0].tolist() == [round(255 * 1.5 / SPAN), round(255 / SPAN)]
    assert found.probabilities[0, :, 1].tolist() == pytest.approx([1 / (1 + math.exp(-8 * 0.5))] * 2, abs=0.01)


@pytest.mark.parametrize(("images", "t"), [((3.0, 0.0), 0.25), ((-1.0, 0.0), 0.75)])
def test_farthest_takes_the_inner_step_with_the_largest_sum_of_distances(images, t):
    """(o - 3)^2 + o^2 falls until o = 1.5, so the first inner step has the largest sum; (o + 1)^2 + o^2 grows, so the
    last inner one has."""
    scorer = BoundaryAt(0.5)
    scorer.decode = as_image
    found = farthest(draws_of([[0.0]], [[[1.0]]], steps=5, source_image=images[0], partner_image=images[1]), scorer)
    assert found.codes.item() == pytest.approx(t)


@pytest.mark.parametrize("balance", [0.5, 0.1, 0.8])
def test_balanced_finds_the_place_between_the_steps_of_a_path(balance):
    found = balanced(draws_of([[0.0, 0.0]], [[[1.0, 0.0], [1.0, 0.5]]], balance), BoundaryAt(0.437))
    expected = 0.437 + math.log(balance / (1 - balance)) / 8
    assert found.codes[0, 0].item() == pytest.approx(expected, abs=SPAN / 255)
    assert found.probabilities[0, :, 1].tolist() == pytest.approx([balance] * 2, abs=8 * SPAN / 255)


def test_balanced_leaves_the_path_when_the_boundary_is_far_from_it():
    found = balanced(draws_of([[0.0]], [[[1.0]]]), BoundaryAt(3.0))
    assert found.codes.item() == pytest.approx(3, abs=0.05)


def test_balanced_goes_farther_where_the_near_search_does_not_arrive():
    near_goes = NEAR.step_size * (NEAR.steps + 1) / 2
    found = balanced(draws_of([[2 - 1.5 * near_goes]], [[[3 - 1.5 * near_goes]]]), BoundaryAt(3.0))
    assert found.codes.item() == pytest.approx(3, abs=0.05)


def test_balanced_names_the_partner_whose_path_it_took():
    found = balanced(draws_of([[2.0, 0.0]], [[[3.0, 0.0], [0.0, 0.0], [3.0, 1.0]]]), BoundaryAt(1.0))
    assert found.partner.tolist() == [1], "the only path that crosses the boundary"
    assert found.codes[0, 0].item() == pytest.approx(1, abs=SPAN / 255)


def test_refined_codes_lie_on_a_grid_that_hides_the_noise_of_float64():
    found = balanced(draws_of([[0.1, 0.3]], [[[1.0, 0.7]]]), BoundaryAt(0.437))
    assert (found.codes * 2**20).frac().abs().max() == 0


@pytest.mark.parametrize("strategy", STRATEGY_FUNCTIONS)
def test_a_muddle_in_a_batch_is_the_muddle_alone(strategy):
    generator = torch.Generator().manual_seed(0)
    sources = torch.randn(3, 2, generator=generator)
    partners = torch.randn(3, 4, 2, generator=generator) + 2
    draws, scorer = draws_of(sources.tolist(), partners.tolist()), BoundaryAt(1.0)
    together = STRATEGY_FUNCTIONS[strategy](draws, scorer)
    for i in range(3):
        alone = STRATEGY_FUNCTIONS[strategy](draws.rows(torch.tensor([i])), scorer)
        for one, column in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], column[i])


@pytest.mark.parametrize("slope", [0.001, 0.01, 0.1, 8.0])
def test_screening_decides_nothing_however_alike_the_candidates_are(slope):
    generator = torch.Generator().manual_seed(1)
    sources = SPAN * torch.rand(60, 2, generator=generator)
    partners = SPAN * torch.rand(60, 40, 2, generator=generator)
    draws = draws_of(sources.tolist(), partners.tolist())
    screened, exact = (balanced(draws, BoundaryAt(1.0, error=e, slope=slope, tilt=0.1)) for e in (MARGIN, 0))
    for name, one, other in zip(screened._fields, screened, exact, strict=True):
        assert one.equal(other), name


def test_the_margin_is_far_above_the_error_of_screening(muddler):
    scorer, pixels = Scorer(muddler.bundle), muddler.bundle.exemplars.images[::20]
    n = len(pixels)
    goal = Goal(torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long), torch.full((n,), 0.3).double())
    with torch.no_grad():
        exact, screened = (objective(scorer.predict_images(pixels, screening=s), goal) for s in (False, True))
    assert 0 < (exact - screened).abs().max() < MARGIN / 50


def test_the_images_decide_among_the_best_paths():
    scorer = BoundaryAt(0.5, tilt=0.5, movable=False)
    draws = draws_of([[0.0, 0.0]], [[[1.0, 2.4], [0.8, 0.2], [4.0, 0.0]]])
    found = balanced(draws, scorer)
    # by its code the middle of the first path is best, (0.5, 1.2), but its image is seen at 0.5 + 0.6; the image of the
    # second path's best step, (0.533, 0.133), is seen at 0.6
    assert found.partner.tolist() == [1]
    assert found.codes[0].tolist() == pytest.approx([0.8 * 4 / 6, 0.2 * 4 / 6])
    assert decoded_pixels(scorer.decode(found.codes)).equal(found.pixels)


@pytest.mark.parametrize(("place", "nearest"), [(-1.0, 1 / 6), (3.0, 5 / 6)])
def test_the_ends_of_a_path_are_no_candidates(place, nearest):
    found = balanced(draws_of([[0.0, 0.0]], [[[1.0, 0.0]]]), BoundaryAt(place, movable=False))
    assert found.codes[0, 0].item() == pytest.approx(nearest, abs=1e-6)


def test_the_search_stays_on_its_device_until_values_decide_how_to_go_on(muddler):
    """On the device `meta` tensors have shapes and no values, and meeting one of another device is an error."""
    meta = torch.device("meta")
    draws = draw(muddler.bundle, [Recipe(digit=4, target=9), Recipe(digit=3, target=5)])
    with torch.no_grad(), pytest.raises(NotImplementedError, match="nonzero"):
        balanced(draws.to(meta), Scorer(muddler.bundle, meta))
    with torch.no_grad():
        found = midpoint(draws.to(meta), Scorer(muddler.bundle, meta))
    assert {column.device for column in found} == {meta}
