import pytest
import torch

from muddle.bundle.files import read_tensors
from train.run import Run
from train.stages import exemplars
from train.stages.exemplars import EXAMINERS, contains, cross_examine, first_usable


def test_images_are_recognised_byte_for_byte():
    images = torch.arange(3, dtype=torch.uint8)[:, None, None].expand(3, 28, 28)
    assert contains(images[:2], images).tolist() == [True, True, False]


def test_exemplars_are_the_first_usable_of_each_digit():
    labels = torch.arange(10).repeat(3)
    usable = torch.ones(30, dtype=torch.bool)
    usable[[0, 11]] = False
    places = first_usable(labels, usable, 2)
    assert labels[places].tolist() == [d for d in range(10) for _ in range(2)]
    assert places[:4].tolist() == [10, 20, 1, 21]


@pytest.mark.parametrize("folds", [1, 4])
def test_every_candidate_is_examined_by_classifiers_that_were_not_trained_on_it(tmp_path, monkeypatch, digits, folds):
    """The examiners here call each image what their number is, of as many classes."""
    trainings = []

    def train_classifier(spec, train, held_out, run, **options):
        trainings.append((train, held_out))
        number = (len(trainings) - 1) % len(EXAMINERS)
        return lambda images: torch.eye(10)[number].mul(99).expand(len(images), 10)

    monkeypatch.setattr(exemplars, "train_classifier", train_classifier)
    candidates = digits[torch.arange(0, 1000, 5)]
    probabilities = cross_examine(digits, candidates, folds, Run(out=tmp_path))
    assert len(trainings) == folds * len(EXAMINERS)
    for train, examined in trainings:
        assert not contains(train.images, examined.images).any()
        assert len(train) == len(digits) - len(candidates) // folds
    torch.testing.assert_close(probabilities[:, : len(EXAMINERS)], torch.full((200, len(EXAMINERS)), 0.5))


def test_confident_contradiction_drops_a_candidate_and_doubt_does_not(tmp_path, monkeypatch, bundle_copy, few_digits):
    """All examiners call the first training image a 9 with 0.9, and the second with 0.7."""
    run = Run(source="mnist-5k", out=bundle_copy.parent)
    train = run.digits(train=True)
    probabilities = torch.eye(10)[train.labels]
    for place, confidence in ((0, 0.9), (1, 0.7)):
        probabilities[place] = 0
        probabilities[place, 9] = confidence
    monkeypatch.setattr(exemplars, "cross_examine", lambda *args: probabilities)
    exemplars.run_stage(run)
    stored = read_tensors(run.bundle, "exemplars")
    assert stored["images"].equal(train.images[1:])
    assert stored["labels"].equal(train.labels[1:].to(torch.uint8))
    assert (run.work("exemplars") / "dropped.png").exists()
