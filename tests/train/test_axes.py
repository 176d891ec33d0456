import torch

from train.axes import axis_names, moments


def stroke(lean=0.0, thickness=3, length=16):
    """A straight stroke that goes `lean` pixels to the right for each one up."""
    image = torch.zeros(28, 28)
    for row in range(14 - length // 2, 14 + length // 2):
        left = round(14 + lean * (13.5 - row) - thickness / 2)
        image[row, left : left + thickness] = 1
    return image[None]


def test_moments_tell_weight_width_height_and_slant():
    images = torch.stack([stroke(), stroke(thickness=6), stroke(length=20), stroke(lean=0.5), stroke(lean=-0.5)])
    weight, width, height, slant = moments(images).T
    assert weight.tolist() == [48, 96, 60, 48, 48]
    assert width[1] > 1.9 * width[0]
    assert (height[2] - (399 / 12) ** 0.5).abs() < 1e-6  # of 20 rows
    assert slant[0].abs() < 1e-9
    assert (slant[3] - 0.5).abs() < 0.05
    assert (slant[4] + 0.5).abs() < 0.05


class Pen:
    """Decodes a code's first axis as thickness and its second as slant; the third does nothing."""

    def decode(self, codes):
        return torch.stack([stroke(0.3 * lean, 5 + round(thick), 16) for thick, lean, _ in codes.tolist()])


def test_an_axis_is_named_by_what_it_does_and_not_at_all_if_nothing():
    codes = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    assert axis_names(Pen(), codes) == ["bolder", "leans right", ""]
    assert axis_names(Pen(), -codes) == ["bolder", "leans right", ""]


def test_the_report_names_the_axes_as_they_are_measured(muddler):
    bundle = muddler.bundle
    assert bundle.report["atlas"]["axes"] == axis_names(bundle.autoencoder, bundle.exemplars.codes)
