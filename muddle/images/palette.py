"""The colours of the atlas: each digit's country has one, and borders are golden."""

import numpy as np

COUNTRIES = (
    (255, 138, 128), (108, 182, 255), (129, 199, 132), (206, 147, 216), (255, 183, 77),
    (77, 182, 172), (244, 143, 177), (176, 190, 197), (215, 177, 157), (159, 168, 218),
)  # fmt: skip
GOLD = (255, 196, 64)
SEA = (11, 16, 32)
BORDER = 0.2  # probability of the second digit from which on a place lies on a border
FULL = 0.45  # from which on it glows fully


def tinted(tiles: np.ndarray, first: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """Digits in the colours of their countries: uint8 (N, 28, 28) -> uint8 (N, 28, 28, 3).

    first: the likeliest digit of each, (N,). doubt: the second's probability, (N,). static/atlas.js does the same.
    """
    glow = np.where(doubt < BORDER, 0, 0.35 + 0.65 * np.minimum(1, doubt / FULL))[:, None]
    country = np.array(COUNTRIES, float)[first]  # (N, 3)
    paper = 0.2 * country * (1 - glow) + 0.75 * np.array(GOLD) * glow
    ink = np.where(glow > 0, 0, 90 + 0.65 * country)
    share = tiles[..., None] / 255
    return (paper[:, None, None] + (ink - paper)[:, None, None] * share).round().clip(0, 255).astype(np.uint8)
