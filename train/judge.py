"""Stage `judge`: the judges of the bundle, and more teachers of the same kinds that stay at home.

Ten small judges that differ in kind are published: seven taught to be soft at the boundary between two digits, and
three taught plainly or nearly so, which are steep there, as most classifiers are. Eight larger ones are not published:
with the ten they are the teachers whose opinions the surrogate learns.
"""

import json
from dataclasses import dataclass

import torch
from torch import nn

from muddle.bundle.files import write_part
from muddle.networks.judges import Ensemble, Judge, JudgeConfig
from train.classifier import Regime, count, figures, fit_temperature, grade, logits_of, train_classifier
from train.data import Digits, to_float
from train.job import Job
from train.loop import in_batches


@dataclass(frozen=True)
class Pupil:
    """One classifier to train: what it is, how it is taught, for how long."""

    config: JudgeConfig
    regime: Regime
    epochs: int
    published: bool = True


# Small, and soft at the boundary by augmentation, mixup or label smoothing.
SOFT = (
    Pupil(JudgeConfig("strided", 24), Regime(affine=0.7, mixup=0.3), 8),
    Pupil(JudgeConfig("pooled", 10), Regime(affine=0.7, smoothing=0.05), 8),
    Pupil(JudgeConfig("dense", 128), Regime(affine=0.5, mixup=0.3), 12),
    Pupil(JudgeConfig("coarse", 16), Regime(affine=0.5, smoothing=0.05), 8),
    Pupil(JudgeConfig("wide-kernel", 16), Regime(affine=0.7, mixup=0.3), 8),
    Pupil(JudgeConfig("residual", 16), Regime(affine=0.7, smoothing=0.05), 7),
    Pupil(JudgeConfig("mixer", 32), Regime(affine=0.5, smoothing=0.05), 10),
)

# Most of them larger, and taught plainly or with geometry alone.
STEEP = (
    Pupil(JudgeConfig("strided", 32), Regime(), 6, published=False),
    Pupil(JudgeConfig("pooled", 14), Regime(rate=1e-3), 6),
    Pupil(JudgeConfig("dense", 512), Regime(), 8, published=False),
    Pupil(JudgeConfig("coarse", 24), Regime(affine=1.0), 8),
    Pupil(JudgeConfig("wide-kernel", 32), Regime(), 6, published=False),
    Pupil(JudgeConfig("residual", 24), Regime(affine=1.0), 8, published=False),
    Pupil(JudgeConfig("mixer", 40), Regime(affine=0.5), 10, published=False),
    Pupil(JudgeConfig("dense", 400), Regime(affine=1.0), 15, published=False),
    Pupil(JudgeConfig("pooled", 12), Regime(affine=0.3, mixup=0.5), 8, published=False),
    Pupil(JudgeConfig("residual", 20), Regime(), 6),
    Pupil(JudgeConfig("strided", 28), Regime(affine=1.0), 8, published=False),
)


def run(job: Job) -> None:
    """Trains all, calibrates each on held-out training images, and writes the part of the published ones."""
    pupils = (*SOFT, *STEEP)
    trained = [*teach(SOFT, job, "soft"), *teach(STEEP, job, "steep")]
    groups = {True: [], False: []}
    for pupil, judge in zip(pupils, trained, strict=True):
        groups[pupil.published].append(judge)
    judges, teachers = assemble(groups[True]), assemble(groups[False])
    write_part(job.bundle, "judge", [judge.config for judge in judges.judges], judges)
    work, test = job.work("judge"), job.digits(train=False)
    torch.save(teachers.state_dict(), work / "teachers.pt")
    figures = {"judges": grade_all(judges, test), "teachers": grade_all(teachers, test)}
    (work / "judges.json").write_text(json.dumps(figures, indent=2))


def load_teachers(job: Job) -> Ensemble:
    """The trained teachers that are not published, in evaluation mode."""
    teachers = Ensemble([pupil.config for pupil in (*SOFT, *STEEP) if not pupil.published])
    teachers.load_state_dict(torch.load(job.work("judge") / "teachers.pt", weights_only=True))
    return teachers.eval()


def teach(pupils: tuple[Pupil, ...], job: Job, group: str) -> list[Judge]:
    """Trains and calibrates each pupil of a group, whose name sets their seeds."""
    unseen, held_out = job.split_for_classifiers()
    judges = []
    for number, pupil in enumerate(pupils):
        name = f"{group}-{number}-{pupil.config.kind}"
        offset = {"soft": 100, "steep": 200}[group] + number
        torch.manual_seed(job.seed + offset)
        judge = Judge(pupil.config)
        schedule = job.classifier_schedule(pupil.epochs, seed_offset=offset)
        train_classifier(judge, pupil.regime, unseen, held_out, schedule, job.work(f"judge/{name}"), name=name)
        judge.temperature.fill_(fit_temperature(logits_of(judge, held_out.images), held_out.labels))
        judges.append(judge)
    return judges


def assemble(judges: list[Judge]) -> Ensemble:
    """Trained judges as one ensemble, in evaluation mode."""
    ensemble = Ensemble([judge.config for judge in judges])
    ensemble.judges = nn.ModuleList(judges)
    return ensemble.eval()


def grade_all(ensemble: Ensemble, test: Digits) -> list[dict]:
    """What the test images say of each judge, and of their mean."""
    each = [{"name": f"{j.config.kind}-{j.config.width}", **grade(j, test)} for j in ensemble.judges]
    with torch.inference_mode():
        mean = in_batches(lambda x: ensemble(to_float(x)).mean(0), test.images)
    return [*each, {"name": "mean", **figures(mean, test), "parameters": count(ensemble)}]
