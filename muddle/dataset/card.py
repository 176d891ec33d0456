"""The card of a data set: how balanced it is, which pairs, which columns, what others make of it, how it was made."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from muddle.bundle.references import member_probabilities, read_reference
from muddle.dataset.folder import DATA, NOTE, SUMS
from muddle.dataset.formats import FORMATS
from muddle.dataset.spec import KINDS, Rows, Spec, format_pairs
from muddle.export.citation import bibtex
from muddle.images.codecs import png, tiled
from muddle.muddler import Muddler

SAMPLES, SAMPLE_COLUMNS = 100, 20
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))  # the Hub's names
BAR = 40  # characters of the histogram's longest bar
ASKED = 2000  # images, at most, on which the outsiders are asked
OUTSIDERS = "ensemble"  # of the references


def card_files(muddler: Muddler, spec: Spec, rows: Rows, form: str, sums: str) -> dict[str, bytes]:
    """The card, README.md, and its picture, samples.png, of a whole set in a format, whose data have a sha256."""
    markdown = "\n".join(_markdown(muddler, spec, rows, form, sums)) + "\n"
    return {"samples.png": sample_sheet(rows), "README.md": markdown.encode()}


def sample_sheet(rows: Rows) -> bytes:
    """PNG file of up to SAMPLES images, taken evenly, by kind and by the target's share that came out."""
    chosen = np.linspace(0, len(rows) - 1, min(SAMPLES, len(rows))).astype(int)
    kinds = np.array([[*KINDS, "muddle"].index(kind) for kind in rows.kind[chosen]])
    ordered = chosen[np.lexsort((rows.target_share()[chosen], kinds))]
    return png(tiled(rows.image[ordered], min(SAMPLE_COLUMNS, len(ordered))), scale=2)


def tenths(rows: Rows) -> np.ndarray:
    """How many images have a target's share of the two labels in each tenth of 0 to 1: int64 (10,)."""
    return np.histogram(rows.target_share(), 10, (0, 1))[0]


