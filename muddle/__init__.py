"""MNIST Muddle: handwritten digits that nobody can place between two labels.

from muddle import Muddler
muddle = Muddler.from_pretrained().muddle(4, target=9, seed=27)
"""

import importlib

__version__ = "0.1.0"

_MODULES = {  # of what the package offers
    "Muddler": "muddle.muddler",
    "Muddle": "muddle.result",
    "Scores": "muddle.result",
    "Batch": "muddle.result",
    "make_dataset": "muddle.dataset.generate",
    "read_dataset": "muddle.dataset.folder",
    "TorchDataset": "muddle.dataset.torch_dataset",
}
__all__ = [*_MODULES]


def __getattr__(name: str):
    """Import on first use: importing the package alone costs nothing."""
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'muddle' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
