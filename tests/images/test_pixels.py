import torch

from muddle.images import BLACK
from muddle.images.pixels import decoded_pixels, to_pixels, to_unit

EVERY_GREY = torch.arange(256).repeat(4)[: 28 * 28].to(torch.uint8).reshape(1, 28, 28)


def test_every_grey_level_comes_back():
    unit = to_unit(EVERY_GREY)
    assert unit.shape == (1, 1, 28, 28)
    assert unit.dtype == torch.float64
    assert (unit.min(), unit.max()) == (0, 1)
    assert to_pixels(unit).equal(EVERY_GREY)


def test_values_are_rounded_to_the_nearest_grey_level():
    values = torch.tensor([0.0, 0.49, 0.51, 254.4, 254.6, 255.0])[:, None, None, None] / 255
    assert to_pixels(values).flatten().tolist() == [0, 0, 1, 254, 255, 255]


def test_what_is_decoded_has_a_black_background_and_keeps_all_else():
    values = EVERY_GREY[:, None].double() / 255
    assert decoded_pixels(values).equal(torch.where(EVERY_GREY < BLACK, 0, EVERY_GREY).to(torch.uint8))
