import torch

from train.data import to_float
from train.stages.judge import SOFT, STEEP
from train.stages.panel import PANEL, panel_probabilities


def layers(net):
    """An architecture: the kinds of layers that a network is made of, in order."""
    return tuple(type(layer).__name__ for layer in net.modules())


def test_no_judge_or_teacher_has_an_architecture_of_the_panel():
    judges = {layers(spec.build().net) for spec in (*SOFT, *STEEP)}
    assert not judges & {layers(spec.build()) for spec in PANEL}
    assert len(PANEL) >= 5
    assert len({spec.name for spec in PANEL}) == len(PANEL)


def test_each_member_gives_probabilities(digits):
    images = digits.images[::250]
    panel = [spec.build().eval() for spec in PANEL]
    probabilities = panel_probabilities(panel, images)
    assert probabilities.shape == (len(PANEL), 4, 10)
    torch.testing.assert_close(probabilities.sum(2), torch.ones(len(PANEL), 4))
    with torch.inference_mode():
        torch.testing.assert_close(probabilities[1], panel[1](to_float(images)).softmax(1))
