import pytest
import torch
from torch import nn

from muddle.networks.judges import KINDS, Ensemble, Judge, JudgeConfig, MaxPool

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_our_pool_is_torchs():
    x = torch.randn(3, 5, 10, 14, generator=torch.Generator().manual_seed(0))
    assert torch.equal(MaxPool()(x), nn.MaxPool2d(2)(x))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_maps_images_to_ten_logits_each_by_itself(kind):
    torch.manual_seed(0)
    judge = Judge(JudgeConfig(kind, 8)).eval()
    logits = judge(IMAGES)
    assert logits.shape == (3, 10)
    torch.testing.assert_close(judge(IMAGES[1:2]), logits[1:2])
    assert not torch.equal(logits[0], logits[1])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="oracle"):
        JudgeConfig("oracle", 8)


def test_the_temperature_divides_the_logits():
    torch.manual_seed(0)
    judge = Judge(JudgeConfig("strided", 2)).eval()
    cool = judge(IMAGES)
    judge.temperature.fill_(4)
    torch.testing.assert_close(judge(IMAGES), cool / 4)


def test_an_ensemble_keeps_each_judges_probabilities():
    torch.manual_seed(0)
    ensemble = Ensemble([JudgeConfig("strided", 2), JudgeConfig("dense", 4)]).eval()
    probabilities = ensemble(IMAGES)
    assert probabilities.shape == (2, 3, 10)
    for judge, own in zip(ensemble.judges, probabilities, strict=True):
        torch.testing.assert_close(own, judge(IMAGES).softmax(1))
