"""Learn from people: weights and temperatures of the judges that predict best what visitors of Spaces chose.

It is a measurement, and changes no bundle: neither the panel's figures nor any muddle depend on it.
"""

import json
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from muddle.errors import DataError
from muddle.muddler import Muddler
from muddle.votes.measures import Figure, intervals
from muddle.votes.read import read_votes, sort_out
from muddle.votes.report import Reading
from train.run import Run

ENOUGH = 500  # votes for one of two labels below which nothing can be learnt
FOLDS = 5
STEPS, RATE = 300, 0.05
CAUTION = 3.0  # votes' worth of belief in equal weights and in temperatures of 1, for each number that is fitted
LEAST = 1e-4  # a share nearer to 0 or 1 counts as this


class Fit(NamedTuple):
    """One weight and one temperature for each judge."""

    weights: np.ndarray  # (J,), which sum to 1
    temperatures: np.ndarray  # (J,); above 1 the judge is too sure


class Learnt(NamedTuple):
    """The fit on all votes, and what such a fit gains on votes that it has not seen: nats a vote, with its interval."""

    fit: Fit
    gain: Figure
    votes: int
    muddles: int


def run(run: Run, source: str) -> None:
    """Fit the judges to votes, print what was learnt, and write it to work/judge/votes.json. Raises DataError."""
    muddler = Muddler.from_pretrained(run.bundle if (run.bundle / "config.json").exists() else None)
    reading = Reading(muddler, sort_out(read_votes(source), muddler.bundle.exemplars.labels.tolist()))
    learnt = learn(reading.first, reading.second, reading.shares[:, 1:])
    content = {
        "votes": learnt.votes,
        "muddles": learnt.muddles,
        "gain": learnt.gain._asdict(),
        "judges": {
            name: {"weight": float(weight), "temperature": float(temperature)}
            for name, weight, temperature in zip(reading.names, *learnt.fit, strict=True)
        },
    }
    (run.work("judge") / "votes.json").write_text(json.dumps(content, indent=2))
    for name, numbers in content["judges"].items():
        print(f"{name:16} weight {numbers['weight']:.3f}  temperature {numbers['temperature']:.2f}")
    gain = learnt.gain
    print(f"gain on unseen muddles: {gain.value:.4f} nats a vote ({gain.low:.4f} to {gain.high:.4f})")


def learn(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> Learnt:
    """Fit to how many people chose each of two labels, (N,) and (N,), and the judges' shares of the second, (N, J).

    The gain over the judges' plain mean is measured by cross-validation over muddles. Raises DataError for fewer than
    ENOUGH votes.
    """
    here = first + second > 0
    first, second, shares = first[here], second[here], shares[here]
    total = int((first + second).sum())
    if total < ENOUGH:
        raise DataError(f"There are {total} votes for one of two labels: from {ENOUGH} on something can be learnt.")
    fold = np.random.default_rng(0).permutation(len(first)) % FOLDS
    gains = np.zeros(len(first))
    for held_out in range(FOLDS):
        seen, unseen = fold != held_out, fold == held_out
        found = fit(first[seen], second[seen], shares[seen])
        gains[unseen] = _likelihood(first[unseen], second[unseen], mixed(found, shares[unseen]))
        gains[unseen] -= _likelihood(first[unseen], second[unseen], shares[unseen].mean(1))
    votes = first + second

    def gain(index: np.ndarray) -> np.ndarray:
        return np.array([gains[index].sum() / votes[index].sum()])

    return Learnt(fit(first, second, shares), intervals(gain, len(first), 1000)[0], total, len(first))


def fit(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> Fit:
    """The weights and temperatures that predict the votes best, held to the plain mean where votes say little."""
    a, b = torch.from_numpy(first).double(), torch.from_numpy(second).double()
    logits = torch.from_numpy(shares).double().clamp(LEAST, 1 - LEAST).logit()
    weights, temperatures = (torch.zeros(shares.shape[1], dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.Adam([weights, temperatures], RATE)
    for _ in range(STEPS):
        share = _mix(weights, temperatures, logits).clamp(LEAST, 1 - LEAST)
        loss = -(a * (1 - share).log() + b * share.log()).sum()
        loss = loss + CAUTION * (weights.square().sum() + temperatures.square().sum())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return Fit(weights.softmax(0).numpy(), temperatures.exp().numpy())


def mixed(found: Fit, shares: np.ndarray) -> np.ndarray:
    """The share of the second label that the fitted judges give, (N, J) -> (N,)."""
    logits = np.log(shares.clip(LEAST, 1 - LEAST) / (1 - shares.clip(LEAST, 1 - LEAST)))
    return (1 / (1 + np.exp(-logits / found.temperatures)) * found.weights).sum(1)


def _mix(weights: Tensor, temperatures: Tensor, logits: Tensor) -> Tensor:
    return ((logits / temperatures.exp()).sigmoid() * weights.softmax(0)).sum(1)


def _likelihood(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share.clip(LEAST, 1 - LEAST)
    return first * np.log(1 - share) + second * np.log(share)
