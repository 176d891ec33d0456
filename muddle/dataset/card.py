"""The card of a data set: what is in it, how balanced it is, which pairs, and a sheet of samples."""

from collections.abc import Iterator

import numpy as np

from muddle.dataset.spec import Rows, Spec, pairs_text
from muddle.dataset.formats import FOLDER, SPLIT
from muddle.muddler import Muddler
from muddle.images.codecs import png, tiled

SAMPLES = 100
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
BAR = 40  # characters of the histogram's longest bar
GLOBS = {"parquet": f"{FOLDER}/{SPLIT}-*.parquet", "png": f"{FOLDER}/*/**"}  # what the Hub's viewer can show


def files(muddler: Muddler, spec: Spec, rows: Rows, form: str) -> dict[str, bytes]:
    """The card, README.md, and its picture, of a whole set."""
    return {"samples.png": sheet(rows), "README.md": "\n".join(_lines(muddler, spec, rows, form)).encode() + b"\n"}


def sheet(rows: Rows) -> bytes:
    """PNG file of up to SAMPLES images, evenly taken and ordered by what came out: from digit to target."""
    some = np.linspace(0, len(rows.index) - 1, min(SAMPLES, len(rows.index))).astype(int)
    ordered = some[rows.share()[some].argsort(kind="stable")]
    return png(tiled(rows.image[ordered], min(20, len(ordered))), scale=2)


def tenths(rows: Rows) -> np.ndarray:
    """How many images have a target's share of the two labels in each tenth of 0 to 1: int64 (10,)."""
    return np.histogram(rows.share(), 10, (0, 1))[0]


def _lines(muddler: Muddler, spec: Spec, rows: Rows, form: str) -> Iterator[str]:
    count = len(rows.index)
    yield "---"
    yield "license: cc-by-sa-3.0\npretty_name: MNIST Muddle\ntask_categories: [image-classification]"
    yield "tags: [mnist, ambiguity, uncertainty, soft-labels, calibration]"
    yield f"size_categories: [{next((name for most, name in SIZES if count < most), 'n>1M')}]"
    if form in GLOBS:
        yield f"configs:\n- config_name: default\n  data_files:\n  - split: {SPLIT}\n    path: {GLOBS[form]}"
    yield "---\n"
    yield f"# {count:,} digits of known ambiguity\n"
    yield "Each image was made to lie between two digits, and carries what ten calibrated classifiers think of it on"
    yield "average: a soft label. Made by MNIST Muddle; digits are white on black, 28 x 28, as MNIST's.\n"
    yield "![Samples, from surely the first label to surely the second](samples.png)\n"
    yield from _use(form)
    yield "## Balance\n"
    yield "The second label's share of the two labels' probability; 0.5 is a digit that the classifiers cannot place.\n"
    yield from _histogram(tenths(rows))
    yield "## Pairs\n"
    yield "Images, and their mean entropy in bits (a fair coin has 1), by first (rows) and second label.\n"
    yield from _pair_table(rows)
    yield "## Columns\n"
    yield from COLUMNS
    yield "\n## How it was made\n"
    yield "| | |\n|---|---|"
    balance = "uniform from 0 to 1" if isinstance(spec.balance, str) else f"{spec.balance:g}"
    for name, value in {
        "images": f"{count:,}",
        "pairs": pairs_text(spec.pairs),
        "balance asked for": balance,
        "least likeness": f"{spec.min_likeness:g}",
        "seed": spec.seed,
        "shards": spec.shards,
        "bundle": f"{muddler.bundle.origin}, {muddler.bundle.fingerprint[:12]}",
        "version": muddler.version,
    }.items():
        yield f"| {name} | {value} |"
    yield "\nThe same specification with the same bundle gives the same bytes: `dataset.json` names both and the"
    yield f"sha256 of every file. Mean entropy of the soft labels: {rows.entropy.mean():.2f} bits; mean likeness:"
    yield f"{rows.likeness.mean():.0f} (real test digits: 50).\n"
    yield "## Licence and credit\n"
    yield "CC BY-SA 3.0, as MNIST (Yann LeCun, Corinna Cortes, Christopher Burges), from whose digits these derive."
    yield "The soft labels are the opinion of classifiers, not of people."


def _use(form: str) -> Iterator[str]:
    if form in GLOBS:
        yield "```python\nfrom datasets import load_dataset\n"
        yield f'digits = load_dataset("PATH OR USER/NAME", split="{SPLIT}")'
        yield 'print(digits[0]["image"], digits[0]["soft_label"])\n```\n'


def _histogram(counts: np.ndarray) -> Iterator[str]:
    yield "```"
    for i, count in enumerate(counts):
        share = 100 * count / counts.sum()
        bar = "█" * round(BAR * count / counts.max())
        yield f"{i / 10:.1f} to {(i + 1) / 10:.1f}  {share:5.1f} %  {bar}".rstrip()
    yield "```\n"


def _pair_table(rows: Rows) -> Iterator[str]:
    yield f"| | {' | '.join(map(str, range(10)))} |\n|{'---|' * 11}"
    for first in range(10):
        cells = []
        for second in range(10):
            here = (rows.digit == first) & (rows.target == second)
            cells.append(f"{here.sum()} ({rows.entropy[here].mean():.2f})" if here.any() else "")
        yield f"| **{first}** | {' | '.join(cells)} |"
    yield ""


COLUMNS = (
    "| column | |\n|---|---|",
    "| `image` | 28 x 28 grey levels, white on black |",
    "| `digit`, `target` | the two labels that it lies between; it was made from a real image of `digit` |",
    "| `soft_label` | ten probabilities, the classifiers' mean |",
    "| `p_digit`, `p_target` | those of the two labels |",
    "| `balance` | the target's share of the two that was asked for; `p_target / (p_digit + p_target)` came out |",
    "| `entropy` | of the soft label, in bits: 0 sure, 1 a fair coin, 3.32 clueless |",
    "| `likeness` | percentile among real digits of a score for looking like a digit at all, 0 to 100 |",
    "| `grey` | share of the ink that is grey; real digits average 0.506 |",
    "| `seed` | with digit, target and balance, it gives this image again: `muddler.muddle(...)` |",
    "| `source`, `partner` | the real images (exemplars of the bundle) that it was made from |",
    "| `index` | its number in the set |",
)
