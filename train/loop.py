"""The one training loop: seeded, with a progress bar, and able to go on where it was interrupted.

All randomness of an epoch comes from (seed, epoch) and the state is saved after each, so a run that was interrupted
and started again ends with the same weights as one that was not.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm


class Recipe(Protocol):
    """What is trained: its parts, a step on one batch, and a measurement on held-out images."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        """Trains on the examples of these numbers, int64 (N,); `progress` runs from 0 to 1 over the whole training."""

    def evaluate(self) -> dict[str, float]:
        """Metrics after an epoch, on images that no step sees."""


@dataclass(frozen=True)
class Schedule:
    """How long and how to draw."""

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
    """Learning rate: linear warm-up to `peak`, then a cosine to nearly nothing (Smith and Topin, 2018)."""
    if progress < warmup:
        return peak * (0.05 + 0.95 * progress / warmup)
    angle = torch.pi * (progress - warmup) / (1 - warmup)
    return peak * (0.001 + 0.999 * 0.5 * (1 + float(torch.cos(torch.tensor(angle)))))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of the optimizer down the gradient of the loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def fit(recipe: Recipe, examples: int, schedule: Schedule, run: Path, *, name: str) -> list[dict[str, float]]:
    """Trains on that many examples to the end, or on from the checkpoint in `run`; returns the metrics of each epoch.

    Writes `checkpoint.pt` and `metrics.jsonl` there, and TensorBoard events when tensorboard is installed.
    """
    run.mkdir(parents=True, exist_ok=True)
    history = _resume(recipe, schedule, run / "checkpoint.pt")
    batches = examples // schedule.batch
    bar = tqdm(total=schedule.epochs * batches, initial=len(history) * batches, desc=name, unit="batch", mininterval=1)
    events = _tensorboard(run)
    for epoch in range(len(history), schedule.epochs):
        generator = torch.Generator().manual_seed(schedule.seed * 10_007 + epoch)
        torch.manual_seed(schedule.seed * 10_007 + epoch)  # dropout has no generator of its own
        order = torch.randperm(examples, generator=generator)[: batches * schedule.batch]
        sums: dict[str, float] = {}
        for module in recipe.modules.values():
            module.train()
        for step, index in enumerate(order.split(schedule.batch)):
            progress = (epoch + step / batches) / schedule.epochs
            for key, value in recipe.step(index, progress, generator).items():
                sums[key] = sums.get(key, 0.0) + value
            bar.update()
        metrics = {"epoch": epoch + 1, **{k: v / batches for k, v in sums.items()}, **evaluate(recipe)}
        history.append(metrics)
        bar.set_postfix({k: f"{v:.4g}" for k, v in metrics.items() if k != "epoch"})
        for key, value in metrics.items():
            if events:
                events.add_scalar(key, value, epoch + 1)
        _save(recipe, schedule, history, run)
    bar.close()
    return history


def evaluate(recipe: Recipe) -> dict[str, float]:
    """The recipe's metrics, in evaluation mode and without gradients; the modes are put back afterwards."""
    modes = {module: module.training for module in recipe.modules.values()}
    try:
        for module in modes:
            module.eval()
        with torch.inference_mode():
            return recipe.evaluate()
    finally:
        for module, mode in modes.items():
            module.train(mode)


def in_batches(function, inputs: Tensor, size: int = 1000) -> Tensor:
    """function applied to slices of at most `size` along the first axis, joined."""
    return torch.cat([function(part) for part in inputs.split(size)])


def _save(recipe: Recipe, schedule: Schedule, history: list[dict], run: Path) -> None:
    state = {
        "seed": schedule.seed,
        "epochs": schedule.epochs,
        "history": history,
        "modules": {k: m.state_dict() for k, m in recipe.modules.items()},
        "optimizers": {k: o.state_dict() for k, o in recipe.optimizers.items()},
    }
    partial = run / "checkpoint.partial"
    torch.save(state, partial)
    os.replace(partial, run / "checkpoint.pt")  # a kill leaves the old checkpoint or the new one, never a half
    (run / "metrics.jsonl").write_text("".join(json.dumps(metrics) + "\n" for metrics in history))


def _resume(recipe: Recipe, schedule: Schedule, checkpoint: Path) -> list[dict]:
    if not checkpoint.exists():
        return []
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if (state["seed"], state["epochs"]) != (schedule.seed, schedule.epochs):
        return []  # another run's: begin anew
    for key, module in recipe.modules.items():
        module.load_state_dict(state["modules"][key])
    for key, optimizer in recipe.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][key])
    return state["history"]


def _tensorboard(run: Path):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(run)
