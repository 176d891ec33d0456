"""Mixed sets: real digits, clear muddles, ambiguous ones and images of no digit, in equal shares.

A clear muddle is the twin of a real digit: it has its two likeliest labels, and is as sure as that digit is. So real
and clear ones are equally hard, and clear and ambiguous ones, which have the same pairs, come from one decoder: only
their ambiguity differs.
"""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from muddle.dataset.folder import sha256
from muddle.dataset.rows import judged_rows
from muddle.dataset.spec import KINDS, Rows, Spec
from muddle.errors import ArgumentError, DataError
from muddle.images.pixels import decoded_pixels, to_unit
from muddle.muddler import DECIMALS, Muddler
from muddle.recipe import EVEN
from muddle.result import concatenate
from muddle.search.metrics import grey_share

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"  # as MNIST names its test images
REMEDY = "Give the folder of MNIST's test files, as torchvision.datasets.MNIST(folder, download=True) writes them."
AS_SURE = 0.5  # of the real digit's share is asked for: by the judges, muddles then are as sure as real digits
FAR = 3  # standard deviations of the codes of images of no digit; digits' codes have 1
UNLIKE = 1  # percentile of real digits that such an image stays below


@dataclass(frozen=True, eq=False)
class RealDigits:
    """Real test digits."""

    images: np.ndarray = field(repr=False)  # uint8 (N, 28, 28)
    labels: np.ndarray = field(repr=False)  # int64 (N,)
    sha256: str  # of images and labels

    def check_enough(self, spec: Spec) -> None:
        """Raise ArgumentError when a set would need more of them than there are."""
        most = len(KINDS) * len(self.images)
        if spec.count > most:
            raise ArgumentError("count", spec.count, f"at most {most:,} for a mixed set, a quarter of it real digits")


def read_real(folder: Path) -> RealDigits:
    """MNIST's test images, in the folder, in its raw/ or in its MNIST/raw/, packed or not. Raises DataError."""
    images, labels = (_read_idx(_find(folder, name)) for name in (IMAGES, LABELS))
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1] or not len(labels) or labels.max() > 9:
        raise DataError(f"{folder}: {images.shape} and {labels.shape} are no images of digits. {REMEDY}")
    return RealDigits(images, labels.astype(np.int64), sha256(images.tobytes() + labels.tobytes()))


def mixed_rows(muddler: Muddler, spec: Spec, digits: RealDigits, indices: range) -> Rows:
    """Images of a mixed set."""
    index = np.array(indices, np.int64)
    kinds = np.array([spec.kind(i) for i in indices])
    order = np.array(spec.order_of_real(len(digits.images)))
    twins = order[[spec.block(i) for i in indices]]
    asked, place = np.unique(twins, return_inverse=True)  # the four of a block have one twin
    soft = muddler.judge(digits.images[asked])[place]
    likeliest = (-soft).argsort(1, kind="stable")[:, :2]
    row = np.arange(len(index))
    first, second = (soft[row, likeliest[:, place]] for place in (0, 1))
    share = (second / (first + second)).round(DECIMALS)
    parts = []
    for kind in KINDS:
        here = np.flatnonzero(kinds == kind)
        if len(here):
            own = {"index": index[here]}
            if kind == "real":
                parts.append(_real_rows(muddler, digits, twins[here], own))
            elif kind == "ood":
                parts.append(_outside_rows(muddler, spec, own))
            else:
                balance = (AS_SURE * share[here]).round(DECIMALS) if kind == "clear" else np.full(len(here), EVEN)
                parts.append(_muddle_rows(muddler, spec, kind, likeliest[here], balance, own))
    rows = concatenate(parts)
    return rows.rows(rows.index.argsort())


def _muddle_rows(
    muddler: Muddler, spec: Spec, kind: str, pairs: np.ndarray, balance: np.ndarray, own: dict[str, Any]
) -> Rows:
    seed = np.array([next(spec.seeds(i)) for i in own["index"].tolist()], np.int64)
    batch = muddler.muddle_many(*pairs.T, seed, balances=balance)
    return judged_rows(
        batch.judge_soft_labels,
        batch.soft_labels,
        kind=kind,
        image=batch.images,
        digit=pairs[:, 0],
        target=pairs[:, 1],
        balance=balance,
        entropy=batch.entropy,
        likeness=batch.likeness,
        grey=batch.grey,
        seed=seed,
        source=batch.sources,
        partner=batch.partners,
        **own,
    )


def _real_rows(muddler: Muddler, digits: RealDigits, number: np.ndarray, own: dict[str, Any]) -> Rows:
    return _found_rows(
        muddler, digits.images[number], kind="real", label=digits.labels[number], source=number,
        seed=np.full(len(number), -1), **own,
    )  # fmt: skip


@torch.no_grad()
def _outside_rows(muddler: Muddler, spec: Spec, own: dict[str, Any]) -> Rows:
    """Images of no digit, each from the first seed whose code decodes to one."""
    bundle = muddler.bundle
    images, chosen = [], []
    for i in own["index"].tolist():
        for seed in spec.seeds(i):
            noise = torch.randn(1, bundle.centroids.shape[1], generator=torch.Generator().manual_seed(seed))
            image = decoded_pixels(bundle.autoencoder.decode(FAR * noise.double()))[0].numpy()
            if image.any() and muddler.likeness(image) < UNLIKE:
                break
        images.append(image)
        chosen.append(seed)
    nowhere = np.full(len(chosen), -1)
    return _found_rows(muddler, np.stack(images), kind="ood", source=nowhere, seed=np.array(chosen, np.int64), **own)


@torch.no_grad()
def _found_rows(muddler: Muddler, images: np.ndarray, **columns: Any) -> Rows:
    """Rows of images that no search has made."""
    judges, soft = muddler.judge_each(images), muddler.judge(images)
    likeliest = (-soft).argsort(1, kind="stable")
    row = np.arange(len(images))
    digit, target = likeliest[:, 0], likeliest[:, 1]
    share = soft[row, target] / (soft[row, digit] + soft[row, target])
    return judged_rows(
        judges,
        soft,
        image=images,
        digit=digit,
        target=target,
        balance=share.round(DECIMALS),
        likeness=muddler.likeness(images),
        grey=grey_share(to_unit(torch.from_numpy(images))).numpy().round(DECIMALS),
        partner=np.full(len(images), -1),
        **columns,
    )


def _find(folder: Path, name: str) -> Path:
    for place in (folder / inner / (name + ending) for inner in ("", "raw", "MNIST/raw") for ending in ("", ".gz")):
        if place.is_file():
            return place
    raise DataError(f"{folder}: {name} is not there. {REMEDY}")


def _read_idx(path: Path) -> np.ndarray:
    """The array of an idx file of bytes, in the format of MNIST's page."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        if data[:3] != b"\x00\x00\x08":
            raise ValueError("it does not begin as such a file does")
        shape = np.frombuffer(data, ">u4", data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise DataError(f"{path}: this is not a file of MNIST ({error}). {REMEDY}") from error
