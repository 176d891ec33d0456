"""Stage `judge`: the judges of the bundle, and more teachers of the same kinds that stay at home.

Seven small judges that differ in kind are published. Eleven larger ones, some taught plainly and so steep at the
boundary, are not: with the seven they are the teachers whose opinions the surrogate learns.
"""

import json
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from muddle.bundle import write_part
from muddle.judge import Ensemble, Judge, JudgeConfig
from train.classifier import Regime, calibration_error, fit_temperature, logits_of, train_classifier
from train.data import Digits, to_float
from train.job import Job
from train.loop import in_batches


@dataclass(frozen=True)
class Pupil:
    """One classifier to train: what it is, how it is taught, for how long."""

    config: JudgeConfig
    regime: Regime
    epochs: int


# Published: small, and soft at the boundary by augmentation, mixup or label smoothing.
JUDGES = (
    Pupil(JudgeConfig("strided", 24), Regime(affine=0.7, mixup=0.3), 8),
    Pupil(JudgeConfig("pooled", 10), Regime(affine=0.7, smoothing=0.05), 8),
    Pupil(JudgeConfig("dense", 128), Regime(affine=0.5, mixup=0.3), 12),
    Pupil(JudgeConfig("coarse", 16), Regime(affine=0.5, smoothing=0.05), 8),
    Pupil(JudgeConfig("wide-kernel", 16), Regime(affine=0.7, mixup=0.3), 8),
    Pupil(JudgeConfig("residual", 16), Regime(affine=0.7, smoothing=0.05), 7),
    Pupil(JudgeConfig("mixer", 32), Regime(affine=0.5, smoothing=0.05), 10),
)

# Not published: larger, and taught plainly or with geometry alone.
TEACHERS = (
    Pupil(JudgeConfig("strided", 32), Regime(), 6),
    Pupil(JudgeConfig("pooled", 14), Regime(rate=1e-3), 6),
    Pupil(JudgeConfig("dense", 512), Regime(), 8),
    Pupil(JudgeConfig("coarse", 24), Regime(affine=1.0), 8),
    Pupil(JudgeConfig("wide-kernel", 32), Regime(), 6),
    Pupil(JudgeConfig("residual", 24), Regime(affine=1.0), 8),
    Pupil(JudgeConfig("mixer", 40), Regime(affine=0.5), 10),
    Pupil(JudgeConfig("dense", 400), Regime(affine=1.0), 15),
    Pupil(JudgeConfig("pooled", 12), Regime(affine=0.3, mixup=0.5), 8),
    Pupil(JudgeConfig("residual", 20), Regime(), 6),
    Pupil(JudgeConfig("strided", 28), Regime(affine=1.0), 8),
)


def run(job: Job) -> None:
    """Trains judges and teachers, calibrates each on held-out training images, writes the judges' part."""
    unseen, held_out = job.split_for_classifiers()
    test = job.digits(train=False)
    ensemble, figures = teach(JUDGES, job, unseen, held_out, test, prefix="judge")
    write_part(job.bundle, "judge", [pupil.config for pupil in JUDGES], ensemble)
    teachers, more = teach(TEACHERS, job, unseen, held_out, test, prefix="teacher")
    (job.work("judge") / "judges.json").write_text(json.dumps({"judges": figures, "teachers": more}, indent=2))
    torch.save(teachers.state_dict(), job.work("judge") / "teachers.pt")


def load_teachers(job: Job) -> Ensemble:
    """The trained teachers that are not published, in evaluation mode."""
    teachers = Ensemble([pupil.config for pupil in TEACHERS])
    teachers.load_state_dict(torch.load(job.work("judge") / "teachers.pt", weights_only=True))
    return teachers.eval()


def teach(
    pupils: tuple[Pupil, ...], job: Job, unseen: Digits, held_out: Digits, test: Digits, *, prefix: str
) -> tuple[Ensemble, list[dict]]:
    """Trains and calibrates each; returns them together, and what the test images say of each and of their mean."""
    ensemble = Ensemble([pupil.config for pupil in pupils])
    figures = []
    for number, (pupil, blank) in enumerate(zip(pupils, ensemble.judges, strict=True)):
        name = f"{prefix}-{number}-{pupil.config.kind}"
        offset = 100 * (1 + (prefix == "teacher")) + number
        torch.manual_seed(job.seed + offset)
        judge = Judge(pupil.config)
        schedule = job.classifier_schedule(pupil.epochs, seed_offset=offset)
        train_classifier(judge, pupil.regime, unseen, held_out, schedule, job.work(f"judge/{name}"), name=name)
        judge.temperature.fill_(fit_temperature(logits_of(judge, held_out.images), held_out.labels))
        blank.load_state_dict(judge.state_dict())
        figures.append({"name": f"{pupil.config.kind}-{pupil.config.width}", **grade(judge, test)})
    ensemble.eval()
    with torch.inference_mode():
        mean = in_batches(lambda x: ensemble(to_float(x)).mean(0), test.images)
    figures.append({"name": "mean", **_figures(mean, test), "parameters": count(ensemble)})
    return ensemble, figures


def grade(net: nn.Module, test: Digits) -> dict[str, float]:
    """Accuracy and expected calibration error on test images, and the number of parameters."""
    return {**_figures(logits_of(net, test.images).softmax(1), test), "parameters": count(net)}


def count(net: nn.Module) -> int:
    """How many trained numbers a network has."""
    return sum(p.numel() for p in net.parameters())


def _figures(probabilities: Tensor, test: Digits) -> dict[str, float]:
    accuracy = (probabilities.argmax(1) == test.labels).float().mean().item()
    return {"accuracy": accuracy, "calibration_error": calibration_error(probabilities, test.labels)}
