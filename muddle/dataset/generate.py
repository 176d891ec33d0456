"""Make a data set in a folder: shard by shard, each written whole or not at all, so that a rerun resumes."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from muddle.dataset.card import card_files
from muddle.dataset.engines import ENGINES
from muddle.dataset.folder import SetFolder, read_dataset
from muddle.dataset.formats import FORMATS, Files
from muddle.dataset.mixed import RealDigits, mixed_rows, read_real
from muddle.dataset.rows import judged_rows
from muddle.dataset.spec import PAIRS, TRAIN, Rows, Shard, Spec
from muddle.errors import ArgumentError, DataError
from muddle.muddler import Muddler
from muddle.recipe import EVEN
from muddle.search.draws import drawn_source

TRIES = 400  # seeds that an image may take to be what is wanted
PILOT = 32  # images of each pair that are tried before a set is begun, where a likeness is asked for


class Outcome(NamedTuple):
    """The finished set: its images, the shards that were there before, and a sha256 that stands for all its data."""

    count: int
    resumed: int
    sha256: str


def make_dataset(
    folder: str | Path,
    *,
    count: int,
    pairs: Sequence[tuple[int, int]] = PAIRS,
    balance: float | str = EVEN,
    min_likeness: float = 0,
    seed: int = 0,
    train: float = 0,
    real: str | Path | None = None,
    shards: int = 0,
    form: str = "parquet",
    engine: str = "local",
    workers: int = 1,
    muddler: Muddler | None = None,
) -> Outcome:
    """Make a data set in a folder, or what is missing there of it.

    real: the folder of MNIST's files, for a mixed set. form: parquet, npz or png. engine: local or ray. workers:
    processes; the bytes depend neither on them nor on the engine. muddler: None for the default one. Everything else as
    in Spec. Raises ArgumentError for what cannot be made, DataError when another set is in the folder, when a file
    there is changed, and when one cannot be written; what is written stays, and a rerun resumes.
    """
    for name, value, known in (("format", form, FORMATS), ("engine", engine, ENGINES)):
        if value not in known:
            raise ArgumentError(name, value, f"one of {', '.join(known)}")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ArgumentError("workers", workers, "at least 1")
    digits = None if real is None else read_real(Path(real))
    spec = Spec(
        count=count,
        pairs=tuple(pairs),
        balance=balance,
        min_likeness=min_likeness,
        seed=seed,
        train=train,
        real=digits.sha256 if digits else "",
        shards=shards,
    )
    if digits:
        digits.check_enough(spec)
    muddler = muddler or Muddler.from_pretrained()
    return generate(muddler, spec, SetFolder(folder), digits, form, engine, workers)


def generate(
    muddler: Muddler, spec: Spec, folder: SetFolder, digits: RealDigits | None, form: str, engine: str, workers: int
) -> Outcome:
    """The same with what was checked."""
    about = {"spec": spec.as_json(), "format": form, "version": muddler.version, "bundle": muddler.fingerprint}
    sums = folder.sums()
    if spec.min_likeness and not sums:
        check_reach(muddler, spec)
    folder.claim(about)
    parts = spec.parts()
    missing = [number for number, shard in enumerate(parts) if folder.is_missing(shard.name, FORMATS[form].last, sums)]
    task = partial(make_shard, muddler, spec, digits, form)
    with _progress_bar(spec, [parts[number] for number in missing]) as bar:
        for number, files in ENGINES[engine](task, missing, workers):
            folder.add_shard(files, sums)
            bar.update(len(parts[number].indices))
    if FORMATS[form].joined:
        for split in spec.splits:
            own = [shard.name + FORMATS[form].last for shard in parts if shard.split == split]
            folder.join(split, own, FORMATS[form].joined, folder.sums())
    sha256 = folder.finish(about)
    for name, data in card_files(muddler, spec, read_dataset(folder.path), form, sha256).items():
        folder.write(name, data)
    return Outcome(spec.count, len(parts) - len(missing), sha256)


def make_shard(muddler: Muddler, spec: Spec, digits: RealDigits | None, form: str, number: int) -> Files:
    """The files of a shard by name: a pure function of its arguments.

    It computes in one thread: many processes with a thread each are faster than many threads on small networks.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        shard = spec.parts()[number]
        rows = mixed_rows(muddler, spec, digits, shard.indices) if digits else make_rows(muddler, spec, shard)
        return FORMATS[form].write(shard.name, rows)
    finally:
        torch.set_num_threads(threads)


