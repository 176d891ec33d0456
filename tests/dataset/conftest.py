import gzip

import numpy as np
import pytest

from muddle.dataset.generate import make_rows
from muddle.dataset.mixed import IMAGES, LABELS
from muddle.dataset.spec import UNIFORM, Spec


@pytest.fixture(scope="session")
def small():
    """The specification of a small set of two shards."""
    return Spec(count=16, balance=UNIFORM, seed=3, shards=2)


@pytest.fixture(scope="session")
def rows(muddler, small):
    return make_rows(muddler, small, Spec(count=16, balance=UNIFORM, seed=3, shards=1).parts()[0])


def idx(array):
    """A file of MNIST's format."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.fixture(scope="session")
def real(muddler, tmp_path_factory):
    """A folder with real digits as torchvision leaves MNIST's test files; exemplars stand in for them."""
    folder = tmp_path_factory.mktemp("mnist")
    exemplars = muddler.bundle.exemplars
    (folder / "MNIST/raw").mkdir(parents=True)
    (folder / "MNIST/raw" / IMAGES).write_bytes(idx(exemplars.images[::50].numpy()))
    (folder / "MNIST/raw" / f"{LABELS}.gz").write_bytes(gzip.compress(idx(exemplars.labels[::50].numpy())))
    return folder
