"""What a muddle may be asked for: the arguments, their ranges, and a sentence for whatever lies outside of them."""

import numpy as np

from muddle.errors import ArgumentError

STRATEGIES = ("balanced", "midpoint", "farthest")
STEPS = range(2, 65)
SEEDS = range(2**32)
SOURCES = range(10**6)  # places of exemplars in any bundle; which there are, only the bundle knows
EVEN = 0.5  # the balance of a muddle: the judges give both labels the same


def check_labels(digit: int, target: int | None) -> tuple[int, int | None]:
    """The two labels as ints; ArgumentError unless both are digits and differ."""
    digit = integer("digit", digit, range(10))
    if target is None:
        return digit, None
    target = integer("target", target, range(10))
    if target == digit:
        raise ArgumentError("target", target, "it must differ from the digit")
    return digit, target


def check_settings(seed: int, steps: int, strategy: str, balance: float = EVEN) -> None:
    """ArgumentError unless seed, steps, strategy and balance are ones that `Muddler.muddle` takes."""
    integer("seed", seed, SEEDS)
    integer("steps", steps, STEPS)
    if strategy not in STRATEGIES:
        raise ArgumentError("strategy", strategy, f"choose one of {', '.join(STRATEGIES)}")
    if strategy == "farthest" and steps < 3:
        raise ArgumentError("steps", steps, "farthest picks an inner step, so it needs at least 3")
    if isinstance(balance, bool) or not isinstance(balance, int | float | np.number) or not 0 <= balance <= 1:
        raise ArgumentError("balance", balance, "give a number from 0 to 1")
    if balance != EVEN and strategy != "balanced":
        raise ArgumentError("balance", balance, f"{strategy} knows no balance; leave it at {EVEN}")


def check_image(image: np.ndarray) -> np.ndarray:
    """A copy of the image, uint8 (28, 28); ArgumentError unless it is one with some ink on it."""
    array = np.asarray(image)
    if array.shape != (28, 28) or array.dtype != np.uint8:
        raise ArgumentError("image", f"{array.dtype} {array.shape}", "it must be uint8 (28, 28), white on black")
    if not array.any():
        raise ArgumentError("image", "all black", "there must be some ink on it")
    return array.copy()


def integer(name: str, value: object, allowed: range) -> int:
    """The value as an int; ArgumentError unless it is a whole number in the range."""
    span = f"give a whole number from {allowed[0]} to {allowed[-1]}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentError(name, value, span)
    if int(value) not in allowed:
        raise ArgumentError(name, value, span)
    return int(value)
