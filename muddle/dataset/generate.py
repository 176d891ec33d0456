"""Generate a data set in a folder: shard by shard, each written whole or not at all, so that a rerun resumes."""

import contextlib
import hashlib
import json
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from muddle.dataset.card import card_files
from muddle.dataset.engines import ENGINES, Files
from muddle.dataset.formats import DATA_FOLDER, FORMATS, NOTE, read_set, shard_name
from muddle.dataset.spec import Rows, Spec
from muddle.errors import DataError
from muddle.muddler import Muddler

PARTIAL = ".part"  # the end of a file's name while it is written, or when that was interrupted
TRIES = 100  # seeds that an image may take to look enough like a digit


class Outcome(NamedTuple):
    """The finished set: its images, the shards that were there before, and a sha256 that stands for all files."""

    count: int
    resumed: int
    sha256: str


def generate(
    muddler: Muddler, spec: Spec, folder: Path, *, form: str = "parquet", engine: str = "local", workers: int = 1
) -> Outcome:
    """Make the set in a folder, or the shards that are missing there.

    form: a key of FORMATS. engine: a key of ENGINES. The bytes depend neither on the engine nor on the number of
    workers. Raises DataError when another set is in the folder, when a file cannot be written, and when an image cannot
    be made; what is written stays, and a rerun resumes.
    """
    _claim(muddler, spec, form, folder)
    markers = [FORMATS[form].marker.format(shard_name(shard, spec.shards)) for shard in range(spec.shards)]
    missing = [shard for shard, marker in enumerate(markers) if not (folder / DATA_FOLDER / marker).exists()]
    task = partial(make_shard, muddler, spec, form)
    with _progress_bar(spec, missing) as bar:
        for shard, files in ENGINES[engine](task, missing, workers):
            _write_shard(folder / DATA_FOLDER, files, markers[shard])
            bar.update(len(spec.indices(shard)))
    return Outcome(spec.count, spec.shards - len(missing), _finish(muddler, spec, folder))


def make_shard(muddler: Muddler, spec: Spec, form: str, shard: int) -> Files:
    """The files of a shard by name: a pure function of its arguments.

    It computes in one thread: many processes with a thread each are faster than many threads on small networks.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return FORMATS[form].write(shard_name(shard, spec.shards), make_rows(muddler, spec, spec.indices(shard)))
    finally:
        torch.set_num_threads(threads)


def make_rows(muddler: Muddler, spec: Spec, indices: range) -> Rows:
    """The images with these numbers. Raises DataError where none of TRIES seeds gives one enough like a digit."""
    rows, tries = _make_rows(muddler, spec, np.array(indices, np.int64), attempt=0), 1
    while len(poor := np.flatnonzero(rows.likeness < spec.min_likeness)):
        if tries == TRIES:
            pair = f"{rows.digit[poor[0]]}-{rows.target[poor[0]]}"
            raise DataError(f"No image of {pair} has a likeness of {spec.min_likeness:g}: ask for less.")
        for column, replacement in zip(rows, _make_rows(muddler, spec, rows.index[poor], tries), strict=True):
            column[poor] = replacement
        tries += 1
    return rows


def _make_rows(muddler: Muddler, spec: Spec, index: np.ndarray, attempt: int) -> Rows:
    digit, target = np.array([spec.pairs[i % len(spec.pairs)] for i in index], np.int64).T
    seeds, balances = zip(*(spec.draw(i, attempt) for i in index), strict=True)
    batch = muddler.muddle_many(digit.tolist(), target.tolist(), seeds, balances=balances)
    row = np.arange(len(index))
    return Rows(
        index=index,
        image=batch.images,
        digit=digit,
        target=batch.targets,
        soft_label=batch.soft_labels,
        balance=np.array(balances),
        p_digit=batch.soft_labels[row, digit],
        p_target=batch.soft_labels[row, target],
        entropy=batch.entropy,
        likeness=batch.likeness,
        grey=batch.grey,
        seed=np.array(seeds, np.int64),
        source=batch.sources,
        partner=batch.partners,
    )


def _claim(muddler: Muddler, spec: Spec, form: str, folder: Path) -> None:
    """Note in the folder which set is made there; DataError if the folder holds anything but this very set."""
    note = folder / NOTE
    about = {"spec": spec.as_json(), "format": form, "version": muddler.version, "bundle": muddler.fingerprint}
    if note.exists():
        try:
            present = {key: value for key, value in json.loads(note.read_text()).items() if key in about}
        except (ValueError, AttributeError):
            present = {}
        if present != about:
            raise DataError(f"{folder}: another data set is there. Name another folder, or remove that one.")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [path for path in folder.iterdir() if not path.match(f"{NOTE}.*{PARTIAL}")]  # an interrupted note
    except OSError as error:
        raise DataError(f"{folder}: no folder can be made there ({error.strerror}). Name another one.") from error
    if others:
        raise DataError(f"{folder}: the folder is not empty and holds no data set. Name another one.")
    _write(note, _json(about))


def _finish(muddler: Muddler, spec: Spec, folder: Path) -> str:
    """Write the hashes of the data files, then the card: the sha256 of the list of all files' hashes."""
    for path in _files(folder):
        if path.suffix == PARTIAL:
            path.unlink()
    about = json.loads((folder / NOTE).read_text())
    about.pop("files", None)
    hashes = {_name(path, folder): _sha256(path.read_bytes()) for path in _files(folder / DATA_FOLDER)}
    _write(folder / NOTE, _json({**about, "files": hashes}))  # from here on the set can be read
    for name, data in card_files(muddler, spec, read_set(folder), about["format"]).items():
        _write(folder / name, data)
    names = {_name(path, folder): path for path in _files(folder)}
    listing = "".join(f"{hashes.get(name) or _sha256(path.read_bytes())}  {name}\n" for name, path in names.items())
    return _sha256(listing.encode())


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _write_shard(folder: Path, files: Files, marker: str) -> None:
    """Write a shard's files, last of all the one by whose presence a shard is known to be complete."""
    for name, data in sorted(files.items(), key=lambda item: item[0] == marker):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises DataError."""
    part = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise DataError(f"{path}: could not be written ({error.strerror}). What was made so far stays.") from error


def _progress_bar(spec: Spec, missing: list[int]):
    from tqdm import tqdm  # a dependency of the Hub's client

    there = spec.count - sum(len(spec.indices(shard)) for shard in missing)
    return tqdm(total=spec.count, initial=there, unit="image", desc="muddles", disable=None)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
