"""Measure muddles and a bundle for the report. Functions of arrays and networks; no files here."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from muddle.images.pixels import to_pixels, to_unit
from muddle.muddler import Muddler
from muddle.networks.likeness import Likeness
from muddle.search.latent import nearest_centroid, path
from muddle.search.metrics import both_above, entropy_bits, grey_share, pair_probabilities, top_pair, without_faint
from train.loop import in_batches
from train.stages.panel import panel_probabilities

LEVELS = (0.25, 0.4, 0.5)  # of ink, below which it is removed


def share(hits: Tensor | np.ndarray) -> dict[str, float]:
    """The share of true values and its 95 % interval (Wilson, 1927): bool (N,) -> value, low, high in [0, 1]. Of no
    values it is a half, and may be anything."""
    if not len(hits):
        return {"value": 0.5, "low": 0.0, "high": 1.0}
    n, p, z = len(hits), float(np.asarray(hits).mean()), 1.96
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"value": p, "low": max(0.0, centre - half), "high": min(1.0, centre + half)}


def average(values: Tensor | np.ndarray) -> dict[str, float]:
    """The mean and its 95 % interval (normal approximation): float (N,) -> value, low, high."""
    array = np.asarray(values, np.float64)
    half = 1.96 * array.std(ddof=1) / math.sqrt(len(array)) if len(array) > 1 else math.nan
    return {"value": float(array.mean()), "low": float(array.mean() - half), "high": float(array.mean() + half)}


def muddle_figures(
    images: np.ndarray, digits: np.ndarray, targets: np.ndarray, panel: list[nn.Module], likeness: Likeness
) -> dict[str, Any]:
    """Measure muddles uint8 (N, 28, 28) between digits and targets, int64 (N,), by the panel and by their pixels."""
    pixels, first, second = torch.from_numpy(images), torch.from_numpy(digits), torch.from_numpy(targets)
    each = panel_probabilities(panel, pixels)  # (J, N, 10)
    mean = each.mean(0)
    unit = to_unit(pixels)
    with torch.inference_mode():
        percentiles = likeness.percentile(likeness(unit))
    p_digit = each.gather(2, first.expand(len(each), -1)[..., None]).squeeze(2)
    undecided = (p_digit > 0.4) & (p_digit < 0.6)
    shares = target_shares(mean, first, second)
    return {
        "count": len(images),
        "split": share(both_above(mean, first, second, 0.4)),
        "both_above_0.2": share(both_above(mean, first, second, 0.2)),
        "top_pair": share(top_pair(mean, first, second)),
        "distance": average((shares - 0.5).abs()),
        "grey_share": average(grey_share(unit)),
        "likely_digit": share(percentiles > 5),
        "entropy_bits": average(entropy_bits(mean.double())),
        "member_undecided": share(undecided.flatten()),
        "member_for_source": average(p_digit.mean(1)),
        "members": {  # one by one
            "split": [both_above(one, first, second, 0.4).double().mean().item() for one in each],
            "both_above_0.2": [both_above(one, first, second, 0.2).double().mean().item() for one in each],
            "top_pair": [top_pair(one, first, second).double().mean().item() for one in each],
            "undecided": undecided.double().mean(1).tolist(),
        },
    }


def target_shares(probabilities: Tensor, digits: Tensor, targets: Tensor) -> Tensor:
    """The target's share of the two labels' probability: (N, 10), (N,), (N,) -> (N,), 0 to 1."""
    first, second = pair_probabilities(probabilities[:, None], digits, targets)[:, 0].unbind(-1)
    return second / (first + second).clamp_min(1e-9)


def boldness(muddler: Muddler, images: np.ndarray, digits: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Of muddles uint8 (N, 28, 28) that give both labels more than 0.2 by the judges: the share that still do without
    any ink below each of LEVELS, one by one and all."""
    first, second = torch.from_numpy(digits), torch.from_numpy(targets)

    def undecided(pixels: Tensor) -> Tensor:
        return both_above(torch.from_numpy(muddler.judge(pixels.numpy())), first, second, 0.2)

    pixels = torch.from_numpy(images)
    whole = undecided(pixels)
    left = {level: undecided(to_pixels(without_faint(to_unit(pixels), level)))[whole] for level in LEVELS}
    every = torch.stack([*left.values()]).all(0)
    return {**{f"{level}": share(kept) for level, kept in left.items()}, "all": share(every)}


def balance_bins(balances: np.ndarray, shares: np.ndarray, each: np.ndarray) -> list[dict[str, Any]]:
    """Muddles by the balance asked for, float (N,), in ten bins: the panel's share of the target, (N,), its mean and
    spread (standard deviation over images), and how far members, (J, N), are from it on an image."""
    rows = []
    for low in np.arange(10) / 10:
        here = (balances >= low) & (balances < low + 0.1)
        rows.append(
            {
                "asked": float(balances[here].mean()),
                "count": int(here.sum()),
                "share": average(shares[here]),
                "spread": float(shares[here].std()),
                "members_spread": float(each[:, here].std(0).mean()),
            }
        )
    return rows


