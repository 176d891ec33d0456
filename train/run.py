"""A training run: its data, its folders, its seeds and its size."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from train.data import Digits, load
from train.loop import Schedule

SEED_OFFSETS = {  # added to the run's seed; a training of several networks counts on from its offset
    "autoencoder": 0,
    "soft judges": 100,
    "steep judges": 200,
    "likeness": 300,
    "examiners": 500,
    "references": 600,
    "surrogate": 700,
    "projection": 800,
    "panel": 900,
    "inverse": 1000,
    "sealed panel": 1300,
    "student": 1200,
}


@dataclass(frozen=True)
class RunSize:
    """How much a run trains and measures. The defaults make the published bundle."""

    autoencoder_epochs: int = 20
    epochs_scale: float = 1.0  # multiplies every classifier's epochs
    likeness_epochs: int = 6
    held_out: int = 5000  # training images kept from the classifiers, to calibrate them on
    surrogate_codes: int = 300_000
    surrogate_epochs: int = 36
    student_epochs: int = 8
    exemplars_per_digit: int = 250
    projection_epochs: int = 400
    inverse_epochs: int = 60
    muddles_per_digit: int = 100  # in the report
    muddles_per_pair: int = 50


QUICK = RunSize(  # only shows that everything works
    autoencoder_epochs=3,
    epochs_scale=0.1,
    likeness_epochs=1,
    held_out=400,
    surrogate_codes=4000,
    surrogate_epochs=3,
    student_epochs=1,
    exemplars_per_digit=200,
    projection_epochs=10,
    inverse_epochs=1,
    muddles_per_digit=2,
    muddles_per_pair=1,
)


@dataclass(frozen=True)
class Run:
    """One run of the pipeline: everything is read from `data_dir` and written under `out`."""

    source: str = "mnist"
    data_dir: Path = Path("data")
    out: Path = Path("runs/mnist")
    seed: int = 0
    size: RunSize = field(default_factory=RunSize)

    @property
    def bundle(self) -> Path:
        """The folder in which the bundle grows."""
        return self.out / "bundle"

    def work(self, name: str) -> Path:
        """A folder, made if it is missing, for what a stage needs or shows but does not publish."""
        folder = self.out / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def digits(self, *, train: bool) -> Digits:
        """The training or the test images."""
        return load(self.source, self.data_dir, train=train)

    def split_for_classifiers(self) -> tuple[Digits, Digits]:
        """The images that every classifier is trained on, and those held out to calibrate it on."""
        train = self.digits(train=True)
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(self.seed))
        return train[order[self.size.held_out :]], train[order[: self.size.held_out]]

    def seed_of(self, name: str, number: int = 0) -> int:
        """The seed of a training: `name` is a key of SEED_OFFSETS, `number` counts that training's networks."""
        return self.seed + SEED_OFFSETS[name] + number

    def schedule(self, epochs: int, seed: int, *, batch: int = 128) -> Schedule:
        """A schedule of at least one epoch."""
        return Schedule(max(1, epochs), batch=batch, seed=seed)

    def classifier_schedule(self, epochs: int, seed: int) -> Schedule:
        """The same for a classifier, whose epochs are scaled to the run's size."""
        return self.schedule(round(epochs * self.size.epochs_scale), seed)
