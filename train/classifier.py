"""Train one classifier of digits, and grade it: shared by judges, panel, examiners and references."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muddle.evaluate.measures import BINS, Bin, binned
from muddle.networks.judges import Judge, JudgeConfig
from train import augment
from train.data import Digits, to_float
from train.loop import best_device, fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run


@dataclass(frozen=True)
class TrainConfig:
    """How a classifier is trained. All but the rate make it softer at the boundary between two digits."""

    affine: float = 0.0  # strength of random geometry
    mixup: float = 0.0  # share of images that are blended with another
    smoothing: float = 0.0  # label smoothing (Szegedy et al., 2016)
    rate: float = 2e-3  # peak learning rate


@dataclass(frozen=True)
class ClassifierSpec:
    """One classifier to train."""

    name: str  # of its kind
    build: Callable[[], nn.Module]  # draws the initial weights from torch's global generator
    config: TrainConfig
    epochs: int
    published: bool = False  # whether the bundle has it as a judge


def judge_spec(kind: str, width: int, config: TrainConfig, epochs: int, *, published: bool = False) -> ClassifierSpec:
    """The spec of a network of the judges' kinds."""
    return ClassifierSpec(kind, partial(Judge, JudgeConfig(kind, width)), config, epochs, published)


class ClassifierTask:
    """AdamW on cross-entropy with soft targets."""

    def __init__(self, net: nn.Module, config: TrainConfig, digits: Digits, held_out: Digits, device: torch.device):
        self.net, self.config, self.device = net.to(device), config, device
        self.digits, self.held_out = digits, held_out
        self.modules = {"net": net}
        self.optimizers = {"net": torch.optim.AdamW(net.parameters(), config.rate, weight_decay=0.01, fused=True)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["net"], one_cycle(progress, self.config.rate))
        batch = self.digits[index]
        images = to_float(batch.images.to(self.device))
        targets = F.one_hot(batch.labels.to(self.device), 10).float()
        if self.config.affine:
            images = augment.affine(images, self.config.affine, generator=generator)
        if self.config.mixup:
            images, targets = augment.mixup(images, targets, self.config.mixup, generator=generator)
        loss = F.cross_entropy(self.net(images), targets, label_smoothing=self.config.smoothing)
        optimizer_step(self.optimizers["net"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        logits = in_batches(lambda x: self.net(to_float(x.to(self.device))), self.held_out.images)
        return {"accuracy": (logits.argmax(1).cpu() == self.held_out.labels).float().mean().item()}


def train_classifier(
    spec: ClassifierSpec, digits: Digits, held_out: Digits, run: Run, *, seed: int, folder: Path, label: str
) -> nn.Module:
    """Build and train a classifier; returns it on the CPU, in evaluation mode. `label` is the progress bar's."""
    torch.manual_seed(seed)
    net = spec.build()
    task = ClassifierTask(net, spec.config, digits, held_out, best_device())
    fit(task, len(digits), run.classifier_schedule(spec.epochs, seed), folder, name=label)
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


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Expected calibration error, 0 (perfect) to 1: mean gap between confidence and accuracy, per bin of confidence.

    (N, K), (N,) -> float; the definition of Naeini et al., 2015. A clueless but honest classifier scores 0.
    """
    confidence, guess = probabilities.max(1)
    right = (guess == labels).double().numpy()
    bins = [Bin(*row) for row in binned(confidence.numpy(), BINS, confidence.numpy(), right)]
    return sum(part.count * abs(part.correctness - part.confidence) for part in bins) / len(labels)


def grade(net: nn.Module, test: Digits) -> dict[str, float]:
    """Accuracy and expected calibration error on test images, and the number of parameters."""
    return {**grade_probabilities(logits_of(net, test.images).softmax(1), test), "parameters": parameter_count(net)}


def grade_probabilities(probabilities: Tensor, test: Digits) -> dict[str, float]:
    """Accuracy and expected calibration error of probabilities (N, 10) on N test images."""
    accuracy = (probabilities.argmax(1) == test.labels).float().mean().item()
    return {"accuracy": accuracy, "calibration_error": calibration_error(probabilities, test.labels)}


def parameter_count(net: nn.Module) -> int:
    """The number of a network's trained weights."""
    return sum(p.numel() for p in net.parameters())