def tells(muddles: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How well simple statistics tell muddles from real digits, uint8 (N, 28, 28) and (M, 28, 28): AUROC, 0.5 to 1.

    0.5: not at all. Of each kind the best: a single pixel; all ink; the ink of the outermost rows and columns, one to
    four of them; grey levels: how many pixels are inked, and how many of these are faint, grey, or white.
    """
    columns = [_statistics(images) for images in (muddles, real)]
    return {kind: max(_auroc(columns[0][kind], columns[1][kind])) for kind in columns[0]}


def _statistics(images: np.ndarray) -> dict[str, np.ndarray]:
    flat = images.reshape(len(images), -1).astype(float)
    ring = np.minimum.outer(np.minimum(range(28), range(27, -1, -1)), [28] * 28)
    ring = np.minimum(ring, ring.T).flatten()
    inked = np.maximum((flat > 0).sum(1), 1)
    levels = [flat > 0, (flat > 0) & (flat < 32), (flat > 25) & (flat < 230), flat >= 253]
    return {
        "pixel": flat,
        "ink": flat.sum(1, keepdims=True),
        "border": np.stack([flat[:, ring < width].sum(1) for width in (1, 2, 3, 4)], 1),
        "grey_levels": np.stack([levels[0].sum(1), *(level.sum(1) / inked for level in levels[1:])], 1),
    }


def _auroc(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """By each column, whichever way round is better: (N, S), (M, S) -> (S,)."""
    from scipy.stats import mannwhitneyu

    area = mannwhitneyu(some, others, method="asymptotic").statistic / (len(some) * len(others))
    return np.maximum(area, 1 - area)


def source_resemblance(muddler: Muddler, images: np.ndarray, sources: np.ndarray) -> dict[str, Any]:
    """The share of muddles nearer to their own source than to a random other exemplar of the same digit.

    By the code of the muddle's image and by its pixels; a muddle that keeps nothing of its source scores 0.5.
    """
    exemplars = muddler.bundle.exemplars
    generator = torch.Generator().manual_seed(0)
    own = torch.from_numpy(sources)
    others = []
    for index in own:
        same = exemplars.indices_of(int(exemplars.labels[index]))
        same = same[same != index]
        others.append(same[torch.randint(len(same), (), generator=generator)])
    other = torch.stack(others)
    with torch.inference_mode():
        codes = muddler.bundle.autoencoder.encode(to_unit(torch.from_numpy(images)))
    pixels, real = to_unit(torch.from_numpy(images)).flatten(1), to_unit(exemplars.images).flatten(1)

    def nearer(points: Tensor, known: Tensor) -> dict[str, float]:
        return share((points - known[own]).norm(dim=1) < (points - known[other]).norm(dim=1))

    return {"by_code": nearer(codes, exemplars.codes), "by_pixels": nearer(pixels, real)}


def farthest_ends(muddler: Muddler, digits: np.ndarray, targets: np.ndarray, steps: int = 21) -> dict[str, float]:
    """Where mse(O, a) + mse(O, b) is largest on whole paths, ends included: shares of first frame, last, and inner."""
    bundle = muddler.bundle
    counts = np.zeros(3)
    drawn = muddler.muddle_many(digits.tolist(), targets.tolist(), range(len(digits)), strategy="midpoint")
    for pair in torch.from_numpy(np.stack([drawn.sources, drawn.partners], 1)):
        with torch.inference_mode():
            frames = bundle.autoencoder.decode(path(*bundle.exemplars.codes[pair], steps))
        ends = to_unit(bundle.exemplars.images[pair])
        distance = sum(((frames - end) ** 2).flatten(1).mean(1) for end in ends)
        best = int(distance.argmax())
        counts[0 if best == 0 else 1 if best == steps - 1 else 2] += 1
    first, last, inner = (counts / counts.sum()).tolist()
    return {"first_frame": first, "last_frame": last, "inner": inner}


def assumptions(muddler: Muddler, codes: Tensor, labels: Tensor, images: Tensor) -> dict[str, Any]:
    """Two of the author's assumptions on test digits: codes float (N, D), labels (N,), images uint8 (N, 28, 28).

    Clusters are distinct: silhouette, -1 to 1 (Rousseeuw, 1987), and the nearest centroid's accuracy. Near in latent
    space means alike to the eye: Spearman's rank correlation of the distance between two centroids with the
    probability that the judges give to one digit on images of the other; -1 would confirm it, 0 is no relation.
    """
    from scipy.stats import spearmanr
    from sklearn.metrics import silhouette_score

    centroids = muddler.bundle.centroids
    with torch.inference_mode():
        judged = in_batches(lambda part: muddler.bundle.judges(to_unit(part)).mean(0), images)
    confused = torch.stack([judged[labels == k].mean(0) for k in range(10)])
    upper = torch.triu_indices(10, 10, 1)
    distances = torch.cdist(centroids, centroids)[upper[0], upper[1]]
    alike = (confused + confused.T)[upper[0], upper[1]]
    correlation = spearmanr(distances.numpy(), alike.numpy())
    return {
        "silhouette": float(silhouette_score(codes.numpy(), labels.numpy(), sample_size=5000, random_state=0)),
        "nearest_centroid_accuracy": (nearest_centroid(codes.double(), centroids) == labels).double().mean().item(),
        "distance_confusion_spearman": float(correlation.statistic),
        "distance_confusion_p": float(correlation.pvalue),
    }


def decoded_error(muddler: Muddler, images: Tensor) -> float:
    """Mean squared error per pixel of reconstructions, uint8 (N, 28, 28), pixels in [0, 1]."""

    def errors(part: Tensor) -> Tensor:
        unit = to_unit(part)
        return ((muddler.bundle.autoencoder(unit) - unit) ** 2).flatten(1).mean(1)

    with torch.inference_mode():
        return in_batches(errors, images).mean().item()


def panel_disagreement(images: np.ndarray, panel: list[nn.Module]) -> Tensor:
    """How far the panel's members are apart on each image: mean total variation from their mean, 0 to 1: (N,)."""
    each = panel_probabilities(panel, torch.from_numpy(images))
    return (each - each.mean(0)).abs().sum(2).mean(0) / 2


def rounded(value: Any) -> Any:
    """Figures in JSON's types, to five decimals."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 5)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value
