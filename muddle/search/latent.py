"""The geometry of the latent space: paths and centroids. Pure functions of codes; no model in sight."""

import torch
from torch import Tensor


def path(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Evenly spaced codes from start to end, both included: (..., D), (..., D) -> (..., T, D)."""
    t = torch.linspace(0, 1, steps, dtype=start.dtype, device=start.device)[:, None]
    return torch.lerp(start.unsqueeze(-2), end.unsqueeze(-2), t)


def centroid_matrix(codes: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Mean code of each class: (N, D), (N,) int64 -> (K, D). A class with no code gives a row of NaN."""
    sums = codes.new_zeros(classes, codes.shape[1]).index_add_(0, labels, codes)
    return sums / torch.bincount(labels, minlength=classes)[:, None]


def nearest_centroid(codes: Tensor, centroids: Tensor, *, excluding: Tensor | None = None) -> Tensor:
    """The class whose centroid is nearest to each code, other than `excluding`: (N, D), (K, D) -> (N,) int64."""
    distances = torch.cdist(codes, centroids, compute_mode="donot_use_mm_for_euclid_dist")
    if excluding is not None:
        distances = distances.scatter(1, excluding[:, None], torch.inf)
    return distances.argmin(1)


def path_through(start: Tensor, via: Tensor, end: Tensor, steps: int) -> tuple[Tensor, int]:
    """Codes from start to end that pass via a third, and the step at which they do: (D,) x 3 -> (T, D).

    They are evenly spaced before it and after it, and that step is the inner one nearest to its share of the way; with
    two steps there is none, and it is the nearer end.
    """
    share = float(share_of_way(start[None], via[None], end[None]))
    if steps == 2:
        return path(start, end, 2), round(share)
    step = min(max(round(share * (steps - 1)), 1), steps - 2)
    return torch.cat([path(start, via, step + 1), path(via, end, steps - step)[1:]]), step


def morph_path(start: Tensor, via: Tensor, end: Tensor, steps: int) -> Tensor:
    """Codes from start over via to end, closer together the closer they are to via, which is the middle one.

    (D,) x 3 -> (T, D) for an odd T.
    """
    u = torch.linspace(0, 1, steps // 2 + 1, dtype=start.dtype)[:, None]
    return torch.cat([torch.lerp(start, via, 1 - (1 - u) ** 3), torch.lerp(via, end, u[1:] ** 3)])


def share_of_way(start: Tensor, via: Tensor, end: Tensor) -> Tensor:
    """How much of the way from start over via to end lies before via, 0 to 1: (N, D) x 3 -> (N,), to six decimals.

    So far that rounding noise does not decide between two steps.
    """
    before, after = (via - start).norm(dim=1), (end - via).norm(dim=1)
    return (before / (before + after).clamp_min(1e-12)).round(decimals=6)
