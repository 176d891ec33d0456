import torch

from muddle.networks.autoencoder import Autoencoder, AutoencoderConfig

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_images_become_codes_and_codes_images_of_the_same_size():
    autoencoder = Autoencoder(AutoencoderConfig(latent=6, channels=(2, 3, 4, 5))).eval()
    codes = autoencoder.encode(IMAGES)
    assert codes.shape == (3, 6)
    images = autoencoder.decode(100 * codes)
    assert images.shape == IMAGES.shape
    assert 0 <= images.min() < images.max() <= 1
    torch.testing.assert_close(autoencoder(IMAGES), autoencoder.decode(codes))


def test_a_config_from_json_is_the_one_that_was_written():
    assert AutoencoderConfig(channels=[16, 32, 64, 128]) == AutoencoderConfig()


def test_every_axis_of_the_trained_code_is_used_in_both_directions(muddler):
    codes = muddler.bundle.exemplars.codes
    assert codes.min(0).values.max() < 0 < codes.max(0).values.min()
    assert codes.std(0).min() > 0.5
