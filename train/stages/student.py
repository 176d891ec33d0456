"""Stage `student`: teach the student what the teachers say of the images of the codes that the surrogate knows."""

import json

import torch
from torch import Tensor

from muddle.bundle.files import write_part
from muddle.images.pixels import decoded_pixels
from muddle.networks.autoencoder import Autoencoder
from muddle.networks.student import Student, StudentConfig
from muddle.networks.surrogate import EXTRA, Prediction
from train.data import to_float
from train.distil import distance, errors, split
from train.loop import fit, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import load_trained
from train.stages.surrogate import LABELLED

RATE, BATCH = 3e-3, 256


class StudentTask:
    """Imitates the teachers by the images of codes."""

    def __init__(self, autoencoder: Autoencoder, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]):
        self.autoencoder, self.train, self.test = autoencoder.requires_grad_(False), train, test
        self.net = Student(StudentConfig(teachers=(train[1].shape[1] - EXTRA) // 10))
        self.net.to(memory_format=torch.channels_last)
        self.modules = {"student": self.net}
        self.optimizers = {"student": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-4, fused=True)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["student"], one_cycle(progress, RATE))
        codes, answers = (column[index] for column in self.train)
        loss = distance(self.net(self._images(codes)), answers.float())
        optimizer_step(self.optimizers["student"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        codes, answers = self.test
        parts = zip(*(self.net(self._images(part)) for part in codes.split(500)), strict=True)
        return errors(Prediction(*map(torch.cat, parts)), answers)

    def _images(self, codes: Tensor) -> Tensor:
        images = to_float(decoded_pixels(self.autoencoder.decode(codes)))
        return images.to(memory_format=torch.channels_last)


def run_stage(run: Run) -> None:
    """Train, and write the part."""
    labelled = torch.load(run.work("surrogate") / LABELLED, weights_only=True)
    train, test = split(*labelled, run.seed)
    seed = run.seed_of("student")
    torch.manual_seed(seed)
    task = StudentTask(load_trained(run.bundle), train, test)
    schedule = run.schedule(run.size.student_epochs, seed, batch=min(BATCH, len(train[0]) // 2))
    history = fit(task, len(train[0]), schedule, run.work("student/student"), name="student")
    (run.work("student") / "student.json").write_text(json.dumps(history[-1], indent=2))
    write_part(run.bundle, "student", task.net.config, task.net)
