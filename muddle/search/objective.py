"""What the balanced strategy looks for: the objective of images, and its promise by codes, with a gradient."""

from typing import NamedTuple

import torch
from torch import Tensor

from muddle.networks.surrogate import Prediction
from muddle.search.metrics import pair_probabilities

UNLIKE_COST = 0.1  # of a unit of the likeness logit below the floor
CRISP, BLUR_COST = 0.55, 2  # a grey share up to this one is free; the cost of a unit above it
BOLD = 0.3  # what the judges say of the image without its faint ink, as a share of the promise
CERTAIN = 7  # log odds of a goal that is wholly one label: a thousandth for the other
REACH = 10  # log odds from the goal at which a teacher's promise is a half
LEAN = 1.18  # log odds aimed at, for each that is asked: classifiers that differ have a mean nearer to a half


class Goal(NamedTuple):
    """The labels and the balance that each of N muddles is to have."""

    digit: Tensor  # int64 (N,)
    target: Tensor  # int64 (N,)
    balance: Tensor  # float64 (N,): the target's share of the two probabilities, 0 to 1; 0.5 is a muddle

    @staticmethod
    def of(digit: Tensor, target: Tensor, asked: Tensor) -> "Goal":
        """The goals at which to aim, so that the mean of other classifiers comes out as the balance asked for."""
        return Goal(digit, target, (LEAN * asked.logit()).sigmoid())

    def rows(self, index: Tensor) -> "Goal":
        """The goals of some rows, in the shape of `index`."""
        return Goal(self.digit[index], self.target[index], self.balance[index])


def objective(seen: Prediction, goal: Goal) -> Tensor:
    """High where each teacher, their mean, and the judges without faint ink are divided as the goal asks, less a cost
    for blur and for unlikeness.

    Predictions of images (...) and goals that broadcast to it -> (...), at most 1. At a balance of 0.5 a teacher counts
    4 p(digit) p(target): 1 if it gives a half to each, 0 if it is certain. In general exp(-2 KL(goal || p)), which is
    the same there.
    """
    pairs = pair_probabilities(_softmax(seen.logits), goal.digit, goal.target)  # (..., J + 1, 2)
    teachers, bold = pairs[..., :-1, :], pairs[..., -1, :]
    shares = torch.stack([1 - goal.balance, goal.balance], -1)
    each = (_relative(teachers, shares[..., None, :]) ** (2 * shares[..., None, :])).prod(-1).mean(-1)
    together, without = (_relative(mean, shares).amin(-1) for mean in (teachers.mean(-2), bold))
    return 0.4 * each + 0.45 * together + 0.15 * without - _costs(seen)


def undecided(logits: Tensor, goal: Goal) -> Tensor:
    """How nearly each classifier is divided as the goal asks: p / (1 + (d / REACH)^2), where p is its probability of
    either label and d how far its log odds are from the goal's.

    That has a slope where a classifier is certain, and is flat where it is nearly as undecided as asked: which of those
    are best is for their images to say. Logits (..., J, 10) and goals that broadcast to (...) -> (..., J), 0 to 1.
    """
    either = pair_probabilities(_softmax(logits), goal.digit, goal.target).sum(-1)
    return either / (1 + _distance(logits, goal) ** 2)


def promise(seen: Prediction, goal: Goal) -> Tensor:
    """High where each teacher, for itself, is `undecided`, and the judges are without faint ink, less the same costs.

    Predictions of (...) and goals that broadcast to it -> (...), at most 1.
    """
    return (undecided(seen.logits, goal) * _weights(seen)).sum(-1) - _costs(seen)


def promise_grad(seen: Prediction, goal: Goal) -> Prediction:
    """The gradient of `promise` with respect to the prediction: in closed form, three times as fast as autograd."""
    logits = _undecided_grad(seen.logits, goal) * _weights(seen)[:, None]
    likeness, grey = (seen.likeness < 0).to(logits), (seen.grey > CRISP).to(logits)
    return Prediction(logits, UNLIKE_COST * likeness, -BLUR_COST * grey)


def _weights(seen: Prediction) -> Tensor:
    """What each row of logits counts: (J + 1,)."""
    teachers = seen.teachers.shape[-2]
    return seen.logits.new_tensor([(1 - BOLD) / teachers] * teachers + [BOLD])


def _costs(seen: Prediction) -> Tensor:
    return UNLIKE_COST * torch.relu(-seen.likeness) + BLUR_COST * torch.relu(seen.grey - CRISP)


def _relative(p: Tensor, shares: Tensor) -> Tensor:
    """Each probability divided by its target share; 1 where the target share is 0."""
    return torch.where(shares > 0, p / shares.clamp_min(1e-9), 1)


def _undecided_grad(logits: Tensor, goal: Goal) -> Tensor:
    """The gradient of `undecided` with respect to its own row of logits: (..., J, 10)."""
    p, distance = _softmax(logits), _distance(logits, goal)
    either = pair_probabilities(p, goal.digit, goal.target).sum(-1)
    near = 1 / (1 + distance**2)
    turn = -2 * either * distance * near**2 / REACH  # by the log odds
    labels = pair_probabilities(p, goal.digit, goal.target) * near[..., None] + torch.stack([-turn, turn], -1)
    index = torch.stack(torch.broadcast_tensors(goal.digit, goal.target), -1)[..., None, :].expand_as(labels)
    return (-p * (either * near)[..., None]).scatter_add(-1, index, labels)


def _distance(logits: Tensor, goal: Goal) -> Tensor:
    """How far each classifier's log odds are from the goal's, in units of REACH: (..., J)."""
    first, second = pair_probabilities(logits, goal.digit, goal.target).unbind(-1)
    return (second - first - goal.balance.logit().clamp(-CERTAIN, CERTAIN)[..., None]) / REACH


def _softmax(logits: Tensor) -> Tensor:
    return logits.mT.contiguous().softmax(-2).mT  # five times as fast as along the last axis
