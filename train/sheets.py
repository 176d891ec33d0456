"""The pictures that training leaves behind: curves, sheets of digits, heat maps. The one door to matplotlib."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muddle.images.codecs import tiled, to_image
from muddle.images.pixels import decoded_pixels
from muddle.networks.autoencoder import Autoencoder
from train.data import to_float


def sheet(images: Tensor | np.ndarray, path: Path, *, columns: int, scale: int = 3) -> None:
    """Images uint8 (N, 28, 28) as one PNG, row by row."""
    to_image(tiled(np.asarray(images), columns), scale).save(path)


def reconstructions(autoencoder: Autoencoder, images: Tensor, path: Path) -> None:
    """Rows of originals uint8 (N, 28, 28), each above its row of reconstructions. N a multiple of 20."""
    with torch.inference_mode():
        decoded = decoded_pixels(autoencoder(to_float(images)))
    rows = torch.stack([images.unflatten(0, (-1, 20)), decoded.unflatten(0, (-1, 20))], 1)
    sheet(rows.flatten(0, 2), path, columns=20)


def loss_curve(history: list[dict[str, float]], keys: tuple[str, ...], path: Path) -> None:
    """The named metrics over the epochs."""
    figure, axes = _figure(6, 4)
    for key in keys:
        axes.plot([m["epoch"] for m in history], [m[key] for m in history], label=key.replace("_", " "))
    axes.set_xlabel("epoch")
    axes.set_yscale("log")
    axes.legend()
    figure.savefig(path)


def pair_table(values: np.ndarray, title: str, path: Path) -> None:
    """A 10 x 10 heat map of shares, NaN on the diagonal: row the digit, column the target."""
    figure, axes = _figure(6.4, 5.6)
    picture = axes.imshow(values, vmin=0, vmax=1, cmap="viridis")
    for row, column in np.ndindex(values.shape):
        if np.isfinite(values[row, column]):
            colour = "black" if values[row, column] > 0.6 else "white"
            axes.text(column, row, f"{100 * values[row, column]:.0f}", ha="center", va="center", color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="target", ylabel="digit", title=title)
    figure.colorbar(picture)
    figure.savefig(path)


def balance_curve(asked: np.ndarray, shares: np.ndarray, bins: list[dict[str, Any]], path: Path) -> None:
    """A panel's share of the target, (N,), against the balance asked for, (N,): every muddle, and the mean of ten bins
    with the spread over images."""
    figure, axes = _figure(5, 4.6)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, label="as asked")
    axes.scatter(asked, shares, s=3, alpha=0.25, color="C0", linewidths=0, label="a muddle")
    columns = [[row["asked"] for row in bins], [row["share"]["value"] for row in bins], [row["spread"] for row in bins]]
    axes.errorbar(*columns, fmt="o", color="black", capsize=3, label="mean and spread of a bin")
    axes.set(xlabel="balance asked for", ylabel="the target's share by the panel", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    figure.savefig(path)


def latent_map(places: Tensor, labels: Tensor, centroids: Tensor, curves: Tensor, path: Path) -> None:
    """Places (N, 2) coloured by label, each digit's centroid (10, 2) as its numeral, and paths (P, T, 2) as curves."""
    figure, axes = _figure(6, 6)
    axes.scatter(*places.T, c=labels, cmap="tab10", s=4)
    for curve in curves:
        axes.plot(*curve.T, color="black", linewidth=0.7)
    for digit, (x, y) in enumerate(centroids.tolist()):
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": f"C{digit}"}
        axes.text(x, y, str(digit), ha="center", va="center", weight="bold", bbox=box)
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xticks=(), yticks=(), aspect="equal")
    figure.savefig(path)


def _figure(width: float, height: float):
    from matplotlib.figure import Figure  # without pyplot: no global state, no window

    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    return figure, figure.subplots()
