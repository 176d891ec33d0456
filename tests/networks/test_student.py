import torch

from muddle.networks.fuse import fuse_batchnorm
from muddle.networks.student import Student, StudentConfig

IMAGES = torch.rand(5, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def student():
    torch.manual_seed(0)
    return Student(StudentConfig(teachers=3, width=4)).double().eval()


def test_it_predicts_of_images_what_the_surrogate_predicts_of_codes():
    found = student()(IMAGES)
    assert [tuple(column.shape) for column in found] == [(5, 4, 10), (5,), (5,)]
    assert found.logits.flatten(1).std(0).min() > 0, "every output depends on the image"


def test_batch_norm_can_be_fused_into_every_convolution():
    network = student()
    for norm in (module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var)
    fused = fuse_batchnorm(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    for one, other in zip(network(IMAGES), fused(IMAGES), strict=True):
        torch.testing.assert_close(one, other)
