"""How the pick is made: three ways from a source and partners to the code that is shown as the muddle.

All work on a batch of N muddles and are pure: the same codes give the same picks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.latent import path
from muddle.surrogate import Prediction, undecided

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

    The ends are left out: the sum is nearly always largest there. Codes (N, D); images a and b, (N, 1, 28, 28).
    """
    codes = path(source, partner, steps)[:, 1:-1]  # (N, T - 2, D)
    frames = decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])  # (N, T - 2, 1, 28, 28)
    distance = sum(((frames - image[:, None]) ** 2).flatten(2).mean(2) for image in images)
    best = distance.argmax(1)
    t = (best + 1).to(source.dtype) / (steps - 1)
    return Pick(codes[torch.arange(len(best)), best], torch.zeros_like(best), t)


class Search(NamedTuple):
    """How widely the balanced strategy looks."""

    steps: int = 11  # along each path
    kept: int = 16  # paths whose best step is refined
    verified: int = 8  # refined codes that are decoded and judged
    climbs: int = 28  # gradient steps of the refinement: between far digits it is a long way to the boundary
    stride: float = 0.35  # length of the first of them, where an axis of the code has standard deviation 1


def balanced(
    source: Tensor,
    partners: Tensor,
    pair: tuple[Tensor, Tensor],
    predict: Callable[[Tensor], Prediction],
    verify: Callable[[Tensor], Tensor],
    floor: Tensor,
    search: Search = Search(),
) -> Pick:
    """The code whose image classifiers cannot place between the two digits, that is crisp and looks like a digit.

    Along the paths to all partners the surrogate's prediction is searched; the best point of each of the best paths
    is refined by gradient ascent; and the images of all these, judged by `verify`, decide.

    Source (N, D); partners (N, P, D); pair: digit and target, int64 (N,); `verify` scores codes (N, C, D) -> (N, C);
    `floor` is the likeness logit below which a code is penalised.
    """
    digit, target = (label[:, None] for label in pair)
    n = len(source)
    rows = torch.arange(n)[:, None]

    def promise(codes: Tensor) -> Tensor:  # (N, C, D) -> (N, C)
        seen = predict(codes)
        return quality(seen.logits.softmax(-1), digit, target, seen.likeness - floor, seen.grey)

    codes = path(source[:, None].expand_as(partners), partners, search.steps)[:, :, 1:-1]  # (N, P, T, D)
    best, step = promise(codes.flatten(1, 2)).unflatten(1, codes.shape[1:3]).max(2)  # (N, P)
    partner = best.topk(min(search.kept, best.shape[1]), dim=1).indices  # (N, C)
    step = step.gather(1, partner)
    start = codes[rows, partner, step]  # (N, C, D)
    refined = _climb(start, promise, search)
    finalists = promise(refined).topk(min(search.verified, refined.shape[1]), dim=1).indices
    candidates, partner = refined[rows, finalists], partner.gather(1, finalists)
    chosen = verify(candidates).argmax(1)  # (N,)
    picked, partner = candidates[rows[:, 0], chosen], partner[rows[:, 0], chosen]
    return Pick(picked, partner, _along(picked, source, partners[torch.arange(n), partner]))


def quality(probabilities: Tensor, digit: Tensor, target: Tensor, likeness: Tensor, grey: Tensor) -> Tensor:
    """What the balanced strategy maximises: undecided classifiers whose mean is centred, less what is blurred or odd.

    Probabilities (..., J, 10); the others (...) or broadcast to it. At most 1.
    """
    mean = probabilities.mean(-2)
    index = torch.stack(torch.broadcast_tensors(digit, target), -1).expand(*mean.shape[:-1], 2)
    lesser = 2 * mean.gather(-1, index).amin(-1)
    worth = 0.5 * undecided(probabilities, digit, target) + 0.5 * lesser
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
