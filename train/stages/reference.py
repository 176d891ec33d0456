"""Stage `reference`: train the classifiers that `python -m muddle evaluate` compares others with.

Three that many people train: a plain convolutional network, the same with label smoothing, and an ensemble of five
plain ones (Lakshminarayanan et al., 2017), whose first is the plain one. No augmentation, no mixup, no calibration, and
nothing of the judges. This stage writes to <out>/references; those that ship are in muddle/references.
"""

import json

import torch

from muddle.bundle.classifier_file import read_classifier, write_classifier
from muddle.bundle.references import REFERENCES
from muddle.networks.judges import Ensemble, Judge
from train.classifier import (
    ClassifierSpec,
    TrainConfig,
    grade_probabilities,
    judge_spec,
    parameter_count,
    train_classifier,
)
from train.data import Digits, to_float
from train.loop import in_batches
from train.run import Run
from train.stages.judge import assemble

EPOCHS = 8
PLAIN = judge_spec("strided", 20, TrainConfig(), EPOCHS)
SMOOTHED = judge_spec("strided", 20, TrainConfig(smoothing=0.1), EPOCHS)
MEMBERS = 5  # of the ensemble


def run_stage(run: Run) -> None:
    """Train all, write a file for each, and references.json: the grades of those files on the test images."""
    split = run.split_for_classifiers()
    plain = [_train(run, split, PLAIN, f"plain-{number}", number) for number in range(MEMBERS)]
    smoothed = _train(run, split, SMOOTHED, "smoothed", 0)
    folder, test, grades = run.out / "references", run.digits(train=False), {}
    for name, judges in zip(REFERENCES, ([plain[0]], [smoothed], plain), strict=True):
        path = folder / f"{name}.safetensors"
        write_classifier(path, assemble(judges))
        grades[name] = {"members": len(judges), **_grade(read_classifier(path), test)}
    epochs = run.classifier_schedule(EPOCHS, run.seed_of("references")).epochs
    about = {"data": run.source, "seed": run.seed, "epochs": epochs, "references": grades}
    (folder / "references.json").write_text(json.dumps(about, indent=2) + "\n")
    print("\n".join(f"{name}: accuracy {grade['accuracy']:.4f}" for name, grade in grades.items()))


def _train(run: Run, split: tuple[Digits, Digits], spec: ClassifierSpec, name: str, number: int) -> Judge:
    seed, folder = run.seed_of("references", number), run.work(f"reference/{name}")
    return train_classifier(spec, *split, run, seed=seed, folder=folder, label=name)


def _grade(ensemble: Ensemble, test: Digits) -> dict[str, float]:
    with torch.inference_mode():
        mean = in_batches(lambda x: ensemble(to_float(x).double()).mean(0), test.images)
    return {**grade_probabilities(mean, test), "parameters": parameter_count(ensemble)}
