"""Distillation: what a network that imitates the teachers is trained by, and how far it is from them.

Answers are float16 (N, J * 10 + 12): the log probabilities of J teachers, those of the judges' mean without faint ink,
likeness logit, grey share. They are as `train.stages.surrogate` labels codes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from muddle.networks.surrogate import EXTRA, Prediction

HELD_OUT = 4000  # codes to measure on, at most; a tenth of few
LEAST = 1e-6  # of a probability whose logarithm is taken


def distance(prediction: Prediction, answers: Tensor) -> Tensor:
    """How far predictions are from each teacher's probabilities and log odds and from the two scores: scalar."""
    targets = answers[:, :-2].unflatten(1, (-1, 10))
    pair = teachers_mean(answers).topk(2, dim=1).indices[:, None].expand(-1, targets.shape[1], -1)
    odds, wanted = (logits.gather(2, pair).diff(dim=2) for logits in (prediction.logits, targets))
    scores = F.smooth_l1_loss(prediction.likeness, answers[:, -2]) + 10 * F.mse_loss(prediction.grey, answers[:, -1])
    return divergence(prediction.logits, targets) + 0.05 * F.smooth_l1_loss(odds, wanted) + 0.02 * scores


def divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of KL(targets || softmax of the logits), log probabilities (..., 10)."""
    return F.kl_div(logits.log_softmax(-1), targets, log_target=True, reduction="none").sum(-1).mean()


def teachers_mean(answers: Tensor) -> Tensor:
    """The logarithm of the teachers' mean probabilities: (N, J * 10 + 12) -> (N, 10)."""
    return answers[:, :-EXTRA].float().unflatten(1, (-1, 10)).exp().mean(1).clamp_min(LEAST).log()


def errors(found: Prediction, answers: Tensor) -> dict[str, float]:
    """Of the predicted mean of the teachers: how often its likeliest digit is theirs, the total variation, and the
    error of the log odds of the two likeliest digits."""
    expected, predicted = teachers_mean(answers).exp(), found.teachers.softmax(-1).mean(1)
    pair = expected.topk(2, dim=1).indices
    odds, wanted = (p.gather(1, pair).clamp_min(LEAST).log().diff(dim=1) for p in (predicted, expected))
    return {
        "same_first_label": (predicted.argmax(1) == expected.argmax(1)).float().mean().item(),
        "total_variation": total_variation(predicted, expected),
        "log_odds_error": (odds - wanted).abs().mean().item(),
    }


def total_variation(found: Tensor, expected: Tensor) -> float:
    """The mean over distributions (N, K) of half their absolute difference."""
    return (found - expected).abs().sum(1).mean().item() / 2


def split(codes: Tensor, answers: Tensor, seed: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Codes and answers to train on, and HELD_OUT of them to measure on, in random order."""
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(seed))
    count = min(HELD_OUT, len(codes) // 10)
    held_out, rest = order[:count], order[count:]
    return (codes[rest], answers[rest]), (codes[held_out], answers[held_out])
