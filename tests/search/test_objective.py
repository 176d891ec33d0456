import math

import pytest
import torch

from muddle.networks.surrogate import Prediction
from muddle.search.objective import (
    BLUR_COST,
    BOLD,
    CRISP,
    LEAN,
    REACH,
    UNLIKE_COST,
    Goal,
    objective,
    promise,
    promise_grad,
    undecided,
)
from muddle.search.scorer import Scorer


def goal(n, balance=0.5):
    return Goal(torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long), torch.full((n,), balance).double())


def test_a_search_aims_farther_from_a_half_than_the_balance_asked_for():
    asked = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0], dtype=torch.float64)
    column = torch.zeros(5, dtype=torch.long)
    aim = Goal.of(column, column + 1, asked).balance
    assert aim[[0, 2, 4]].tolist() == [0, 0.5, 1]
    assert (aim[1] / (1 - aim[1])).item() == pytest.approx((1 / 9) ** LEAN)
    assert (aim[1] + aim[3]).item() == pytest.approx(1)


def seen(*teachers, bold=None, likeness=1.0, grey=0.5):
    """Of images by teachers that give these probabilities (N,) to label 1, and the rest to label 0; without faint ink
    the judges give it `bold`, or what the first teacher does."""
    p = torch.stack([*teachers, teachers[0] if bold is None else bold], 1)
    probabilities = torch.zeros(*p.shape, 10, dtype=torch.float64)
    probabilities[..., 0], probabilities[..., 1] = 1 - p, p
    row = torch.ones(len(p), dtype=torch.float64)
    return Prediction(probabilities.log(), likeness * row, grey * row)


