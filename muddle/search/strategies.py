"""The strategies: three ways from a source and its possible partners to the code that becomes the muddle.

All take N draws at once and are pure: the same draws give the same results, alone or in a batch.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.images.pixels import decoded_pixels
from muddle.search.draws import Draws
from muddle.search.latent import path
from muddle.search.objective import Goal, objective, objective_grad
from muddle.search.scorer import PIXEL_BLOCK, SCREENING_PAYS, ImageScores, Scorer

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
    return _on_path(codes[torch.arange(len(best)), best], scorer)


def _on_path(codes: Tensor, scorer: Scorer) -> SearchResult:
    pixels = decoded_pixels(scorer.decode(codes))
    return SearchResult(codes, torch.zeros(len(codes), dtype=torch.long), pixels, *scorer.score_images(pixels))


class Ascent(NamedTuple):
    """The effort of one refinement. Lengths are such that an axis of the code has standard deviation 1."""

    steps: int  # of the gradient ascent
    step_size: float  # length of the first of them
    beam: int  # paths whose best step is refined
    reranked: int  # codes that are decoded and judged


PATH_STEPS = 7  # along each path that is searched
# Where the boundary crosses the path, it is near one of its steps.
NEAR = Ascent(steps=10, step_size=0.08, beam=6, reranked=4)
# Paths between some digits lead through a third: the boundary is off the path.
FAR = Ascent(steps=40, step_size=0.8, beam=10, reranked=6)
GOOD_ENOUGH = 0.5  # objective below which the near ascent is followed by the far one
MARGIN = 1e-4  # of the objective, a hundred times the error of screening


def balanced(draws: Draws, scorer: Scorer) -> SearchResult:
    """The code whose image the judges cannot place between the two digits, that is crisp and looks like a digit.

    Screen: the surrogate's objective on every path to a partner. Ascend: from the best step of each of the best paths,
    up the surrogate's gradient. Rerank: the images of the best codes, scored by the judges, decide. If the best
    candidate scores below GOOD_ENOUGH, ascend and rerank again with more and larger steps.
    """
    sources = draws.source[:, None].expand_as(draws.partners)
    inner = path(sources, draws.partners, PATH_STEPS)[:, :, 1:-1]  # (N, P, T, D)
    predicted, step = _screen(inner, draws.goal, scorer, kept=max(NEAR.beam, FAR.beam)).max(2)  # (N, P)
    starts = inner.gather(2, step[..., None, None].expand(-1, -1, 1, inner.shape[-1])).squeeze(2)  # (N, P, D)

    best, value = _refine(draws, starts, predicted, NEAR, scorer)
    poor = (value < GOOD_ENOUGH).nonzero().squeeze(1)
    if len(poor):
        other, other_value = _refine(draws.rows(poor), starts[poor], predicted[poor], FAR, scorer)
        better = other_value > value[poor]
        for column, replacement in zip(best, other, strict=True):
            column[poor[better]] = replacement[better]
    return best


STRATEGY_FUNCTIONS: dict[str, Strategy] = {"balanced": balanced, "midpoint": midpoint, "farthest": farthest}


def _screen(codes: Tensor, goal: Goal, scorer: Scorer, kept: int) -> Tensor:
    """The surrogate's objective of the codes (N, P, T, D) that may be the best of their path, if their path may be
    among the `kept` best; minus infinity for all others: (N, P, T)."""
    rows = torch.arange(len(codes))
    rough = objective(scorer.score_codes(codes, screening=True), goal.rows(rows[:, None, None]))
    best = rough.amax(2)
    least = best.topk(min(kept, best.shape[1]), dim=1).values[:, -1:]
    contenders = (rough >= best[..., None] - MARGIN) & (best >= least - MARGIN)[..., None]
    exact = objective(scorer.score_codes(codes[contenders]), goal.rows(contenders.nonzero()[:, 0]))
    return torch.full_like(rough, -torch.inf, dtype=codes.dtype).masked_scatter(contenders, exact)


def _refine(
    draws: Draws, starts: Tensor, predicted: Tensor, effort: Ascent, scorer: Scorer
) -> tuple[SearchResult, Tensor]:
    """The best of the best paths' refined codes, and its objective (N,). Starts (N, P, D), one a path, and the
    surrogate's objective of each, `predicted` (N, P)."""
    row = torch.arange(len(starts))[:, None]
    partner = predicted.topk(min(effort.beam, predicted.shape[1]), dim=1).indices  # (N, B)
    goal = draws.goal.rows(row)
    start = starts[row, partner]  # (N, B, D)
    candidates = torch.cat([start, _ascend(start, goal, scorer, effort)], 1)  # (N, 2 B, D)
    value = objective(scorer.score_codes(candidates), goal)  # (N, 2 B)
    finalists = value.topk(min(effort.reranked, candidates.shape[1]), dim=1).indices
    winner, pixels, scores, value = _rerank(candidates[row, finalists], goal, scorer)
    place = finalists.gather(1, winner[:, None])  # (N, 1): among the candidates, which name each partner twice
    codes = candidates[row, place].squeeze(1)
    partner = partner.gather(1, place % partner.shape[1]).squeeze(1)
    return SearchResult(codes, partner, pixels, *scores), value


def _ascend(codes: Tensor, goal: Goal, scorer: Scorer, effort: Ascent) -> Tensor:
    """Gradient ascent on the surrogate's objective with normalized steps that shrink to nothing: (N, B, D)."""
    for i in range(effort.steps):
        scores, vjp = scorer.score_codes_with_vjp(codes)
        gradient = vjp(objective_grad(scores, goal))
        length = effort.step_size * (1 - i / effort.steps)
        codes = codes + length * gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        codes = (codes / GRID).round() * GRID
    return codes


def _rerank(codes: Tensor, goal: Goal, scorer: Scorer) -> tuple[Tensor, Tensor, ImageScores, Tensor]:
    """The best of each row of codes (N, C, D) by their images: its place (N,), pixels, scores, objective (N,)."""
    shape = codes.shape[:2]
    pixels = torch.cat([decoded_pixels(scorer.decode(block)) for block in codes.flatten(0, 1).split(PIXEL_BLOCK)])
    contenders = torch.ones(shape, dtype=torch.bool)
    if len(pixels) > SCREENING_PAYS:
        rough = scorer.score_images(pixels, screening=True).map(lambda column: column.unflatten(0, shape))
        rough = objective(rough, goal)  # (N, C)
        contenders = rough >= rough.amax(1, keepdim=True) - MARGIN
    scores = scorer.score_images(pixels[contenders.flatten()])
    rows = contenders.nonzero()[:, 0]
    exact = objective(scores, Goal(*(column.squeeze(1)[rows] for column in goal)))
    value, winner = torch.full(shape, -torch.inf, dtype=codes.dtype).masked_scatter(contenders, exact).max(1)
    row = torch.arange(len(codes))
    place = contenders.flatten().cumsum(0).unflatten(0, shape)[row, winner] - 1
    return winner, pixels.unflatten(0, shape)[row, winner], scores.map(lambda column: column[place]), value
