"""What a run is: the data, the folders, the seed and how long each stage takes."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from train.data import Digits, load
from train.loop import Schedule


@dataclass(frozen=True)
class Plan:
    """The sizes of a run. The defaults make the published bundle; `QUICK` only shows that everything works."""

    autoencoder_epochs: int = 20
    epochs_scale: float = 1.0  # multiplies every classifier's epochs
    likeness_epochs: int = 6
    held_out: int = 5000  # training images kept from the classifiers, to calibrate them on
    surrogate_codes: int = 200_000
    surrogate_epochs: int = 40
    exemplars_per_digit: int = 250
    projection_epochs: int = 400
    muddles_per_digit: int = 100  # in the report
    muddles_per_pair: int = 50


QUICK = Plan(
    autoencoder_epochs=3,
    epochs_scale=0.1,
    likeness_epochs=1,
    held_out=400,
    surrogate_codes=4000,
    surrogate_epochs=3,
    exemplars_per_digit=200,
    projection_epochs=10,
    muddles_per_digit=2,
    muddles_per_pair=1,
)


@dataclass(frozen=True)
class Job:
    """One run of the pipeline: everything is read from `data_dir` and written under `out`."""

    source: str = "mnist"
    data_dir: Path = Path("data")
    out: Path = Path("runs/mnist")
    seed: int = 0
    plan: Plan = field(default_factory=Plan)

    @property
    def bundle(self) -> Path:
        """The folder in which the bundle grows."""
        return self.out / "bundle"

    def work(self, name: str) -> Path:
        """A folder for what a stage needs or shows but does not publish."""
        folder = self.out / "work" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def digits(self, *, train: bool) -> Digits:
        """The training or the test images."""
        return load(self.source, self.data_dir, train=train)

    def schedule(self, epochs: int, *, seed_offset: int = 0) -> Schedule:
        """A schedule of that many epochs, whose seed differs by the offset."""
        return Schedule(max(1, epochs), seed=self.seed + seed_offset)

    def classifier_schedule(self, epochs: int, *, seed_offset: int) -> Schedule:
        """As `schedule`, scaled by the plan."""
        return self.schedule(round(epochs * self.plan.epochs_scale), seed_offset=seed_offset)

    def split_for_classifiers(self) -> tuple[Digits, Digits]:
        """Training images for every classifier, and the ones held out to calibrate them on."""
        train = self.digits(train=True)
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(self.seed))
        return train[order[self.plan.held_out :]], train[order[: self.plan.held_out]]
