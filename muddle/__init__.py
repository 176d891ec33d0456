"""MNIST Muddle: handwritten digits that nobody can place between two labels.

from muddle import Muddler
muddle = Muddler.from_pretrained().muddle(4, target=9, seed=27)
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """Loads the library when it is asked for: importing the package alone costs nothing."""
    if name in ("Muddler", "Muddle", "Scores"):
        from muddle import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'muddle' has no attribute {name!r}")
