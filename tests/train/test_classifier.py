import pytest
import torch

from muddle.networks.judges import Judge
from train.classifier import (
    TrainConfig,
    calibration_error,
    fit_temperature,
    grade,
    grade_probabilities,
    judge_spec,
    parameter_count,
    train_classifier,
)
from train.data import Digits
from train.run import Run, RunSize


def test_a_spec_builds_the_judge_it_names():
    judge = judge_spec("dense", 8, TrainConfig(), 1).build()
    assert isinstance(judge, Judge)
    assert (judge.config.kind, judge.config.width) == ("dense", 8)


def test_a_classifier_depends_on_its_seed_alone_and_learns(digits, tmp_path):
    run, spec = Run(size=RunSize()), judge_spec("dense", 16, TrainConfig(affine=0.2, mixup=0.1, smoothing=0.05), 5)
    nets = []
    for number, seed in enumerate((3, 3, 4)):
        torch.rand(number)  # what was drawn before does not matter
        folder = tmp_path / str(number)
        nets.append(train_classifier(spec, digits, digits, run, seed=seed, folder=folder, label="test"))
    first, same, other = (net.state_dict() for net in nets)
    assert all(first[key].equal(same[key]) for key in first)
    assert not all(first[key].equal(other[key]) for key in first)
    assert not nets[0].training
    assert grade(nets[0], digits)["accuracy"] > 0.5


def test_an_honest_classifier_has_no_calibration_error_and_a_boaster_has():
    labels = torch.tensor([0, 1])
    assert calibration_error(torch.full((2, 2), 0.5), labels) == pytest.approx(0)
    assert calibration_error(torch.tensor([[1.0, 0], [1.0, 0]]), labels) == pytest.approx(0.5)


def test_grades_of_known_probabilities():
    test = Digits(torch.zeros(4, 28, 28), torch.tensor([0, 0, 0, 1]))
    grades = grade_probabilities(torch.tensor([[0.9, 0.1]]).expand(4, 2), test)
    assert grades == {"accuracy": 0.75, "calibration_error": pytest.approx(0.15)}
    assert parameter_count(torch.nn.Linear(3, 2)) == 8


def test_the_temperature_undoes_a_scaling_of_the_logits():
    logits = 3 * torch.randn(4000, 10, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        labels = torch.distributions.Categorical(logits=logits).sample()
    assert fit_temperature(4 * logits, labels) == pytest.approx(4, rel=0.1)
