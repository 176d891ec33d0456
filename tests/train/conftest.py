import pytest
import torch

from train import data
from train.data import Digits


@pytest.fixture(scope="session")
def digits(muddler):
    """Real images that are read in no time: a hundred of each digit, of the embedded exemplars."""
    exemplars = muddler.bundle.exemplars
    index = torch.cat([exemplars.indices_of(digit)[:100] for digit in range(10)])
    return Digits(exemplars.images[index], exemplars.labels[index])


@pytest.fixture(scope="module")
def few_digits(digits):
    """Make them mnist-5k for the tests of a module, 800 to train on and 200 to test on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "mnist_5k", lambda: digits)
        patch.setattr(data, "HELD_OUT_PER_DIGIT", 20)
        yield digits
