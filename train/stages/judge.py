"""Stage `judge`: train the judges of the bundle, and more teachers of the same kinds that are not published.

Ten of them are published, of seven kinds and each of at most two million operations: four trained to be soft at the
boundary between two digits, and six trained plainly or nearly so, which are steep there, as most classifiers are. All
36 are the teachers from whom the student is distilled.
"""

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from muddle.bundle.files import write_part
from muddle.networks.judges import Ensemble, Judge, JudgeConfig
from train.classifier import (
    ClassifierSpec,
    TrainConfig,
    fit_temperature,
    grade,
    grade_probabilities,
    judge_spec,
    logits_of,
    parameter_count,
    train_classifier,
)
from train.data import Digits, to_float
from train.loop import in_batches
from train.run import Run

SOFT = (  # small, and soft at the boundary by augmentation, mixup or label smoothing
    judge_spec("strided", 24, TrainConfig(affine=0.7, mixup=0.3), 8),
    judge_spec("pooled", 10, TrainConfig(affine=0.7, smoothing=0.05), 8, published=True),
    judge_spec("dense", 128, TrainConfig(affine=0.5, mixup=0.3), 12, published=True),
    judge_spec("coarse", 16, TrainConfig(affine=0.5, smoothing=0.05), 8, published=True),
    judge_spec("wide-kernel", 16, TrainConfig(affine=0.7, mixup=0.3), 8, published=True),
    judge_spec("residual", 16, TrainConfig(affine=0.7, smoothing=0.05), 7),
    judge_spec("mixer", 32, TrainConfig(affine=0.5, smoothing=0.05), 10),
)
STEEP = (  # trained plainly, or with less that softens; where they stand here gives their seeds
    judge_spec("strided", 20, TrainConfig(), 5),
    judge_spec("pooled", 14, TrainConfig(rate=1e-3), 6),
    judge_spec("dense", 512, TrainConfig(), 8),
    judge_spec("coarse", 24, TrainConfig(affine=1.0), 8),
    judge_spec("wide-kernel", 20, TrainConfig(), 5),
    judge_spec("residual", 12, TrainConfig(affine=0.5), 6),
    judge_spec("mixer", 24, TrainConfig(affine=0.3), 7, published=True),
    judge_spec("dense", 400, TrainConfig(affine=1.0), 12),
    judge_spec("pooled", 12, TrainConfig(affine=0.3, mixup=0.5), 6),
    judge_spec("residual", 20, TrainConfig(), 6),
    judge_spec("strided", 24, TrainConfig(affine=1.0), 7),
    judge_spec("coarse", 24, TrainConfig(), 5),
    judge_spec("pooled", 8, TrainConfig(), 6, published=True),
    judge_spec("dense", 256, TrainConfig(affine=0.3), 10, published=True),
    judge_spec("wide-kernel", 16, TrainConfig(affine=1.0), 6, published=True),
    judge_spec("strided", 16, TrainConfig(), 5, published=True),
    judge_spec("coarse", 16, TrainConfig(), 5),
    judge_spec("dense", 192, TrainConfig(), 8),
    judge_spec("residual", 10, TrainConfig(), 6, published=True),
    judge_spec("wide-kernel", 12, TrainConfig(affine=0.3), 6),
    judge_spec("pooled", 10, TrainConfig(affine=0.3), 6),
    judge_spec("dense", 320, TrainConfig(affine=0.5), 10),
    judge_spec("mixer", 28, TrainConfig(), 6),
    judge_spec("coarse", 20, TrainConfig(affine=0.5), 6),
    judge_spec("wide-kernel", 24, TrainConfig(), 5),
    judge_spec("residual", 14, TrainConfig(affine=1.0), 6),
    judge_spec("pooled", 16, TrainConfig(rate=1e-3), 5),
    judge_spec("strided", 20, TrainConfig(affine=0.3), 6),
    judge_spec("dense", 160, TrainConfig(affine=0.3, mixup=0.3), 10),
)


def run_stage(run: Run) -> None:
    """Train all, calibrate each on held-out training images, and write the part of the published ones."""
    trained = [*train_group(SOFT, run, "soft"), *train_group(STEEP, run, "steep")]
    groups: dict[bool, list[Judge]] = {True: [], False: []}
    for spec, judge in zip((*SOFT, *STEEP), trained, strict=True):
        groups[spec.published].append(judge)
    judges, teachers = assemble(groups[True]), assemble(groups[False])
    write_part(run.bundle, "judge", [judge.config for judge in judges.judges], judges)
    work, test = run.work("judge"), run.digits(train=False)
    torch.save(teachers.state_dict(), work / "teachers.pt")
    grades = {"judges": grade_ensemble(judges, test), "teachers": grade_ensemble(teachers, test)}
    (work / "judges.json").write_text(json.dumps(grades, indent=2))


def load_teachers(run: Run) -> Ensemble:
    """The trained teachers that are not published, in evaluation mode."""
    teachers = assemble([spec.build() for spec in (*SOFT, *STEEP) if not spec.published])
    teachers.load_state_dict(torch.load(run.work("judge") / "teachers.pt", weights_only=True))
    return teachers


def train_group(specs: Sequence[ClassifierSpec], run: Run, group: str) -> list[Judge]:
    """Train and calibrate a group of judges, "soft" or "steep"."""
    train, held_out = run.split_for_classifiers()
    judges = []
    for number, spec in enumerate(specs):
        name, seed = f"{group}-{number}-{spec.name}", run.seed_of(f"{group} judges", number)
        folder = run.work(f"judge/{name}")
        judge = train_classifier(spec, train, held_out, run, seed=seed, folder=folder, label=name)
        judge.temperature.fill_(fit_temperature(logits_of(judge, held_out.images), held_out.labels))
        judges.append(judge)
    return judges


def assemble(judges: Sequence[Judge]) -> Ensemble:
    """Join judges to an ensemble, in evaluation mode."""
    ensemble = Ensemble([judge.config for judge in judges])
    ensemble.judges = nn.ModuleList(judges)
    return ensemble.eval()


def names_of(configs: Sequence[JudgeConfig]) -> list[str]:
    """A name for each judge: kind and width, and a number where another has them already."""
    alike = [f"{config.kind}-{config.width}" for config in configs]
    counts = [alike[:place].count(name) for place, name in enumerate(alike)]
    return [f"{name}-{count + 1}" if count else name for name, count in zip(alike, counts, strict=True)]


def grade_ensemble(ensemble: Ensemble, test: Digits) -> list[dict[str, Any]]:
    """The grades of each judge on the test images, and those of the judges' mean."""
    names = names_of([judge.config for judge in ensemble.judges])
    each = [{"name": name, **grade(judge, test)} for name, judge in zip(names, ensemble.judges, strict=True)]
    with torch.inference_mode():
        mean = in_batches(lambda x: ensemble(to_float(x)).mean(0), test.images)
    return [*each, {"name": "mean", **grade_probabilities(mean, test), "parameters": parameter_count(ensemble)}]
