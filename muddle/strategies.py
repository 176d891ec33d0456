"""How the pick is made: three ways from a source and partners to the code that is shown as the muddle.

All work on a batch of N muddles and are pure: the same codes give the same picks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from muddle.critic import FEW, PIXEL_BLOCK, Critic, Opinion
from muddle.latent import path
from muddle.pixels import to_pixels
from muddle.quality import Wish, quality, slope

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
    kept: int  # paths whose best step is refined
    verified: int  # codes that are decoded and judged


STEPS = 7  # along each path that is searched
# Where the boundary crosses the path, it is near one of its steps.
NEAR = Search(climbs=10, stride=0.08, kept=6, verified=4)
# Paths between some digits lead through a third: the boundary is off the path.
FAR = Search(climbs=40, stride=0.8, kept=10, verified=6)
ENOUGH = 0.5  # quality below which the near search is followed by the far one
MARGIN = 1e-4  # of quality, a hundred times what a rough opinion is off by


class Found(NamedTuple):
    """What a search found for each of N muddles."""

    pick: Pick
    pixels: Tensor  # uint8 (N, 28, 28)
    seen: Opinion  # of (N,): what the judges and the likeness score say of it
    score: Tensor  # (N,): its quality

    def columns(self) -> tuple[Tensor, ...]:
        """All that it holds, each of N rows."""
        return (*self.pick, self.pixels, *self.seen, self.score)


def balanced(source: Tensor, partners: Tensor, wish: Wish, critic: Critic, decode: Callable[[Tensor], Tensor]) -> Found:
    """The code whose image classifiers cannot place between the two digits, that is crisp and looks like a digit.

    Along the paths to all partners the surrogate's prediction is searched; the best point of each of the best paths
    is refined by gradient ascent; and the images of all these, as the judges see them, decide. Where even the best is
    no muddle, the refinement is repeated with longer and more steps. A wish for another balance than 0.5 is searched
    in the same way for the code that judges divide so.

    Source (N, D); partners (N, P, D).
    """
    every = torch.arange(len(source))
    codes = path(source[:, None].expand_as(partners), partners, STEPS)[:, :, 1:-1]  # (N, P, T, D)
    promise = _promise(codes, wish, critic, kept=max(NEAR.kept, FAR.kept))
    best, step = promise.max(2)  # (N, P)
    starts = codes[every[:, None], torch.arange(codes.shape[1]), step]  # (N, P, D): the best of each path

    def refine(rows: Tensor, how: Search) -> Found:
        """The best of the best paths' refined codes, for these rows."""
        row = torch.arange(len(rows))[:, None]
        partner = best[rows].topk(min(how.kept, best.shape[1]), dim=1).indices  # (M, C)
        start = starts[rows[:, None], partner]  # (M, C, D)
        wanted = wish.of(rows[:, None])

        candidates = torch.cat([start, _climb(start, wanted, critic, how)], 1)  # (M, 2 C, D)
        promise = quality(critic.of_codes(candidates), wanted)  # (M, 2 C)
        finalists = promise.topk(min(how.verified, candidates.shape[1]), dim=1).indices
        chosen, pixels, seen, score = _verified(candidates[row, finalists], wanted, critic, decode)
        place = finalists.gather(1, chosen[:, None])  # (M, 1): among the candidates
        picked = candidates[row, place].squeeze(1)
        partner = partner.gather(1, place % partner.shape[1]).squeeze(1)
        pick = Pick(picked, partner, _along(picked, source[rows], partners[rows, partner]))
        return Found(pick, pixels, seen, score)

    found = refine(every, NEAR)
    poor = (found.score < ENOUGH).nonzero().squeeze(1)
    if len(poor):
        other = refine(poor, FAR)
        better = other.score > found.score[poor]
        for column, replacement in zip(found.columns(), other.columns(), strict=True):
            column[poor[better]] = replacement[better]
    return found


def _promise(codes: Tensor, wish: Wish, critic: Critic, kept: int) -> Tensor:
    """The surrogate's quality of the codes (N, P, T, D) that may be the best of their path and whose path may be
    among the `kept` best; of all others, minus infinity: (N, P, T)."""
    every = torch.arange(len(codes))
    rough = quality(critic.of_codes(codes, rough=True), wish.of(every[:, None, None]))
    best = rough.amax(2)
    least = best.topk(min(kept, best.shape[1]), dim=1).values[:, -1:]
    contenders = (rough >= best[..., None] - MARGIN) & (best >= least - MARGIN)[..., None]
    exact = quality(critic.of_codes(codes[contenders]), wish.of(contenders.nonzero()[:, 0]))
    return torch.full_like(rough, -torch.inf, dtype=codes.dtype).masked_scatter(contenders, exact)


def _verified(
    codes: Tensor, wanted: Wish, critic: Critic, decode: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor, Opinion, Tensor]:
    """The best of each row of codes (M, C, D) by their images: which (M,), its pixels, the opinion of it, its score."""
    shape = codes.shape[:2]
    pixels = torch.cat([to_pixels(decode(block)) for block in codes.flatten(0, 1).split(PIXEL_BLOCK)])
    contenders = torch.ones(shape, dtype=torch.bool)
    if len(pixels) > FEW:
        rough = critic.of_pixels(pixels, rough=True).each(lambda column: column.unflatten(0, shape))
        rough = quality(rough, wanted)  # (M, C)
        contenders = rough >= rough.amax(1, keepdim=True) - MARGIN
    seen = critic.of_pixels(pixels[contenders.flatten()])
    rows = contenders.nonzero()[:, 0]
    exact = quality(seen, Wish(*(column.squeeze(1)[rows] for column in wanted)))
    score, chosen = torch.full(shape, -torch.inf, dtype=codes.dtype).masked_scatter(contenders, exact).max(1)
    row = torch.arange(len(codes))
    place = contenders.flatten().cumsum(0).unflatten(0, shape)[row, chosen] - 1
    return chosen, pixels.unflatten(0, shape)[row, chosen], seen.each(lambda column: column[place]), score


def _climb(codes: Tensor, wish: Wish, critic: Critic, search: Search) -> Tensor:
    """Gradient ascent in steps whose length does not depend on the gradient's and shrinks to nothing."""
    for i in range(search.climbs):
        seen, pull = critic.of_codes_with_pull(codes)
        gradient = pull(slope(seen, wish))
        length = search.stride * (1 - i / search.climbs)
        codes = codes + length * gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
        codes = (codes / GRID).round() * GRID
    return codes


def _along(codes: Tensor, source: Tensor, partner: Tensor) -> Tensor:
    """Where codes lie between source and partner, by orthogonal projection, held to [0, 1]: (N, D) x 3 -> (N,)."""
    way = partner - source
    return (((codes - source) * way).sum(1) / (way * way).sum(1).clamp_min(1e-12)).clamp(0, 1)
