import subprocess
import sys

import muddle


def test_what_the_package_offers_is_named_for_completion_and_there():
    assert set(muddle.__all__) <= set(dir(muddle))
    for name in muddle.__all__:
        assert getattr(muddle, name).__name__ == name


def test_everything_can_be_imported_at_once():
    code = "from muddle import *; print(Muddler, TorchDataset, make_dataset, read_dataset)"
    assert "class 'muddle.muddler.Muddler'" in subprocess.check_output([sys.executable, "-c", code], text=True)
