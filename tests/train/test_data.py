import pytest
import torch

from muddle.errors import DataError
from train.data import Digits, load, mnist_5k, to_float


def test_training_and_test_images_of_mnist_5k_do_not_overlap(tmp_path):
    train, test = (load("mnist-5k", tmp_path, train=train) for train in (True, False))
    assert torch.bincount(train.labels).tolist() == [400] * 10
    assert torch.bincount(test.labels).tolist() == [100] * 10
    seen = {image.numpy().tobytes() for image in train.images}
    assert not any(image.numpy().tobytes() in seen for image in test.images)
    assert len(train) + len(test) == len(mnist_5k())


def test_digits_are_indexed_together():
    digits = Digits(torch.arange(4)[:, None, None].expand(4, 28, 28), torch.tensor([5, 6, 7, 8]))
    assert digits[torch.tensor([2])].labels.item() == 7
    assert digits[torch.tensor([2])].images.unique().item() == 2


def test_pixels_are_scaled_to_one():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)[:, None, None].expand(3, 28, 28)
    assert to_float(pixels).shape == (3, 1, 28, 28)
    assert to_float(pixels)[:, 0, 0, 0].tolist() == pytest.approx([0, 0.2, 1])


def test_data_that_cannot_be_downloaded_are_an_error_with_a_code(tmp_path, monkeypatch):
    from torchvision.datasets import MNIST

    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens there
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path, train=True)
    assert caught.value.code == "data"
    assert "\n" not in str(caught.value)
