"""The one training loop: seeded, with a progress bar, and resumed from its checkpoint after an interruption.

All randomness of an epoch comes from (seed, epoch) and the state is saved after each epoch, so an interrupted and
resumed training ends with the same weights as one without a break.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm


class TrainingTask(Protocol):
    """The networks to train, a step on one batch, and a measurement on held-out images."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        """Train on the examples of these indices, int64 (N,); `progress` runs from 0 to 1 over the whole training."""

    def evaluate(self) -> dict[str, float]:
        """Metrics after an epoch, on images that no step sees."""


@dataclass(frozen=True)
class Schedule:
    """How many epochs of batches of what size, and the seed that orders the examples."""

    epochs: int
    batch: int = 128
    seed: int = 0


def best_device() -> torch.device:
    """CUDA, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def one_cycle(progress: float, peak: float, warmup: float = 0.1) -> float:
    """Learning rate: linear warm-up to `peak`, then a cosine to nearly zero (Smith and Topin, 2018)."""
    if progress < warmup:
        return peak * (0.05 + 0.95 * progress / warmup)
    angle = torch.pi * (progress - warmup) / (1 - warmup)
    return peak * (0.001 + 0.999 * 0.5 * (1 + float(torch.cos(torch.tensor(angle)))))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def optimizer_step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Compute the gradient of the loss and take one step of the optimizer."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def fit(task: TrainingTask, examples: int, schedule: Schedule, folder: Path, *, name: str) -> list[dict[str, float]]:
    """Train on that many examples to the end, resuming from the checkpoint in `folder`; returns each epoch's metrics.

    Writes `checkpoint.pt` and `metrics.jsonl` there, and TensorBoard events if tensorboard is installed. `name` is the
    progress bar's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    history = _resume(task, schedule, folder / "checkpoint.pt")
    batches = examples // schedule.batch
    bar = tqdm(total=schedule.epochs * batches, initial=len(history) * batches, desc=name, unit="batch", mininterval=1)
    events = _tensorboard(folder)
    for epoch in range(len(history), schedule.epochs):
        generator = torch.Generator().manual_seed(schedule.seed * 10_007 + epoch)
        torch.manual_seed(schedule.seed * 10_007 + epoch)  # dropout has no generator of its own
        order = torch.randperm(examples, generator=generator)[: batches * schedule.batch]
        sums: dict[str, float] = {}
        for module in task.modules.values():
            module.train()
        for step, index in enumerate(order.split(schedule.batch)):
            progress = (epoch + step / batches) / schedule.epochs
            for key, value in task.step(index, progress, generator).items():
                sums[key] = sums.get(key, 0.0) + value
            bar.update()
        metrics = {"epoch": epoch + 1, **{k: v / batches for k, v in sums.items()}, **evaluate(task)}
        history.append(metrics)
        bar.set_postfix({k: f"{v:.4g}" for k, v in metrics.items() if k != "epoch"})
        for key, value in metrics.items():
            if events:
                events.add_scalar(key, value, epoch + 1)
        _save(task, schedule, history, folder)
    bar.close()
    return history


def evaluate(task: TrainingTask) -> dict[str, float]:
    """The task's metrics, in evaluation mode and without gradients; the modules' modes are restored afterwards."""
    modes = {module: module.training for module in task.modules.values()}
    try:
        for module in modes:
            module.eval()
        with torch.inference_mode():
            return task.evaluate()
    finally:
        for module, mode in modes.items():
            module.train(mode)


def in_batches(function: Callable[[Tensor], Tensor], inputs: Tensor, size: int = 1000) -> Tensor:
    """Apply a function to slices of at most `size` along the first axis, and concatenate the results."""
    return torch.cat([function(part) for part in inputs.split(size)])


def _save(task: TrainingTask, schedule: Schedule, history: list[dict], folder: Path) -> None:
    state = {
        "seed": schedule.seed,
        "epochs": schedule.epochs,
        "history": history,
        "modules": {k: m.state_dict() for k, m in task.modules.items()},
        "optimizers": {k: o.state_dict() for k, o in task.optimizers.items()},
    }
    partial = folder / "checkpoint.partial"
    torch.save(state, partial)
    os.replace(partial, folder / "checkpoint.pt")  # a kill leaves the old checkpoint or the new one, never a half
    (folder / "metrics.jsonl").write_text("".join(json.dumps(metrics) + "\n" for metrics in history))


def _resume(task: TrainingTask, schedule: Schedule, checkpoint: Path) -> list[dict]:
    if not checkpoint.exists():
        return []
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if (state["seed"], state["epochs"]) != (schedule.seed, schedule.epochs):
        return []  # the checkpoint of another run: start again
    for key, module in task.modules.items():
        module.load_state_dict(state["modules"][key])
    for key, optimizer in task.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][key])
    return state["history"]


def _tensorboard(folder: Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder)
