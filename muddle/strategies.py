"""How the pick is made: three ways from a source and partners to the code that is shown as the muddle.

All work on a batch of N muddles and are pure: the same codes give the same picks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.latent import path
from muddle.surrogate import Prediction, of_pair, undecided

STRATEGIES = ("balanced", "midpoint", "farthest")
GRID = 2.0**-20  # refined codes lie on it: float64's noise, which climbing would amplify, is forgotten


class Pick(NamedTuple):
    """The chosen code of each muddle, the partner it leans on, and where between source and partner it lies."""

    codes: Tensor  # (N, D)
    partner: Tensor  # int64 (N,): place among the candidates
    t: Tensor  # (N,): 0 at the source, 1 at the partner


def midpoint(source: Tensor, partner: Tensor) -> Pick:
    """The average of the two codes, as the author described it: (N, D), (N, D) -> Pick."""
    n = len(source)
    return Pick((source + partner) / 2, torch.zeros(n, dtype=torch.long), torch.full((n,), 0.5, dtype=source.dtype))


def farthest(
    source: Tensor, partner: Tensor, steps: int, decode: Callable[[Tensor], Tensor], images: tuple[Tensor, Tensor]
) -> Pick:
    """The inner step whose image O has the largest mse(O, a) + mse(O, b), the author's further thought.

    The ends are left out: there one of the two errors is only the reconstruction's, and the report counts how often
    the sum is largest there all the same. Codes (N, D); images a and b, (N, 1, 28, 28).
    """
    codes = path(source, partner, steps)[:, 1:-1]  # (N, T - 2, D)
    frames = decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])  # (N, T - 2, 1, 28, 28)
    distance = sum(((frames - image[:, None]) ** 2).flatten(2).mean(2) for image in images)
    best = distance.argmax(1)
    t = (best + 1).to(source.dtype) / (steps - 1)
    return Pick(codes[torch.arange(len(best)), best], torch.zeros_like(best), t)


class Search(NamedTuple):
    """How widely codes are refined. Lengths are such that an axis of the code has standard deviation 1."""

    climbs: int  # gradient steps of the refinement
    stride: float  # length of the first of them
    kept: int = 12  # paths whose best step is refined
    verified: int = 14  # codes that are decoded and judged


STEPS = 11  # along each path that is searched
# Where the boundary crosses the path, it is near one of its steps.
NEAR = Search(climbs=16, stride=0.06)
# Paths between some digits lead through a third: the boundary is off the path.
FAR = Search(climbs=60, stride=0.4, kept=20, verified=24)
ENOUGH = 0.5  # quality below which the near search is followed by the far one


def balanced(
    source: Tensor,
    partners: Tensor,
    pair: tuple[Tensor, Tensor],
    predict: Callable[[Tensor], Prediction],
    verify: Callable[[Tensor, Tensor, Tensor], Tensor],
    floor: Tensor,
) -> Pick:
    """The code whose image classifiers cannot place between the two digits, that is crisp and looks like a digit.

    Along the paths to all partners the surrogate's prediction is searched; the best point of each of the best paths
    is refined by gradient ascent; and the images of all these, judged by `verify`, decide. Where even the best is no
    muddle, the refinement is repeated with longer and more steps.

    Source (N, D); partners (N, P, D); pair: digit and target, int64 (N,); `verify` scores codes (M, C, D) for M digits
    and targets, (M, 1) each -> (M, C); `floor` is the likeness logit below which a code is penalised.
    """

    def promise(codes: Tensor, rows: Tensor) -> Tensor:  # (M, C, D), (M,) -> (M, C)
        seen = predict(codes)
        return quality(seen.logits.softmax(-1), *labels(rows), seen.likeness - floor, seen.grey)

    def labels(rows: Tensor) -> tuple[Tensor, Tensor]:  # (M, 1) each
        return pair[0][rows, None], pair[1][rows, None]

    every = torch.arange(len(source))
    codes = path(source[:, None].expand_as(partners), partners, STEPS)[:, :, 1:-1]  # (N, P, T, D)
    best, step = promise(codes.flatten(1, 2), every).unflatten(1, codes.shape[1:3]).max(2)  # (N, P)
    starts = codes[every[:, None], torch.arange(codes.shape[1]), step]  # (N, P, D): the best of each path

    def refine(rows: Tensor, how: Search) -> tuple[Pick, Tensor]:
        """The best code of the best paths of these rows, refined, and its verified score: (M,)."""
        row = torch.arange(len(rows))
        partner = best[rows].topk(min(how.kept, best.shape[1]), dim=1).indices  # (M, C)
        start = starts[rows[:, None], partner]  # (M, C, D)
        candidates = torch.cat([start, _climb(start, lambda codes: promise(codes, rows), how)], 1)  # (M, 2 C, D)
        finalists = promise(candidates, rows).topk(min(how.verified, candidates.shape[1]), dim=1).indices
        score, chosen = verify(candidates[row[:, None], finalists], *labels(rows)).max(1)  # (M,)
        chosen = finalists[row, chosen]
        picked, partner = candidates[row, chosen], partner[row, chosen % partner.shape[1]]
        return Pick(picked, partner, _along(picked, source[rows], partners[rows, partner])), score

    pick, score = refine(every, NEAR)
    poor = (score < ENOUGH).nonzero().squeeze(1)
    if len(poor):
        other, other_score = refine(poor, FAR)
        better = other_score > score[poor]
        for column, replacement in zip(pick, other, strict=True):
            column[poor[better]] = replacement[better]
    return pick


def quality(probabilities: Tensor, digit: Tensor, target: Tensor, likeness: Tensor, grey: Tensor) -> Tensor:
    """What the balanced strategy maximises: undecided classifiers whose mean is centred, less what is blurred or odd.

    Probabilities (..., J, 10); the others (...) or broadcast to it. At most 1.
    """
    pairs = of_pair(probabilities, digit, target)  # (..., J, 2)
    lesser = 2 * pairs.mean(-2).amin(-1)
    worth = 0.5 * undecided(pairs) + 0.5 * lesser
    return worth - 0.1 * torch.relu(-likeness) - 2 * torch.relu(grey - 0.55)


def _climb(codes: Tensor, promise: Callable[[Tensor], Tensor], search: Search) -> Tensor:
    """Gradient ascent in steps whose length does not depend on the gradient's and shrinks to nothing."""
    for i in range(search.climbs):
        with torch.enable_grad():
            at = codes.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(promise(at).sum(), at)
        length = search.stride * (1 - i / search.climbs)
        codes = codes + length * gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        codes = (codes / GRID).round() * GRID
    return codes


def _along(codes: Tensor, source: Tensor, partner: Tensor) -> Tensor:
    """Where codes lie between source and partner, by orthogonal projection, held to [0, 1]: (N, D) x 3 -> (N,)."""
    way = partner - source
    return (((codes - source) * way).sum(1) / (way * way).sum(1).clamp_min(1e-12)).clamp(0, 1)
