"""The objective of the balanced strategy, and its gradient."""

from typing import NamedTuple

import torch
from torch import Tensor

from muddle.networks.surrogate import Prediction
from muddle.search.metrics import pair_probabilities
from muddle.search.scorer import ImageScores

UNLIKE_COST = 0.1  # of a unit of the likeness logit below the floor
CRISP, BLUR_COST = 0.55, 2  # a grey share up to this one is free; the cost of a unit above it


class Goal(NamedTuple):
    """The labels and the balance that each of N muddles is to have."""

    digit: Tensor  # int64 (N,)
    target: Tensor  # int64 (N,)
    balance: Tensor  # float64 (N,): the target's share of the two probabilities, 0 to 1; 0.5 is a muddle

    def rows(self, index: Tensor) -> "Goal":
        """The goals of some rows, in the shape of `index`."""
        return Goal(self.digit[index], self.target[index], self.balance[index])


def objective(scores: ImageScores, goal: Goal) -> Tensor:
    """High where each classifier, and their mean, is divided as the goal asks, less a cost for blur and for unlikeness.

    Scores of (...) and goals that broadcast to it -> (...), at most 1. At a balance of 0.5 a classifier counts
    4 p(digit) p(target): 1 if it gives a half to each, 0 if it is certain. In general exp(-2 KL(goal || p)), which is
    the same there.
    """
    pairs = pair_probabilities(scores.probabilities, goal.digit, goal.target)  # (..., J, 2)
    shares = _target_shares(goal, pairs)
    each = (_relative(pairs, shares) ** (2 * shares)).prod(-1).mean(-1)
    together = _relative(pairs.mean(-2, keepdim=True), shares).amin(-1).squeeze(-1)
    costs = UNLIKE_COST * torch.relu(-scores.likeness), BLUR_COST * torch.relu(scores.grey - CRISP)
    return 0.5 * each + 0.5 * together - costs[0] - costs[1]


def objective_grad(scores: ImageScores, goal: Goal) -> Prediction:
    """The gradient of `objective` with respect to the logits behind the probabilities (..., J, 10), to likeness and to
    grey share: in closed form, three times as fast as autograd."""
    pairs = pair_probabilities(scores.probabilities, goal.digit, goal.target)
    shares = _target_shares(goal, pairs)
    relative = _relative(pairs, shares)
    each = (relative ** (2 * shares)).prod(-1, keepdim=True)
    mean = _relative(pairs.mean(-2, keepdim=True), shares)  # (..., 1, 2)
    lesser = mean == mean.amin(-1, keepdim=True)
    together = lesser / lesser.sum(-1, keepdim=True) * torch.where(shares > 0, relative, 0)
    # probability times gradient with respect to it, for the two labels; then the derivative of the softmax
    weighted = 0.5 * (each * 2 * shares + together) / pairs.shape[-2]
    index = torch.stack(torch.broadcast_tensors(goal.digit, goal.target), -1)[..., None, :].expand_as(weighted)
    logits = (-scores.probabilities * weighted.sum(-1, keepdim=True)).scatter_add(-1, index, weighted)
    likeness, grey = (scores.likeness < 0).to(logits), (scores.grey > CRISP).to(logits)
    return Prediction(logits, UNLIKE_COST * likeness, -BLUR_COST * grey)


def _target_shares(goal: Goal, like: Tensor) -> Tensor:
    """The share of their sum that each of the two labels is to get: (..., 1, 2)."""
    return torch.stack([1 - goal.balance, goal.balance], -1)[..., None, :].to(like.dtype)


def _relative(p: Tensor, shares: Tensor) -> Tensor:
    """Each probability divided by its target share; 1 where the target share is 0."""
    return torch.where(shares > 0, p / shares.clamp_min(1e-9), 1)
