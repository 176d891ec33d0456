import numpy as np
import torch

from muddle.images.codecs import from_png
from muddle.images.pixels import decoded_pixels
from train import sheets


def test_a_sheet_shows_its_images_row_by_row(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    sheets.sheet(images, tmp_path / "sheet.png", columns=3, scale=1)
    pixels = from_png((tmp_path / "sheet.png").read_bytes())
    assert (pixels[:28, -28:] == images[2]).all()
    assert (pixels[-28:, :28] == images[3]).all()


def test_reconstructions_stand_below_their_originals(tmp_path, muddler, digits):
    images = digits.images[::50]  # 20 of them
    autoencoder = muddler.bundle.autoencoder
    sheets.reconstructions(lambda x: autoencoder(x.double()), images, tmp_path / "sheet.png")
    pixels = from_png((tmp_path / "sheet.png").read_bytes())[::3, ::3]
    with torch.inference_mode():
        decoded = decoded_pixels(autoencoder((images[:, None].float() / 255).double()))
    assert (pixels[:28, :28] == images[0].numpy()).all()
    assert (pixels[-28:, :28] == decoded[0].numpy()).all()


def test_curves_and_tables_are_pictures(tmp_path):
    sheets.loss_curve([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}], ("loss",), tmp_path / "loss.png")
    sheets.pair_table(np.where(np.eye(10) == 1, np.nan, 0.5), "title", tmp_path / "pairs.png")
    for name in ("loss.png", "pairs.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
