import pytest

from muddle.dataset.generate import make_rows
from muddle.dataset.spec import UNIFORM, Spec


@pytest.fixture(scope="session")
def small():
    """The specification of a small set of two shards."""
    return Spec(count=16, balance=UNIFORM, seed=3, shards=2)


@pytest.fixture(scope="session")
def rows(muddler, small):
    return make_rows(muddler, small, range(small.count))
