import torch

from train import augment


def generator():
    return torch.Generator().manual_seed(0)


def test_affine_at_no_strength_changes_nothing_and_at_full_strength_moves_each_image_otherwise():
    images = torch.rand(1, 1, 28, 28, generator=generator()).expand(4, -1, -1, -1)
    torch.testing.assert_close(augment.affine(images, 0, generator=generator()), images, atol=1e-4, rtol=0)
    moved = augment.affine(images, 1, generator=generator())
    assert moved.shape == images.shape
    assert not torch.allclose(moved, images, atol=0.1)
    assert not torch.allclose(moved[0], moved[1], atol=0.1)


def test_mixup_blends_targets_as_it_blends_images():
    images = torch.eye(10)[:, None, :, None].expand(10, 1, 10, 1)
    mixed, targets = augment.mixup(images, torch.eye(10), 1.0, generator=generator())
    torch.testing.assert_close(mixed[:, 0, :, 0], targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(10))
    untouched, _ = augment.mixup(images, torch.eye(10), 0.0, generator=generator())
    assert torch.equal(untouched, images)
