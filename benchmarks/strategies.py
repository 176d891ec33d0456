"""python -m benchmarks.strategies: how long one muddle takes on one core, each strategy beside the plain midpoint."""

import statistics
import sys
import time
from functools import partial

import torch

from muddle import Muddler
from muddle.arguments import STRATEGIES

ROUNDS = 40


def main() -> int:
    """Prints a table: median and 95th percentile in milliseconds, and the ratio of medians to the midpoint's.

    The strategies' rows include the decoded and judged path; `alone` is a balanced muddle and its soft label only.
    """
    torch.set_num_threads(1)
    muddler = Muddler.from_pretrained()
    calls = {strategy: partial(muddler.muddle, strategy=strategy) for strategy in STRATEGIES}
    calls["alone"] = lambda digit, seed: muddler.muddle_many([digit], [None], [seed])
    times: dict[str, list[float]] = {name: [] for name in calls}
    for seed in range(-3, ROUNDS):  # the first three rounds warm up
        for name, call in calls.items():  # alternating, so that a slow moment hits all alike
            began = time.perf_counter()
            call(max(seed, 0) % 10, seed=max(seed, 0))
            if seed >= 0:
                times[name].append(1000 * (time.perf_counter() - began))
    floor = statistics.median(times["midpoint"])
    print("strategy    median ms   p95 ms   ratio to midpoint")
    for strategy, spent in times.items():
        median, p95 = statistics.median(spent), statistics.quantiles(spent, n=20)[-1]
        print(f"{strategy:<10}{median:>11.1f}{p95:>9.1f}{median / floor:>20.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
