"""python -m benchmarks.digest: the sha256 of 1,000 muddles, by which two versions are known to make the same.

They are of every strategy, of balances, of given images and of chosen sources, one by one and in batches. Each line has
the hash of everything so far, and the number of muddles in it.
"""

import hashlib
import sys
from collections.abc import Iterator

import numpy as np
import torch

from muddle import Muddler
from muddle.bundle.files import Exemplars
from muddle.recipe import STRATEGIES, Recipe
from muddle.result import Batch, Muddle

THREADS = 2  # the codes of given images differ in their last bits with the number of threads, and nothing else does
ARRAYS = ("image", "soft_label", "frames", "probabilities", "codes", "code", "source", "partner")
VALUES = ("digit", "target", "seed", "strategy", "steps", "balance", "t", "pick", "source_index", "partner_index")
SCORES = ("p_digit", "p_target", "entropy", "likeness", "grey")
COLUMNS = ("images", "soft_labels", "targets", "sources", "partners", "t", "entropy", "likeness", "grey")


def single_recipes(exemplars: Exemplars) -> Iterator[tuple[str, list[Recipe]]]:
    """The recipes of muddles that are made one by one, by what each group is about."""
    images, labels = exemplars.images.numpy(), exemplars.labels.tolist()
    strategies = [STRATEGIES[i % 3] for i in range(150)]
    yield (
        "single",
        [
            Recipe(
                digit=i % 10, target=None if i % 3 == 0 else other(i), seed=i, steps=3 + i % 12, strategy=strategies[i]
            )
            for i in range(150)
        ],
    )
    yield (
        "balances",
        [Recipe(digit=i % 10, target=other(i), seed=1000 + i, balance=round(i / 99, 3)) for i in range(100)],
    )
    yield "images", [Recipe(image=images[i * 37 % len(images)], seed=i, strategy=strategies[i]) for i in range(100)]
    sources = [i * 53 % len(labels) for i in range(50)]
    yield "sources", [Recipe(digit=labels[source], seed=i, source=source) for i, source in enumerate(sources)]


def batch_recipes() -> Iterator[list[Recipe]]:
    """The recipes of muddles that are made at once, 200 by each strategy."""
    for strategy in STRATEGIES:
        yield [
            Recipe(
                digit=i % 10,
                target=None if i % 4 == 0 else other(i),
                seed=5000 + i,
                strategy=strategy,
                balance=i % 11 / 10 if strategy == "balanced" else 0.5,
            )
            for i in range(200)
        ]


def other(i: int) -> int:
    """Another digit than i % 10, and each of them in turn."""
    return (i + 1 + i % 9) % 10


def content(m: Muddle) -> bytes:
    """Everything about a muddle that its recipe and the bundle determine."""
    arrays = b"".join(np.ascontiguousarray(getattr(m, name)).tobytes() for name in ARRAYS)
    values = (*(getattr(m, name) for name in VALUES), *(getattr(m.scores, name) for name in SCORES))
    return arrays + repr(values).encode()


def batch_content(batch: Batch) -> bytes:
    """Everything about a batch that its recipes and the bundle determine."""
    return b"".join(np.ascontiguousarray(getattr(batch, name)).tobytes() for name in COLUMNS)


def main() -> int:
    """Print the hashes."""
    torch.set_num_threads(THREADS)
    muddler = Muddler.from_pretrained()
    digest, count = hashlib.sha256(), 0
    for name, recipes in single_recipes(muddler.bundle.exemplars):
        for recipe in recipes:
            (muddle,) = muddler.make([recipe])
            digest.update(content(muddle))
        count += len(recipes)
        print(name, digest.hexdigest(), count, flush=True)
    for recipes in batch_recipes():
        digest.update(batch_content(muddler.make_batch(recipes)))
        count += len(recipes)
    print("batch", digest.hexdigest(), count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
