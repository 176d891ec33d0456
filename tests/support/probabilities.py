"""Soft labels, and the probabilities of made-up classifiers."""

import dataclasses

import numpy as np

from muddle.dataset.rows import judged_rows


def row(**classes):
    """A distribution from its classes above 0: row(c4=0.6, c9=0.4)."""
    p = np.zeros(10)
    for name, value in classes.items():
        p[int(name[1:])] = value
    return p


def ambiguous(count=200, seed=0):
    """Soft labels (N, 10) of pairs with all the rest of the belief spread out, digits (N,) and targets (N,)."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, count)
    targets = (digits + rng.integers(1, 10, count)) % 10
    share = rng.uniform(0.05, 0.95, count)
    soft = np.full((count, 10), 0.002)
    soft[np.arange(count), digits] += 0.98 * (1 - share)
    soft[np.arange(count), targets] += 0.98 * share
    return soft, digits, targets


def certain(soft):
    return np.eye(10)[soft.argmax(1)]


def rows_of(soft, digits, targets, *, judges=None, kind="muddle", balance=None):
    """Rows of a data set without images, with these soft labels; without judges three say the same."""
    count = len(soft)
    judges = np.stack([soft] * 3, 1) if judges is None else judges
    nothing, none = np.zeros(count), np.full(count, -1)
    rows = judged_rows(
        judges, soft, kind="muddle", index=np.arange(count), image=np.zeros((count, 28, 28), np.uint8), digit=digits,
        target=targets, balance=soft[np.arange(count), targets] if balance is None else balance, likeness=nothing,
        grey=nothing, seed=none, source=none, partner=none,
    )  # fmt: skip
    return dataclasses.replace(rows, kind=np.full(count, kind) if isinstance(kind, str) else np.array(kind))
