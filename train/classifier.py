"""Training one classifier of digits: the recipe that judges, panel and the cleaning of exemplars share."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train import augment
from train.data import Digits, to_float
from train.loop import Schedule, best_device, descend, fit, in_batches, one_cycle, set_rate


@dataclass(frozen=True)
class Regime:
    """How a classifier is taught: each setting makes it softer at the boundary between two digits."""

    affine: float = 0.0  # strength of random geometry
    mixup: float = 0.0  # share of images that are blended with another
    smoothing: float = 0.0  # label smoothing (Szegedy et al., 2016)
    rate: float = 2e-3


class ClassifierRecipe:
    """Adam on cross-entropy with soft targets."""

    def __init__(self, net: nn.Module, regime: Regime, digits: Digits, held_out: Digits, device: torch.device):
        self.net, self.regime, self.device = net.to(device), regime, device
        self.digits, self.held_out = digits, held_out
        self.modules = {"net": net}
        self.optimizers = {"net": torch.optim.AdamW(net.parameters(), regime.rate, weight_decay=0.01, fused=True)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["net"], one_cycle(progress, self.regime.rate))
        batch = self.digits[index]
        images = to_float(batch.images.to(self.device))
        targets = F.one_hot(batch.labels.to(self.device), 10).float()
        if self.regime.affine:
            images = augment.affine(images, self.regime.affine, generator=generator)
        if self.regime.mixup:
            images, targets = augment.mixup(images, targets, self.regime.mixup, generator=generator)
        loss = F.cross_entropy(self.net(images), targets, label_smoothing=self.regime.smoothing)
        descend(self.optimizers["net"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        logits = in_batches(lambda x: self.net(to_float(x.to(self.device))), self.held_out.images)
        return {"accuracy": (logits.argmax(1).cpu() == self.held_out.labels).float().mean().item()}


def train_classifier(
    net: nn.Module, regime: Regime, digits: Digits, held_out: Digits, schedule: Schedule, run: Path, *, name: str
) -> nn.Module:
    """Trains `net` in place on `digits` and returns it on the CPU, in evaluation mode."""
    torch.manual_seed(schedule.seed)
    fit(ClassifierRecipe(net, regime, digits, held_out, best_device()), len(digits), schedule, run, name=name)
    return net.cpu().eval()


def logits_of(net: nn.Module, images: Tensor) -> Tensor:
    """Logits of a classifier in evaluation mode: uint8 (N, 28, 28) -> float32 (N, 10)."""
    with torch.inference_mode():
        return in_batches(lambda x: net(to_float(x)), images)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that minimises the negative log likelihood of held-out labels (Guo et al., 2017)."""
    temperatures = torch.logspace(-1, 1, 401)
    losses = [F.cross_entropy(logits / temperature, labels) for temperature in temperatures]
    return temperatures[torch.stack(losses).argmin()].item()


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    """Expected calibration error, 0 (perfect) to 1: mean gap between confidence and accuracy, per bin of confidence.

    (N, K), (N,) -> float; the definition of Naeini et al., 2015. A clueless but honest classifier scores 0.
    """
    confidence, guess = probabilities.max(1)
    correct = (guess == labels).double()
    which = (confidence * bins).long().clamp_max(bins - 1)
    gap = torch.zeros(bins, dtype=torch.double).index_add_(0, which, correct - confidence.double())
    return (gap.abs().sum() / len(labels)).item()


def grade(net: nn.Module, test: Digits) -> dict[str, float]:
    """Accuracy and expected calibration error on test images, and the number of parameters."""
    return {**figures(logits_of(net, test.images).softmax(1), test), "parameters": count(net)}


def count(net: nn.Module) -> int:
    """How many trained numbers a network has."""
    return sum(p.numel() for p in net.parameters())


def figures(probabilities: Tensor, test: Digits) -> dict[str, float]:
    """Accuracy and expected calibration error of probabilities (N, 10) on N test images."""
    accuracy = (probabilities.argmax(1) == test.labels).float().mean().item()
    return {"accuracy": accuracy, "calibration_error": calibration_error(probabilities, test.labels)}