@pytest.mark.parametrize("balance", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_the_objective_is_highest_where_every_teacher_is_divided_as_the_goal_asks(balance):
    p = torch.linspace(0, 1, 101, dtype=torch.float64)
    value = objective(seen(p, p), goal(101, balance))
    assert value.argmax().item() == round(100 * balance)
    assert value.max().item() == pytest.approx(1)


def test_an_even_objective_is_the_mean_of_the_teachers_indecision_and_of_the_lesser_label_with_faint_ink_and_without():
    p, q = torch.linspace(0, 1, 101, dtype=torch.float64), torch.full((101,), 0.5, dtype=torch.float64)
    both = objective(seen(p, p), goal(101))
    torch.testing.assert_close(both, 0.4 * 4 * p * (1 - p) + 0.6 * 2 * torch.minimum(p, 1 - p))
    mean = (p + q) / 2
    each = (4 * p * (1 - p) + 1) / 2
    bold = p**2
    lesser = 0.45 * 2 * torch.minimum(mean, 1 - mean) + 0.15 * 2 * torch.minimum(bold, 1 - bold)
    torch.testing.assert_close(objective(seen(p, q, bold=bold), goal(101)), 0.4 * each + lesser)


def test_blur_and_unlikeness_cost_only_beyond_their_bars():
    p = torch.full((1,), 0.5, dtype=torch.float64)
    assert objective(seen(p, likeness=0.0, grey=CRISP), goal(1)).item() == pytest.approx(1)
    assert objective(seen(p, likeness=-2.0), goal(1)).item() == pytest.approx(1 - 2 * UNLIKE_COST)
    assert objective(seen(p, grey=CRISP + 0.1), goal(1)).item() == pytest.approx(1 - 0.1 * BLUR_COST)


def logits_of(odds, mass=1.0):
    """Logits of classifiers, (..., J, 10), that give labels 0 and 1 together `mass`, label 1 with these log odds."""
    first = mass * (-odds).sigmoid()
    rest = torch.full((*odds.shape, 8), (1 - mass) / 8, dtype=odds.dtype)
    return torch.cat([torch.stack([first, mass - first], -1), rest], -1).clamp_min(1e-30).log()


def predicted(odds, bold=None, likeness=1.0, grey=0.5):
    """The prediction for codes (N,) of teachers with log odds (N, J)."""
    odds = torch.as_tensor(odds).double()
    row = torch.ones(len(odds), dtype=torch.float64)
    bold = odds.mean(1) if bold is None else bold * row
    return Prediction(logits_of(torch.cat([odds, bold[:, None]], 1)), likeness * row, grey * row)


def test_the_promise_of_a_teacher_halves_within_reach_of_the_goal():
    odds = torch.tensor([[0.0], [REACH], [-REACH], [3 * REACH]])
    assert promise(predicted(odds), goal(4)).tolist() == pytest.approx([1, 0.5, 0.5, 0.1])
    leaning = torch.tensor([[math.log(0.3 / 0.7)]])
    assert promise(predicted(leaning), goal(1, 0.3)).item() == pytest.approx(1)
    assert promise(predicted(leaning + REACH), goal(1, 0.3)).item() == pytest.approx(0.5)


def test_certain_teachers_of_both_sides_promise_less_than_undecided_ones():
    divided, undecided_ones = predicted([[-11.0, 11.0]]), predicted([[0.0, 0.0]])
    assert promise(divided, goal(1)).item() < 0.65 < promise(undecided_ones, goal(1)).item()


def test_a_label_without_faint_ink_counts_too():
    steady, gone = predicted([[0.0]]), predicted([[0.0]], bold=torch.tensor(9.0))
    assert promise(steady, goal(1)).item() == pytest.approx(1)
    assert promise(gone, goal(1)).item() == pytest.approx(1 - BOLD + BOLD / (1 + (9 / REACH) ** 2))


def test_a_third_digit_takes_from_the_promise():
    assert undecided(logits_of(torch.zeros(1, 1).double(), mass=0.7), goal(1)).item() == pytest.approx(0.7)


def test_the_promise_pays_for_blur_and_unlikeness():
    assert promise(predicted([[0.0]], likeness=-2.0), goal(1)).item() == pytest.approx(1 - 2 * UNLIKE_COST)
    assert promise(predicted([[0.0]], grey=CRISP + 0.1), goal(1)).item() == pytest.approx(1 - 0.1 * BLUR_COST)


@pytest.mark.parametrize("balance", [0.0, 0.2, 0.5, 1.0])
def test_the_gradient_in_closed_form_is_the_one_that_autograd_finds(balance):
    generator = torch.Generator().manual_seed(0)
    shapes = (4, 40, 3, 10), (4, 40), (4, 40)
    leaves = [torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_() for shape in shapes]
    goals = Goal(
        torch.tensor([4, 1, 7, 3])[:, None], torch.tensor([9, 7, 2, 5])[:, None], torch.full((4, 1), balance).double()
    )
    random = Prediction(*leaves)
    assert (random.likeness < 0).any()  # every part of the promise counts somewhere
    assert (random.grey > CRISP).any()
    expected = torch.autograd.grad(promise(random, goals).sum(), leaves)
    with torch.no_grad():
        found = promise_grad(random, goals)
    for name, one, other in zip(Prediction._fields, found, expected, strict=True):
        torch.testing.assert_close(
            one.expand_as(other), other, rtol=1e-9, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("balance", [0.2, 0.5])
def test_the_gradient_reaches_the_codes_through_the_surrogate(muddler, balance):
    scorer = Scorer(muddler.bundle)
    goals = Goal(
        torch.tensor([4, 1, 7, 3])[:, None], torch.tensor([9, 7, 2, 5])[:, None], torch.full((4, 1), balance).double()
    )
    codes = 1.5 * torch.randn(4, 40, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    leaf = codes.clone().requires_grad_()
    (expected,) = torch.autograd.grad(promise(scorer.predict(leaf), goals).sum(), leaf)
    found, vjp = scorer.predict_with_vjp(codes)
    torch.testing.assert_close(vjp(promise_grad(found, goals)), expected, rtol=1e-9, atol=1e-12)
