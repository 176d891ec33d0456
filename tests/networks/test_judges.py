import torch
from torch import nn

from muddle.networks.judges import KINDS, Judge, JudgeConfig, _Pool


def test_our_pool_is_torchs():
    x = torch.randn(3, 5, 10, 14, generator=torch.Generator().manual_seed(0))
    assert torch.equal(_Pool()(x), nn.MaxPool2d(2)(x))


def test_every_kind_maps_images_to_ten_logits():
    for kind in KINDS:
        logits = Judge(JudgeConfig(kind, 8)).eval()(torch.rand(2, 1, 28, 28))
        assert logits.shape == (2, 10)
