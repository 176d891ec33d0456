"""Stage `reference`: the classifiers that `python -m muddle evaluate` compares others with.

Three that many people train: a plain convolutional network, the same with label smoothing, and an ensemble of five
plain ones (Lakshminarayanan et al., 2017), whose first is the plain one. No augmentation, no mixup, no calibration, and
the judges' opinions play no part. Those that ship are in muddle/references; this stage writes to <out>/references.
"""

import json

import torch

from muddle.evaluate.classifiers import REFERENCES
from muddle.networks.judges import Ensemble, Judge, JudgeConfig
from muddle.bundle.classifier_file import read_classifier, write_classifier
from train.classifier import Regime, count, figures, train_classifier
from train.data import Digits, to_float
from train.job import Job
from train.judge import assemble
from train.loop import Schedule, in_batches

CONFIG = JudgeConfig("strided", 20)
EPOCHS = 8
MEMBERS = 5
SMOOTHING = 0.1
SEEDS = 600  # offset from the job's seed, apart from those of judges, exemplars and panel


def run(job: Job) -> None:
    """Trains all, writes a file for each, and references.json: what those files score on the test images."""
    data = job.split_for_classifiers()
    plain = [_teach(job, data, Regime(), f"plain-{number}", number) for number in range(MEMBERS)]
    smoothed = _teach(job, data, Regime(smoothing=SMOOTHING), "smoothed", 0)
    folder, test, graded = job.out / "references", job.digits(train=False), {}
    for name, judges in zip(REFERENCES, ([plain[0]], [smoothed], plain), strict=True):
        path = folder / f"{name}.safetensors"
        write_classifier(path, assemble(judges))
        graded[name] = {"members": len(judges), **_grade(read_classifier(path), test)}
    about = {"data": job.source, "seed": job.seed, "epochs": _schedule(job, 0).epochs, "references": graded}
    (folder / "references.json").write_text(json.dumps(about, indent=2) + "\n")
    print("\n".join(f"{name}: accuracy {found['accuracy']:.4f}" for name, found in graded.items()))


def _schedule(job: Job, number: int) -> Schedule:
    return job.classifier_schedule(EPOCHS, seed_offset=SEEDS + number)


def _teach(job: Job, data: tuple[Digits, Digits], regime: Regime, name: str, number: int) -> Judge:
    schedule = _schedule(job, number)
    torch.manual_seed(schedule.seed)
    judge, run = Judge(CONFIG), job.work(f"reference/{name}")
    train_classifier(judge, regime, *data, schedule, run, name=name)
    return judge


def _grade(ensemble: Ensemble, test: Digits) -> dict[str, float]:
    with torch.inference_mode():
        mean = in_batches(lambda x: ensemble(to_float(x).double()).mean(0), test.images)
    return {**figures(mean, test), "parameters": count(ensemble)}
