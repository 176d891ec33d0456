import torch
from torch.utils.data import DataLoader

from muddle.dataset.torch_dataset import TorchDataset


def test_a_loader_gives_images_and_soft_labels(rows):
    data = TorchDataset(rows)
    assert len(data) == 16
    images, labels = next(iter(DataLoader(data, batch_size=16)))
    assert (images.shape, images.dtype) == ((16, 1, 28, 28), torch.float32)
    assert (labels.shape, labels.dtype) == ((16, 10), torch.float32)
    assert (images[:, 0] * 255).round().to(torch.uint8).equal(torch.from_numpy(rows.image))
    assert torch.allclose(labels.sum(1), torch.ones(16))


def test_a_transform_is_applied_to_each_image(rows):
    image, _ = TorchDataset(rows, transform=lambda x: 2 * x - 1)[3]
    assert torch.equal(image, 2 * TorchDataset(rows)[3][0] - 1)
