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


def position_along(codes: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Where codes lie between start and end, by orthogonal projection, clipped to [0, 1]: (N, D) x 3 -> (N,)."""
    way = end - start
    return (((codes - start) * way).sum(1) / (way * way).sum(1).clamp_min(1e-12)).clamp(0, 1)
