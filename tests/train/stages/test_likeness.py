import torch

from muddle.bundle.files import EMBEDDED
from train.damage import DAMAGE
from train.data import to_float
from train.stages.autoencoder import load_trained
from train.stages.likeness import BadDigits, auc, real_and_bad_logits


def test_auc_of_perfect_reversed_mixed_and_tied_rankings():
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])
    assert auc(high, low) == 1
    assert auc(low, high) == 0
    assert auc(torch.tensor([0.0, 3.0]), torch.tensor([1.0, 2.0])) == 0.5
    assert auc(torch.ones(3), torch.ones(2)) == 0.5


def test_bad_digits_are_of_every_kind_and_the_shipped_network_tells_them_from_real_ones(muddler, digits):
    with torch.inference_mode():
        bad = BadDigits(load_trained(EMBEDDED), digits.images)
        images = to_float(digits.images)
        kinds = dict(bad.by_kind(images, torch.Generator().manual_seed(0)))
        together = bad(images, torch.Generator().manual_seed(0))
        net = muddler.bundle.likeness
        real, logits = real_and_bad_logits(lambda x: net(x.double()), bad, digits, torch.device("cpu"))
    assert list(kinds) == [*(damage.__name__ for damage in DAMAGE), "far codes", "blurred decodings"]
    assert together.equal(torch.cat(list(kinds.values())))
    assert together.shape == images.shape
    assert logits.keys() == kinds.keys()
    assert auc(real, torch.cat(list(logits.values()))) > 0.9
