"""The mathematics of t-SNE (van der Maaten and Hinton, 2008). Pure functions of points; no model in sight."""

import math

import torch
from torch import Tensor


def joint_probabilities(codes: Tensor, perplexity: float) -> Tensor:
    """How likely each two codes are neighbours: (N, D) -> (N, N), symmetric, sum 1, diagonal 0."""
    conditional = neighbour_probabilities(codes, perplexity)
    return ((conditional + conditional.T) / (2 * len(codes))).to(codes.dtype)


def neighbour_probabilities(codes: Tensor, perplexity: float) -> Tensor:
    """Each code's distribution over the others, of that perplexity: (N, D) -> float64 (N, N), rows sum to 1.

    A Gaussian around the code, whose width is found by bisection.
    """
    distances = _squared_distances(codes.double()).fill_diagonal_(torch.inf)
    low, high = torch.zeros(len(codes), 1).double(), torch.full((len(codes), 1), 1e3).double()
    for _ in range(50):
        precision = (low + high) / 2
        wide = torch.special.entr((-precision * distances).softmax(1)).sum(1, keepdim=True) > math.log(perplexity)
        low, high = torch.where(wide, precision, low), torch.where(wide, high, precision)
    return (-precision * distances).softmax(1)


def divergence(joint: Tensor, places: Tensor, exaggeration: float = 1.0) -> Tensor:
    """Kullback-Leibler divergence of the places' neighbourhoods from the codes', in nats: (N, N), (N, 2) -> scalar.

    0 if they agree. The places' neighbourhoods are those of a Student t with one degree of freedom. Exaggeration
    multiplies the attraction between neighbours; above 1 the result is no divergence, but its gradient draws clusters
    together.
    """
    distances = _squared_distances(places)
    attraction = (joint * distances.log1p()).sum()
    repulsion = ((1 + distances).reciprocal().sum() - len(places)).log()  # less each place's 1 with itself
    return exaggeration * attraction + repulsion + torch.xlogy(joint, joint).sum()


def _squared_distances(points: Tensor) -> Tensor:
    squares = points.square().sum(1)
    return (squares[:, None] + squares - 2 * points @ points.T).clamp_min(0)
