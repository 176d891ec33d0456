import pytest
import torch

from muddle.bundle.files import EMBEDDED
from train.stages.autoencoder import (
    AutoencoderTask,
    AutoencoderTrainConfig,
    Discriminator,
    encode,
    load_trained,
    measure,
    whitening_loss,
)


def test_whitening_is_nothing_for_white_codes_and_much_for_a_dead_axis():
    white = torch.randn(100_000, 10, generator=torch.Generator().manual_seed(0))
    assert whitening_loss(white) < 0.01
    dead = white.clone()
    dead[:, 0] = 0
    assert whitening_loss(dead) > 0.09


def test_the_discriminator_gives_a_logit_an_image():
    assert Discriminator(width=4)(torch.zeros(3, 1, 28, 28)).shape == (3,)


def test_the_discriminator_joins_at_its_time(digits):
    torch.manual_seed(0)
    task = AutoencoderTask(AutoencoderTrainConfig(discriminator_from=0.5), digits, digits, torch.device("cpu"))
    before = [p.clone() for p in task.discriminator.parameters()]

    def changed():
        return any(not old.equal(new) for old, new in zip(before, task.discriminator.parameters(), strict=True))

    for progress, expected in ((0.4, False), (0.6, True)):
        task.step(torch.arange(8), progress, torch.Generator().manual_seed(0))
        assert changed() is expected


def test_codes_of_the_shipped_autoencoder_are_those_of_its_exemplars(muddler, digits):
    autoencoder = load_trained(EMBEDDED)
    assert not autoencoder.training
    with torch.inference_mode():
        codes = encode(autoencoder, digits.images)
        figures = measure(autoencoder, digits, digits, torch.device("cpu"))
    expected = muddler.bundle.exemplars.codes[muddler.bundle.exemplars.indices_of(0)[:100]]
    torch.testing.assert_close(codes[:100].double(), expected, atol=0.01, rtol=0)
    assert figures["test_mse"] == pytest.approx(muddler.bundle.report["autoencoder"]["test_mse"], rel=0.3)
    assert 0 < figures["axis_variance_ratio"] <= 1
    assert figures["nearest_centroid_accuracy"] > 0.8
    assert 0 < figures["grey_share"] < 1
