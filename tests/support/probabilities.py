"""Soft labels, and the probabilities of made-up classifiers."""

import numpy as np


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
