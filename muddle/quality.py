"""What the balanced strategy maximises, and which way is up."""

from typing import NamedTuple

import torch
from torch import Tensor

from muddle.critic import Opinion
from muddle.surrogate import Prediction, of_pair

UNLIKE = 0.1  # what a unit of the likeness logit below the floor costs
BLURRED, CRISP = 2, 0.55  # what a unit of the grey share above this one costs


class Wish(NamedTuple):
    """What each of N muddles is to be."""

    digit: Tensor  # int64 (N,)
    target: Tensor  # int64 (N,)
    balance: Tensor  # float64 (N,): the target's share of the two probabilities, 0 to 1; 0.5 is a muddle

    def of(self, rows: Tensor) -> "Wish":
        """The wishes of some rows, in the shape of `rows`."""
        return Wish(self.digit[rows], self.target[rows], self.balance[rows])


def quality(seen: Opinion, wish: Wish) -> Tensor:
    """What the balanced strategy maximises: classifiers that are each divided as wished, and so is their mean, less
    what is blurred or odd. Opinions of (...) and wishes that broadcast to it -> (...), at most 1.

    At a balance of 0.5 a classifier counts 4 p(digit) p(target): 1 if it gives a half to each, 0 if it is sure. In
    general exp(-2 KL(wish || p)), which is the same there.
    """
    pairs = of_pair(seen.probabilities, wish.digit, wish.target)  # (..., J, 2)
    shares = _shares(wish, pairs)
    each = (_over(pairs, shares) ** (2 * shares)).prod(-1).mean(-1)
    together = _over(pairs.mean(-2, keepdim=True), shares).amin(-1).squeeze(-1)
    return 0.5 * each + 0.5 * together - UNLIKE * torch.relu(-seen.likeness) - BLURRED * torch.relu(seen.grey - CRISP)


def slope(seen: Opinion, wish: Wish) -> Prediction:
    """The gradient of `quality` with respect to the logits behind the probabilities (..., J, 10), to likeness and to
    grey: in closed form, since autograd takes three times as long for so little."""
    pairs = of_pair(seen.probabilities, wish.digit, wish.target)
    shares = _shares(wish, pairs)
    over = _over(pairs, shares)
    each = (over ** (2 * shares)).prod(-1, keepdim=True)
    mean = _over(pairs.mean(-2, keepdim=True), shares)  # (..., 1, 2)
    lesser = mean == mean.amin(-1, keepdim=True)
    together = lesser / lesser.sum(-1, keepdim=True) * torch.where(shares > 0, over, 0)
    # probability times gradient by it, of the two labels; then softmax's own derivative
    pull = 0.5 * (each * 2 * shares + together) / pairs.shape[-2]
    index = torch.stack(torch.broadcast_tensors(wish.digit, wish.target), -1)[..., None, :].expand_as(pull)
    logits = (-seen.probabilities * pull.sum(-1, keepdim=True)).scatter_add(-1, index, pull)
    likeness, grey = (seen.likeness < 0).to(logits), (seen.grey > CRISP).to(logits)
    return Prediction(logits, UNLIKE * likeness, -BLURRED * grey)


def _shares(wish: Wish, like: Tensor) -> Tensor:
    """What the two labels are to get of their sum: (..., 1, 2)."""
    return torch.stack([1 - wish.balance, wish.balance], -1)[..., None, :].to(like.dtype)


def _over(p: Tensor, shares: Tensor) -> Tensor:
    """Probabilities in units of what they are to be; a label that is to get nothing is no matter."""
    return torch.where(shares > 0, p / shares.clamp_min(1e-9), 1)
