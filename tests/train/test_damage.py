import pytest
import torch

from train.damage import DAMAGE


@pytest.mark.parametrize("damage", DAMAGE, ids=[d.__name__ for d in DAMAGE])
def test_damage_changes_an_image_and_keeps_it_one(damage):
    images = torch.zeros(8, 1, 28, 28)
    images[:, :, 4:24, 12:16] = 1
    images[4:, :, 12:16, 4:24] = 1
    images[:2, :, 2:9, 3:8] = 1
    harmed = damage(images, torch.Generator().manual_seed(0))
    assert harmed.shape == images.shape
    assert 0 <= harmed.min() <= harmed.max() <= 1
    assert not torch.equal(harmed, images)
    assert damage(images, torch.Generator().manual_seed(0)).equal(harmed)
