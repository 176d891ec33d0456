import pytest
import torch

from train import sealed_panel
from train.classifier import logits_of
from train.run import Run
from train.sealed_panel import FITTED, KINDS, MEMBERS, NETWORKS
from train.stages.judge import SOFT, STEEP
from train.stages.panel import PANEL


def layers(net):
    return tuple(type(layer).__name__ for layer in net.modules())


def test_it_has_the_panels_architectures_and_three_kinds_that_nothing_else_has():
    assert NETWORKS[: len(PANEL)] == PANEL
    assert KINDS == ("vision-transformer", "boosted-trees", "svm")
    others = {layers(spec.build()) for spec in (*SOFT, *STEEP, *PANEL)}
    assert layers(NETWORKS[-1].build()) not in others


def test_no_seed_of_it_is_one_of_the_tuning_panel():
    seeds = [{Run().seed_of(name, number) for number in range(len(MEMBERS))} for name in ("panel", "sealed panel")]
    assert not seeds[0] & seeds[1]


@pytest.mark.parametrize("name", FITTED)
def test_classifiers_that_are_no_networks_learn_and_are_calibrated(digits, name):
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))
    train, held_out, test = digits[order[:600]], digits[order[600:800]], digits[order[800:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_panel, "ROUNDS", 20)
        probabilities = logits_of(sealed_panel.fitted(name, train, held_out, seed=1), test.images).softmax(1)
    right = (probabilities.argmax(1) == test.labels).double().mean()
    assert right > 0.7
    assert abs(probabilities.amax(1).mean() - right) < 0.15
