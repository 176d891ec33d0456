"""The card of a data set: how balanced it is, which pairs, which columns, how it was made, and a sheet of samples."""

from collections.abc import Iterator

import numpy as np

from muddle.dataset.formats import DATA_FOLDER, NOTE, SPLIT
from muddle.dataset.spec import Rows, Spec, format_pairs
from muddle.images.codecs import png, tiled
from muddle.muddler import Muddler

SAMPLES, SAMPLE_COLUMNS = 100, 20
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))  # the Hub's names
BAR = 40  # characters of the histogram's longest bar
GLOBS = {  # the files of the formats that the Hub's viewer and `datasets` can read
    "parquet": f"{DATA_FOLDER}/{SPLIT}-*.parquet",
    "png": f"{DATA_FOLDER}/*/**",
}


def card_files(muddler: Muddler, spec: Spec, rows: Rows, form: str) -> dict[str, bytes]:
    """The card, README.md, and its picture, samples.png, of a whole set in a format."""
    markdown = "\n".join(_markdown(muddler, spec, rows, form)) + "\n"
    return {"samples.png": sample_sheet(rows), "README.md": markdown.encode()}


def sample_sheet(rows: Rows) -> bytes:
    """PNG file of up to SAMPLES images, taken evenly from the set and ordered by the target's share that came out."""
    chosen = np.linspace(0, len(rows.index) - 1, min(SAMPLES, len(rows.index))).astype(int)
    ordered = chosen[rows.target_share()[chosen].argsort(kind="stable")]
    return png(tiled(rows.image[ordered], min(SAMPLE_COLUMNS, len(ordered))), scale=2)


def tenths(rows: Rows) -> np.ndarray:
    """How many images have a target's share of the two labels in each tenth of 0 to 1: int64 (10,)."""
    return np.histogram(rows.target_share(), 10, (0, 1))[0]


def _markdown(muddler: Muddler, spec: Spec, rows: Rows, form: str) -> Iterator[str]:
    count = len(rows.index)
    yield "---"
    yield "license: cc-by-sa-3.0\npretty_name: MNIST Muddle\ntask_categories: [image-classification]"
    yield "source_datasets: [ylecun/mnist]\nannotations_creators: [machine-generated]"
    yield "tags: [mnist, ambiguity, uncertainty, soft-labels, calibration]"
    yield f"size_categories: [{next((name for limit, name in SIZES if count < limit), 'n>1M')}]"
    if form in GLOBS:
        yield f"configs:\n- config_name: default\n  data_files:\n  - split: {SPLIT}\n    path: {GLOBS[form]}"
    yield "---\n"
    yield f"# {count:,} digits of known ambiguity\n"
    yield "Each image was made to lie between two digits. Its soft label is the mean of ten calibrated classifiers'"
    yield "probabilities. Made by MNIST Muddle; digits are white on black, 28 x 28, as in MNIST.\n"
    yield "![Samples, from surely the first label to surely the second](samples.png)\n"
    if form in GLOBS:
        yield "```python\nfrom datasets import load_dataset\n"
        yield f'digits = load_dataset("PATH OR USER/NAME", split="{SPLIT}")'
        yield 'print(digits[0]["image"], digits[0]["soft_label"])\n```\n'
    yield "## Balance\n"
    yield "The second label's share of the two labels' probability; at 0.5 the classifiers cannot place the digit.\n"
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
        "pairs": format_pairs(spec.pairs),
        "requested balance": balance,
        "least likeness": f"{spec.min_likeness:g}",
        "seed": spec.seed,
        "shards": spec.shards,
        "bundle": f"{muddler.origin}, {muddler.fingerprint[:12]}",
        "version": muddler.version,
    }.items():
        yield f"| {name} | {value} |"
    yield f"\nThe same specification with the same bundle gives the same bytes: `{NOTE}` names both and the"
    yield f"sha256 of every file. Mean entropy of the soft labels: {rows.entropy.mean():.2f} bits; mean likeness:"
    yield f"{rows.likeness.mean():.0f} (real test digits: 50).\n"
    yield "## Licence and credit\n"
    yield "[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/), as MNIST (Yann LeCun, Corinna Cortes,"
    yield "Christopher Burges), from whose digits these derive."
    yield "The soft labels are the opinion of classifiers, not of people."


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
            of_pair = (rows.digit == first) & (rows.target == second)
            cells.append(f"{of_pair.sum()} ({rows.entropy[of_pair].mean():.2f})" if of_pair.any() else "")
        yield f"| **{first}** | {' | '.join(cells)} |"
    yield ""


COLUMNS = (
    "| column | |\n|---|---|",
    "| `image` | 28 x 28 grey levels, white on black |",
    "| `digit`, `target` | the two labels that it lies between; it was made from a real image of `digit` |",
    "| `soft_label` | ten probabilities, the classifiers' mean |",
    "| `p_digit`, `p_target` | those of the two labels |",
    "| `balance` | the requested share of the target among the two; `p_target / (p_digit + p_target)` came out |",
    "| `entropy` | of the soft label, in bits: 0 certain, 1 a fair coin, 3.32 clueless |",
    "| `likeness` | how much it looks like a digit at all: percentile among real digits, 0 to 100 |",
    "| `grey` | share of the ink that is grey; real digits average 0.506 |",
    "| `seed` | with digit, target and balance, it gives this image again: `muddler.muddle(...)` |",
    "| `source`, `partner` | the real images (exemplars of the bundle) that it was made from |",
    "| `index` | its number in the set |",
)
