import pytest
import torch

from muddle.networks.surrogate import Prediction
from muddle.search.objective import BLUR_COST, CRISP, UNLIKE_COST, Goal, objective, objective_grad
from muddle.search.scorer import ImageScores, Scorer


def goal(n, balance=0.5):
    return Goal(torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long), torch.full((n,), balance).double())


def scores(*judges, likeness=1.0, grey=0.5):
    """Of images by judges that give these probabilities (N,) to label 1, and the rest to label 0."""
    probabilities = torch.zeros(len(judges[0]), len(judges), 10, dtype=torch.float64)
    for j, p in enumerate(judges):
        probabilities[:, j, 0], probabilities[:, j, 1] = 1 - p, p
    row = torch.ones(len(judges[0]), dtype=torch.float64)
    return ImageScores(probabilities, likeness * row, grey * row)


@pytest.mark.parametrize("balance", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_the_objective_is_highest_where_every_judge_is_divided_as_the_goal_asks(balance):
    p = torch.linspace(0, 1, 101, dtype=torch.float64)
    value = objective(scores(p, p), goal(101, balance))
    assert value.argmax().item() == round(100 * balance)
    assert value.max().item() == pytest.approx(1)


def test_an_even_objective_is_the_mean_of_the_judges_indecision_and_of_the_lesser_label():
    p, q = torch.linspace(0, 1, 101, dtype=torch.float64), torch.full((101,), 0.5, dtype=torch.float64)
    both = objective(scores(p, p), goal(101))
    torch.testing.assert_close(both, 0.5 * 4 * p * (1 - p) + torch.minimum(p, 1 - p))
    mean = (p + q) / 2
    each = (4 * p * (1 - p) + 1) / 2
    torch.testing.assert_close(objective(scores(p, q), goal(101)), 0.5 * each + torch.minimum(mean, 1 - mean))


def test_blur_and_unlikeness_cost_only_beyond_their_bars():
    p = torch.full((1,), 0.5, dtype=torch.float64)
    assert objective(scores(p, likeness=0.0, grey=CRISP), goal(1)).item() == pytest.approx(1)
    assert objective(scores(p, likeness=-2.0), goal(1)).item() == pytest.approx(1 - 2 * UNLIKE_COST)
    assert objective(scores(p, grey=CRISP + 0.1), goal(1)).item() == pytest.approx(1 - 0.1 * BLUR_COST)


@pytest.mark.parametrize("balance", [0.0, 0.2, 0.5, 1.0])
def test_the_gradient_in_closed_form_is_the_one_that_autograd_finds(balance):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 40, 3, 10, dtype=torch.float64, generator=generator).requires_grad_()
    likeness, grey = (torch.rand(4, 40, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2))
    goals = Goal(
        torch.tensor([4, 1, 7, 3])[:, None], torch.tensor([9, 7, 2, 5])[:, None], torch.full((4, 1), balance).double()
    )
    seen = ImageScores(logits.softmax(-1), likeness - 0.5, grey)
    assert (seen.likeness < 0).any()  # every part of the objective counts somewhere
    assert (seen.grey > CRISP).any()
    expected = torch.autograd.grad(objective(seen, goals).sum(), (logits, likeness, grey))
    with torch.no_grad():
        found = objective_grad(seen, goals)
    for name, one, other in zip(Prediction._fields, found, expected, strict=True):
        torch.testing.assert_close(
            one.expand_as(other), other, rtol=1e-9, atol=1e-12, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_where_both_labels_tie_the_gradient_raises_both():
    logits = torch.zeros(1, 3, 10, dtype=torch.float64, requires_grad=True)  # three clueless judges
    seen = ImageScores(logits.softmax(-1), torch.ones(1), torch.zeros(1))
    (expected,) = torch.autograd.grad(objective(seen, goal(1)).sum(), logits)
    assert expected[0, 0, 0] == expected[0, 0, 1] > 0
    torch.testing.assert_close(objective_grad(seen, goal(1)).logits, expected)


@pytest.mark.parametrize("balance", [0.2, 0.5])
def test_the_gradient_reaches_the_codes_through_the_surrogate(muddler, balance):
    scorer = Scorer(muddler.bundle)
    goals = Goal(
        torch.tensor([4, 1, 7, 3])[:, None], torch.tensor([9, 7, 2, 5])[:, None], torch.full((4, 1), balance).double()
    )
    codes = 1.5 * torch.randn(4, 40, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    leaf = codes.clone().requires_grad_()
    (expected,) = torch.autograd.grad(objective(scorer.score_codes(leaf), goals).sum(), leaf)
    seen, vjp = scorer.score_codes_with_vjp(codes)
    torch.testing.assert_close(vjp(objective_grad(seen, goals)), expected, rtol=1e-9, atol=1e-12)
