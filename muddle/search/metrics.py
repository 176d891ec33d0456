"""Measures of how good a muddle is. Pure functions of arrays."""

import torch
from torch import Tensor

INK = 0.1  # pixels above this are ink
GREY = 0.9  # ink up to this is grey: neither paper nor full stroke
FAINT = 0.5  # strokes up to this are what eyes close and networks read


def grey_share(images: Tensor) -> Tensor:
    """Crispness: pixels between 0.1 and 0.9 among all above 0.1: (N, 1, 28, 28) in [0, 1] -> (N,) in [0, 1].

    0 is pure black on white; real test digits average 0.506, averages of two digits near 0.87. An image without
    ink scores 1.
    """
    ink = images > INK
    count = ink.flatten(1).sum(1)
    grey = (ink & (images < GREY)).flatten(1).sum(1)
    return torch.where(count > 0, grey / count.clamp_min(1), 1.0)


def without_faint(images: Tensor, level: float = FAINT) -> Tensor:
    """Images in [0, 1] whose ink below the level is removed: real digits stay what they are without it."""
    return images * (images >= level)


def entropy_bits(probabilities: Tensor) -> Tensor:
    """Entropy in bits of distributions (..., K): 0 (certain), 1 (a fair coin), log2 K = 3.32 for a clueless judge."""
    return torch.special.entr(probabilities).sum(-1) / torch.log(torch.tensor(2.0, dtype=probabilities.dtype))


def expected_entropy(each: Tensor) -> Tensor:
    """How undecided classifiers are, each for itself: the mean of their entropies in bits: (..., J, K) -> (...).

    It is what of their mean's entropy no agreement would remove; the rest is `mutual_information`.
    """
    return entropy_bits(each).mean(-1)


def mutual_information(each: Tensor) -> Tensor:
    """How far classifiers disagree: the entropy of their mean less `expected_entropy`, in bits: (..., J, K) -> (...).

    0 where all say the same; 1 where half of them is certain of one class and half of another. Houlsby et al. (2011).
    """
    return (entropy_bits(each.mean(-2)) - expected_entropy(each)).clamp_min(0)


def both_above(probabilities: Tensor, first: Tensor, second: Tensor, threshold: float) -> Tensor:
    """Whether both classes get more than the threshold: (N, K), (N,), (N,) -> bool (N,).

    At 0.4 this is the *split*: hard to choose between exactly two labels. A clueless classifier (0.1 each) fails it.
    """
    pair = torch.stack([first, second], 1)
    return (probabilities.gather(1, pair) > threshold).all(1)


def top_pair(probabilities: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Whether the two likeliest classes are the intended two, in either order: (N, K), (N,), (N,) -> bool (N,)."""
    top = probabilities.topk(2, dim=1).indices.sort(1).values
    return (top == torch.stack([first, second], 1).sort(1).values).all(1)


def pair_probabilities(probabilities: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Each classifier's probabilities of the two intended digits: (..., J, 10) -> (..., J, 2).

    The digits are int64, of the shape of the axes before J or one that broadcasts to it.
    """
    index = torch.stack(torch.broadcast_tensors(first, second), -1)[..., None, :]
    return probabilities.gather(-1, index.expand(*probabilities.shape[:-1], 2))


def indecision(pairs: Tensor) -> Tensor:
    """How undecided classifiers are, each for itself: the mean over them of 4 p(digit) p(target).

    0 (each is certain, or means other digits) to 1 (each gives both a half); clueless ones score 0.04.
    (..., J, 2), as `pair_probabilities` gives it -> (...).
    """
    return 4 * (pairs[..., 0] * pairs[..., 1]).mean(-1)
