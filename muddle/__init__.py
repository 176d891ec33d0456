"""MNIST Muddle: handwritten digits that nobody can place between two labels.

from muddle import Muddler
muddle = Muddler.from_pretrained().muddle(4, target=9, seed=27)
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """Import the library on first use: importing the package alone costs nothing."""
    if name == "Muddler":
        from muddle.muddler import Muddler

        return Muddler
    if name in ("Muddle", "Scores"):
        from muddle import result

        return getattr(result, name)
    raise AttributeError(f"module 'muddle' has no attribute {name!r}")