def _markdown(muddler: Muddler, spec: Spec, rows: Rows, form: str, sums: str) -> Iterator[str]:
    count = len(rows)
    yield "---"
    yield "license: cc-by-sa-3.0\npretty_name: MNIST Muddle\ntask_categories: [image-classification]"
    yield "source_datasets: [ylecun/mnist]\nannotations_creators: [machine-generated]"
    yield "tags: [mnist, ambiguity, uncertainty, soft-labels, calibration, out-of-distribution]"
    yield f"size_categories: [{next((name for limit, name in SIZES if count < limit), 'n>1M')}]"
    if FORMATS[form].glob:
        yield "configs:\n- config_name: default\n  data_files:"
        for split in spec.splits:
            yield f"  - split: {split}\n    path: {DATA}/{split}/{FORMATS[form].glob}"
    yield "---\n"
    if spec.real:
        yield f"# {count:,} images: real digits, clear ones, ambiguous ones, and none\n"
        yield "A quarter each. The soft label of each is the mean of ten calibrated classifiers' probabilities:"
    else:
        yield f"# {count:,} digits of known ambiguity\n"
        yield "Each image was made to lie between two digits. Its soft label is the mean of ten calibrated classifiers'"
        yield "probabilities:"
    yield "**networks' opinions, not people's**. Digits are white on black, 28 x 28, as in MNIST.\n"
    order = "kind by kind" if spec.real else "from surely the first label to surely the second"
    yield f"![Samples, {order}](samples.png)\n"
    if FORMATS[form].glob:
        yield "```python\nfrom datasets import load_dataset\n"
        yield f'digits = load_dataset("PATH OR USER/NAME", split="{list(spec.splits)[-1]}")'
        yield 'print(digits[0]["image"], digits[0]["soft_label"])\n```\n'
    yield from _splits(spec, rows)
    muddles = rows.rows((rows.kind == "muddle") | (rows.kind == "ambiguous"))
    which = " (of the ambiguous images)" if spec.real else ""
    yield f"## Balance{which}\n"
    yield "How much of the two labels' probability the second one got, whatever was asked for; at 0.5 the classifiers"
    yield "cannot place the digit.\n"
    yield from _histogram(tenths(muddles))
    yield from _doubt(muddles)
    yield "## Pairs\n"
    yield "Images, and their mean entropy in bits (a fair coin has 1), by first (rows) and second label.\n"
    yield from _pair_table(rows)
    yield "## Columns\n"
    yield from COLUMNS
    worth = rows.soft_label[np.arange(count), rows.label].mean()
    yield "\n`label` is for those who need one, and no truth: on average the soft label gives it"
    yield f"{100 * worth:.1f} %, so no classifier can be expected to agree with a draw from the soft label more often."
    yield "Train and score on `soft_label`.\n"
    yield from _outsiders(muddles, which)
    yield from _judges(muddler.bundle.report)
    yield "## Limits\n"
    yield "- Sources and partners of all muddles are images of MNIST's **training** set: a classifier that was"
    yield "  trained on it has seen both ends of every path."
    yield "- The ambiguity is that of ten small networks. Others agree on average, image by image less: see above."
    yield "  People have not been asked, and soft labels of networks are no substitute for theirs in training."
    yield "- The images come from one decoder. Single pixels, ink and border are much as in real digits, shares of grey"
    yield "  levels less so, and a classifier that is trained to may tell them.\n"
    yield "## How it was made\n"
    yield "| | |\n|---|---|"
    for name, value in _facts(muddler, spec, count, sums).items():
        yield f"| {name} | {value} |"
    yield "\nThe same specification with the same bundle gives the same bytes, with any number of processes:"
    yield f"`{NOTE}` names both, and `{SUMS}` has the hash of every data file (`sha256sum -c {SUMS}`). That was"
    yield "measured on x86-64, with AVX2 and without it, with 1 and 2 threads; other processors have not been tried."
    if muddler.device.type != "cpu":
        yield "This set was searched on a GPU, where float64 differs in its last digits: the search on a processor may"
        yield "end at another image where two candidates score alike, and gives the same bytes elsewhere."
    yield ""
    yield "## To cite\n"
    yield f"```bibtex\n{bibtex()}\n```\n"
    yield f"And name the version, {muddler.version}, and the sha256 above.\n"
    yield "## Licence and credit\n"
    yield "[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/), as MNIST (Yann LeCun, Corinna Cortes,"
    yield "Christopher Burges), from whose digits these derive."


def _splits(spec: Spec, rows: Rows) -> Iterator[str]:
    if spec.train:
        numbers = {name: f"{len(indices):,}" for name, indices in spec.splits.items()}
        yield f"Two splits, `train` with {numbers['train']} images and `test` with {numbers['test']}: sources and"
        yield "partners of `train` are exemplars of an even number, those of `test` of an odd number.\n"
    if spec.real:
        yield "## Four kinds\n"
        yield "| `kind` | images | mean entropy | mean likeness | |\n|---|---|---|---|---|"
        for kind, text in KIND_TEXTS.items():
            here = rows.rows(rows.kind == kind)
            if len(here):
                yield f"| {kind} | {len(here):,} | {here.entropy.mean():.2f} | {here.likeness.mean():.0f} | {text} |"
        yield "\nClear and ambiguous images come from one decoder and have the same pairs: what tells them apart is"
        yield "their ambiguity. With real digits for the clear ones of a benchmark, you may measure the decoder.\n"


def _doubt(rows: Rows) -> Iterator[str]:
    total, each, between = (values.mean() for values in (rows.entropy, rows.expected_entropy, rows.mutual_information))
    yield f"Of {total:.2f} bits of doubt an image (`entropy`), {each:.2f} are in each judge (`expected_entropy`) and"
    yield f"{between:.2f} are between them (`mutual_information`): {100 * between / max(total, 1e-9):.0f} % of the"
    yield "ambiguity is that the judges disagree. The standard error of the share is"
    yield f"{rows.share_error.mean():.3f} on average.\n"


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


