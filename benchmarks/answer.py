"""python -m benchmarks.answer: how long one muddle takes on one core, each strategy beside the plain midpoint."""

import statistics
import sys
import time

import torch

from muddle import Muddler
from muddle.strategies import STRATEGIES

ROUNDS = 40


def main() -> int:
    """Prints a table: median and 95th percentile in milliseconds, and the ratio of medians to the midpoint's."""
    torch.set_num_threads(1)
    muddler = Muddler.from_pretrained()
    times: dict[str, list[float]] = {strategy: [] for strategy in STRATEGIES}
    for seed in range(-3, ROUNDS):  # the first three rounds warm up
        for strategy, spent in times.items():  # alternating, so that a slow moment hits all alike
            began = time.perf_counter()
            muddler.muddle(max(seed, 0) % 10, seed=max(seed, 0), strategy=strategy)
            if seed >= 0:
                spent.append(1000 * (time.perf_counter() - began))
    floor = statistics.median(times["midpoint"])
    print("strategy    median ms   p95 ms   ratio to midpoint")
    for strategy, spent in times.items():
        median, p95 = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
        print(f"{strategy:<10}{median:>11.1f}{p95:>9.1f}{median / floor:>20.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
