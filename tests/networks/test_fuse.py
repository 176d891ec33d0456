import pytest
import torch
from torch import nn

from muddle.networks.fuse import fuse_batchnorm

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def trained(network):
    """The network with batch norms that have seen something."""
    for layer in network.modules():
        if isinstance(layer, NORMS):
            for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                nn.init.uniform_(tensor, 0.5, 2)
    return network.double()


LAYERS = {
    "convolution": (lambda: [nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5)], (2, 3, 6, 6)),
    "transposed convolution": (lambda: [nn.ConvTranspose2d(3, 5, 4, stride=2), nn.BatchNorm2d(5)], (2, 3, 6, 6)),
    "dense layer": (lambda: [nn.Linear(3, 5), nn.BatchNorm1d(5)], (2, 3)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_batch_norm_after_a_layer_is_fused_into_it(kind):
    torch.manual_seed(0)
    layers, shape = LAYERS[kind]
    network = trained(nn.Sequential(nn.Sequential(*layers(), nn.SiLU())))
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    fused, x = fuse_batchnorm(network), torch.randn(shape, dtype=torch.float64)
    assert not any(isinstance(layer, NORMS) for layer in fused.modules())
    torch.testing.assert_close(fused(x), network.eval()(x), rtol=1e-10, atol=1e-12)
    after = network.state_dict()
    assert all(tensor.equal(after[key]) for key, tensor in before.items()), "the network itself is left as it was"


def test_a_batch_norm_that_follows_no_layer_stays():
    network = trained(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 5, 3), nn.SiLU(), nn.BatchNorm2d(5)))
    fused, x = fuse_batchnorm(network), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert sum(isinstance(layer, NORMS) for layer in fused.modules()) == 2
    torch.testing.assert_close(fused(x), network.eval()(x))


@pytest.mark.parametrize("name", ["judges", "autoencoder"])
def test_the_bundles_networks_say_the_same_without_batch_norms(muddler, name):
    network = getattr(muddler.bundle, name)
    fused = fuse_batchnorm(network)
    images = torch.rand(5, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert any(isinstance(layer, NORMS) for layer in network.modules())
    assert not any(isinstance(layer, NORMS) for layer in fused.modules())
    with torch.no_grad():
        torch.testing.assert_close(fused(images), network(images), rtol=1e-10, atol=1e-12)