def _outsiders(rows: Rows, which: str) -> Iterator[str]:
    """What networks make of this set that had no part in it."""
    asked = rows.rows(np.linspace(0, len(rows) - 1, min(ASKED, len(rows))).astype(int))
    each = member_probabilities(read_reference(OUTSIDERS), asked.image)  # (M, N, 10)
    row = np.arange(len(asked))
    yield f"## What others make of it{which}\n"
    yield f"{len(each)} plain networks that no search has seen (they ship with the code), asked about {len(asked):,}"
    yield "of these images:\n"
    yield "| | both labels above 0.2 | both above 0.4 | mean distance of share and balance |\n|---|---|---|---|"
    names = [*(f"network {number} alone" for number in range(1, len(each) + 1)), "**their mean**"]
    for name, p in zip(names, [*each, each.mean(0)], strict=True):
        first, second = p[row, asked.digit], p[row, asked.target]
        lesser = np.minimum(first, second)
        off = np.abs(second / np.maximum(first + second, 1e-9) - asked.balance).mean()
        yield f"| {name} | {100 * (lesser > 0.2).mean():.1f} % | {100 * (lesser > 0.4).mean():.1f} % | {off:.3f} |"
    yield ""


def _judges(report: dict[str, Any]) -> Iterator[str]:
    """How good the judges are on real digits."""
    yield "## The judges\n"
    yield "On real test digits:\n"
    yield "| judge | accuracy | calibration error |\n|---|---|---|"
    for judge in report.get("judges", []):
        yield f"| {judge['name']} | {100 * judge['accuracy']:.2f} % | {judge['calibration_error']:.4f} |"
    yield "\nThe mean of calibrated classifiers that disagree is less sure than it is right: hence its error.\n"


def _facts(muddler: Muddler, spec: Spec, count: int, sums: str) -> dict[str, object]:
    kind = "uniform from 0 to 1" if isinstance(spec.balance, str) else f"{spec.balance:g}"
    facts = {
        "images": f"{count:,}",
        "pairs": "those of the real digits" if spec.real else format_pairs(spec.pairs),
        "requested balance": "by kind" if spec.real else kind,
        "least likeness": f"{spec.min_likeness:g}",
        "share of train": f"{spec.train:g}",
        "seed": spec.seed,
        "bundle": f"{muddler.origin}, {muddler.fingerprint[:12]}",
        "version": muddler.version,
        "device of the search": muddler.device,
        "sha256 of the list of hashes": f"`{sums}`",
    }
    return facts | ({"sha256 of the real digits": f"`{spec.real}`"} if spec.real else {})


KIND_TEXTS = {
    "real": "MNIST's test digits; `source` is their number there, `label` MNIST's",
    "clear": "muddles with the two likeliest labels of a real digit, asked for half of its balance: as sure as that",
    "ambiguous": "muddles of the same pairs, with a balance of 0.5",
    "ood": "what the same decoder writes far from all digits: their likeness is below 1",
}
COLUMNS = (
    "| column | |\n|---|---|",
    "| `image` | 28 x 28 grey levels, white on black |",
    "| `label` | the soft label's likeliest class; of a real digit MNIST's label |",
    "| `soft_label` | ten probabilities that sum to 1, the judges' mean: total doubt, theirs and that between them |",
    "| `judges` | the same of each judge |",
    "| `digit`, `target` | a muddle's two labels, made from a real image of `digit`; elsewhere the two likeliest |",
    "| `p_digit`, `p_target` | the soft label's probabilities of the two |",
    "| `balance` | of a muddle the requested share of the target, elsewhere what the judges give it |",
    "| `share_error` | standard error of that share, over the judges |",
    "| `entropy` | of the soft label, in bits: 0 certain, 1 a fair coin, 3.32 clueless |",
    "| `expected_entropy` | the mean of the judges' own entropies: doubt that each of them has |",
    "| `mutual_information` | the rest of the entropy: doubt because they disagree (Houlsby et al., 2011) |",
    "| `likeness` | how much it looks like a digit at all: percentile among real digits, 0 to 100 |",
    "| `grey` | share of the ink that is grey; real digits average 0.506 |",
    "| `kind` | muddle; in a mixed set real, clear, ambiguous or ood |",
    "| `seed` | of a muddle: with digit, target and balance it gives this image again, `muddler.muddle(...)` |",
    "| `source`, `partner` | a muddle's real images, exemplars of the bundle; of a real digit its number; else -1 |",
    "| `index` | its number in the set; rows are in its order |",
)