def make_rows(muddler: Muddler, spec: Spec, shard: Shard) -> Rows:
    """The images of a shard. Raises DataError where none of TRIES seeds gives what is wanted."""
    index = np.array(shard.indices, np.int64)
    digit, target = np.array([spec.pair(i) for i in shard.indices], np.int64).reshape(-1, 2).T
    balance = np.array([spec.draw_balance(i) for i in shard.indices])
    own = _is_own(spec, shard.split)
    exemplars = muddler.bundle.exemplars
    seeds = [
        (seed for seed in spec.seeds(i) if own(drawn_source(exemplars, int(d), seed)))
        for i, d in zip(shard.indices, digit, strict=True)
    ]

    def make(places: np.ndarray) -> Rows:
        chosen = [next(seeds[place]) for place in places]
        batch = muddler.muddle_many(digit[places], target[places], chosen, balances=balance[places])
        return judged_rows(
            batch.judge_soft_labels,
            batch.soft_labels,
            index=index[places],
            image=batch.images,
            digit=digit[places],
            target=target[places],
            balance=balance[places],
            entropy=batch.entropy,
            likeness=batch.likeness,
            grey=batch.grey,
            kind="muddle",
            seed=np.array(chosen, np.int64),
            source=batch.sources,
            partner=batch.partners,
        )

    rows, tries = make(np.arange(len(index))), 1
    while len(poor := np.flatnonzero((rows.likeness < spec.min_likeness) | ~own(rows.partner))):
        if tries == TRIES:
            pair = f"{rows.digit[poor[0]]}-{rows.target[poor[0]]}"
            raise DataError(f"No image of {pair} has a likeness of {spec.min_likeness:g}: ask for less.")
        again = make(poor)
        for name, column in vars(rows).items():
            column[poor] = vars(again)[name]
        tries += 1
    return rows


def check_reach(muddler: Muddler, spec: Spec) -> None:
    """Raise ArgumentError when PILOT images of a pair all look less like a digit than is asked for."""
    pairs = np.array(spec.pairs).repeat(PILOT, 0)
    balance = EVEN if isinstance(spec.balance, str) else spec.balance
    likeness = muddler.muddle_many(*pairs.T, range(len(pairs)), balances=balance).likeness.reshape(-1, PILOT).max(1)
    beyond = [f"{a}-{b}" for (a, b), best in zip(spec.pairs, likeness, strict=True) if best < spec.min_likeness]
    if beyond:
        names = ", ".join(beyond[:10]) + (f" and {len(beyond) - 10} more" if len(beyond) > 10 else "")
        allowed = f"at most {np.floor(likeness.min()):g} for these pairs; {names} did not reach it in {PILOT} trials"
        raise ArgumentError("min-likeness", spec.min_likeness, allowed)


def _is_own(spec: Spec, split: str) -> Callable[[np.ndarray | int], np.ndarray | bool]:
    """Whether exemplars, by number, are those of a split: every other one, where there are two."""
    step, first = (2, 0 if split == TRAIN else 1) if spec.train else (1, 0)
    return lambda exemplar: exemplar % step == first


def _progress_bar(spec: Spec, missing: Sequence[Shard]):
    from tqdm import tqdm  # a dependency of the Hub's client

    there = spec.count - sum(len(shard.indices) for shard in missing)
    return tqdm(total=spec.count, initial=there, unit="image", desc="images", disable=None)
