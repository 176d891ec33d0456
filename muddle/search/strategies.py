"""The strategies: three ways from a source and its possible partners to the code that becomes the muddle.

All take N draws at once and are pure: the same draws give the same results, alone or in a batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.images.pixels import decoded_pixels
from muddle.networks.surrogate import Prediction
from muddle.search.draws import Draws
from muddle.search.latent import path
from muddle.search.objective import Goal, objective, promise, promise_grad, undecided
from muddle.search.scorer import ImageScores, Scorer

GRID = 2.0**-20  # refined codes are rounded to this grid, so that float64's rounding noise is not amplified


class SearchResult(NamedTuple):
    """The chosen code and image of each of N muddles."""

    codes: Tensor  # (N, D)
    partner: Tensor  # int64 (N,): the partner that it is near to, by its place among the draw's
    pixels: Tensor  # uint8 (N, 28, 28)
    probabilities: Tensor  # (N, J, 10): each judge's
    likeness: Tensor  # (N,): the likeness logit, as in ImageScores
    grey: Tensor  # (N,): the grey share

    @property
    def scores(self) -> ImageScores:
        """The last three columns."""
        return ImageScores(self.probabilities, self.likeness, self.grey)

    def rows(self, index: Tensor) -> "SearchResult":
        """Some of the muddles."""
        return SearchResult(*(column[index] for column in self))

    def to(self, device: torch.device) -> "SearchResult":
        """The same on a device."""
        return SearchResult(*(column.to(device) for column in self))


Strategy = Callable[[Draws, Scorer], SearchResult]


def midpoint(draws: Draws, scorer: Scorer) -> SearchResult:
    """The average of the two codes, as the author described it."""
    codes = (draws.source + draws.partners[:, 0]) / 2
    return _on_path(codes, scorer)


def farthest(draws: Draws, scorer: Scorer) -> SearchResult:
    """The inner step whose image O has the largest mse(O, a) + mse(O, b), the author's further thought.

    The ends are left out: there one of the two errors is only the reconstruction's, and the report counts how often
    the sum is largest there all the same.
    """
    codes = path(draws.source, draws.partners[:, 0], draws.steps)[:, 1:-1]  # (N, T - 2, D)
    frames = scorer.decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])  # (N, T - 2, 1, 28, 28)
    images = draws.source_image, draws.partner_image
    distance = sum(((frames - image[:, None]) ** 2).flatten(2).mean(2) for image in images)
    best = distance.argmax(1)
    return _on_path(codes[_rows(best), best], scorer)


def _on_path(codes: Tensor, scorer: Scorer) -> SearchResult:
    pixels = decoded_pixels(scorer.decode(codes))
    return SearchResult(codes, torch.zeros_like(codes[:, 0], dtype=torch.long), pixels, *scorer.score_images(pixels))


class Effort(NamedTuple):
    """What one refinement costs. Lengths are such that an axis of the code has standard deviation 1."""

    paths: int  # whose best step is refined
    steps: int  # of the gradient ascent
    step_size: float  # length of the first of them


PATH_STEPS = 7  # along each path that is searched
KNOWN = 16  # paths that the scout finds best, which the surrogate then ranks
NEAR = Effort(paths=6, steps=20, step_size=0.5)
# Paths between some digits lead through a third: the boundary is off the path.
FAR = Effort(paths=12, steps=40, step_size=0.8)
MARGIN = 1e-4  # of the objective, a hundred times the error of float32
GOOD_ENOUGH = 0.5  # objective below which the near refinement is followed by the far one


def balanced(draws: Draws, scorer: Scorer) -> SearchResult:
    """The code whose image nobody can place between the two digits, that is crisp and looks like a digit.

    Scout: the step of each path to a partner that promises most. Refine: from the best of these, up the gradient of
    the surrogate's promise. Choose: the image of the best codes that the student scores highest. If it scores below
    GOOD_ENOUGH, refine and choose again with more and larger steps. The judges then score what was chosen.
    """
    starts, partners = _scout(draws, scorer)
    best = _refine(draws, starts, partners, NEAR, scorer)
    poor = (best.value < GOOD_ENOUGH).nonzero().squeeze(1)
    if len(poor):
        other = _refine(draws.rows(poor), starts[poor], partners[poor], FAR, scorer)
        better = other.value > best.value[poor]
        for column, replacement in zip(best, other, strict=True):
            column[poor[better]] = replacement[better]
    return SearchResult(best.codes, best.partner, best.pixels, *scorer.score_images(best.pixels))


STRATEGY_FUNCTIONS: dict[str, Strategy] = {"balanced": balanced, "midpoint": midpoint, "farthest": farthest}


def _scout(draws: Draws, scorer: Scorer) -> tuple[Tensor, Tensor]:
    """The most promising step of each of the KNOWN best paths, from the best: codes (N, P, D), partners (N, P)."""
    row = _rows(draws.source)[:, None]
    sources = draws.source[:, None].expand_as(draws.partners)
    inner = path(sources, draws.partners, PATH_STEPS)[:, :, 1:-1]  # (N, P, T, D)
    rough, step = undecided(scorer.scout(inner), draws.goal.rows(row)).max(2)  # (N, P)
    partner = rough.topk(min(KNOWN, rough.shape[1]), dim=1).indices
    codes = inner[row, partner, step.gather(1, partner)]  # (N, KNOWN, D)
    order = promise(scorer.predict(codes), draws.goal.rows(row)).argsort(dim=1, descending=True, stable=True)
    return codes[row, order], partner.gather(1, order)


class _Chosen(NamedTuple):
    """The image that the student prefers, of each of N muddles."""

    codes: Tensor  # (N, D)
    partner: Tensor  # int64 (N,)
    pixels: Tensor  # uint8 (N, 28, 28)
    value: Tensor  # (N,): its objective


def _refine(draws: Draws, starts: Tensor, partners: Tensor, effort: Effort, scorer: Scorer) -> _Chosen:
    """The best refined code. Starts (N, P, D), the best first, near partners (N, P)."""
    starts, partners = starts[:, : effort.paths], partners[:, : effort.paths]
    codes = ascend(starts, draws.goal.rows(_rows(starts)[:, None]), scorer, effort)
    return _choose(codes, partners, draws.goal, scorer)


def _choose(codes: Tensor, partners: Tensor, goal: Goal, scorer: Scorer) -> _Chosen:
    """The best of each row of codes (N, B, D), near partners (N, B), by their images.

    float32 rules out those that cannot be it, three times as fast as float64, which decides among the others.
    """
    shape, row = codes.shape[:2], _rows(codes)
    pixels = decoded_pixels(scorer.decode(codes.flatten(0, 1)))
    rough = Prediction(*(column.unflatten(0, shape) for column in scorer.predict_images(pixels, screening=True)))
    value = objective(rough, goal.rows(row[:, None])).double()  # (N, B)
    contenders = value >= value.amax(1, keepdim=True) - MARGIN
    exact = objective(scorer.predict_images(pixels[contenders.flatten()]), goal.rows(contenders.nonzero()[:, 0]))
    value, best = torch.full_like(value, -torch.inf).masked_scatter(contenders, exact).max(1)
    return _Chosen(codes[row, best], partners[row, best], pixels.unflatten(0, shape)[row, best], value)


def _rows(like: Tensor) -> Tensor:
    """The numbers of a tensor's rows."""
    return torch.arange(len(like), device=like.device)


def ascend(codes: Tensor, goal: Goal, scorer: Scorer, effort: Effort) -> Tensor:
    """Gradient ascent on the surrogate's promise with normalized steps that shrink to nothing: (N, B, D)."""
    for i in range(effort.steps):
        seen, vjp = scorer.predict_with_vjp(codes)
        gradient = vjp(promise_grad(seen, goal))
        length = effort.step_size * (1 - i / effort.steps)
        codes = codes + length * gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        codes = (codes / GRID).round() * GRID
    return codes
