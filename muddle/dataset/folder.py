"""A data set's folder: what it says of itself, and files that are checked against their hashes whenever they are read.

dataset.json tells which set it is; SHA256SUMS lists every data file with its hash, as `sha256sum -c` reads it. A shard
is there once its files are listed, which happens after they are written: so a stop at any time leaves whole shards.
"""

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from muddle.dataset.formats import FORMATS, Files
from muddle.dataset.spec import Rows, Spec, parse_pairs
from muddle.errors import ArgumentError, DataError
from muddle.result import concatenate
from muddle.storage import PARTIAL, write_whole

NOTE, SUMS, DATA = "dataset.json", "SHA256SUMS", "data"
FINISHED = "sums"  # the key of the note that a finished set has: the sha256 of its SHA256SUMS


class SetFolder:
    """The folder of one set, which is there or is to be made."""

    def __init__(self, folder: str | Path):
        self.path = Path(folder)

    def read_note(self) -> dict[str, Any]:
        """What the set says of itself. Raises DataError where there is none."""
        try:
            note = json.loads((self.path / NOTE).read_text())
            if note["format"] not in FORMATS:
                raise ValueError
            return note
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.path}: there is no data set here. Make one: python -m muddle dataset.") from error

    def claim(self, about: dict[str, Any]) -> None:
        """Note in the folder which set is made there. Raises DataError if it holds anything but this very set."""
        if (self.path / NOTE).is_file():
            try:
                present = json.loads((self.path / NOTE).read_text())
                same = {key: present.get(key) for key in about} == about
            except (ValueError, AttributeError):
                same = False
            if not same:
                raise DataError(f"{self.path}: another data set is there. Name another folder, or remove that one.")
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            others = [path for path in self.path.iterdir() if not path.match(f"{NOTE}.*{PARTIAL}")]  # interrupted
        except OSError as error:
            raise DataError(
                f"{self.path}: no folder can be made there ({error.strerror}). Name another one."
            ) from error
        if others:
            raise DataError(f"{self.path}: the folder is not empty and holds no data set. Name another one.")
        self.write(NOTE, as_json(about))

    def sums(self) -> dict[str, str]:
        """The hashes of the data files by name. A last line that an interruption cut short is removed."""
        try:
            text = (self.path / SUMS).read_text()
        except OSError:
            return {}
        if not text.endswith("\n"):
            text = text[: text.rfind("\n") + 1]
            self.write(SUMS, text.encode())
        return {name: digest for digest, name in re.findall(rf"^([0-9a-f]{{64}})  {DATA}/(.+)\n", text, re.MULTILINE)}

    def read_files(self, shard: str, sums: dict[str, str]) -> Files:
        """The files of a shard, which are those that are listed. Raises DataError when one is changed or missing."""
        files = {}
        for name in names_of(shard, sums):
            path = self.path / DATA / name
            try:
                files[name] = path.read_bytes()
            except OSError as error:
                raise DataError(f"{path} is missing. Rerun the data set's command to make it again.") from error
            if sha256(files[name]) != sums[name]:
                raise DataError(f"{path} was changed since it was made. Remove it and rerun the data set's command.")
        return files

    def add_shard(self, files: Files, sums: dict[str, str]) -> None:
        """Write a shard's files, and then list them. Raises DataError, also when they differ from what is listed."""
        hashes = {name: sha256(data) for name, data in files.items()}
        for name, digest in hashes.items():
            if sums.get(name, digest) != digest:
                raise DataError(f"{self.path / DATA / name}: made again, it is not what it was. Remove the folder.")
        for name, data in files.items():
            self.write(f"{DATA}/{name}", data)
        new = "".join(f"{digest}  {DATA}/{name}\n" for name, digest in hashes.items() if name not in sums)
        try:
            with open(self.path / SUMS, "a") as file:
                file.write(new)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"{self.path / SUMS}: could not be written ({error.strerror}).") from error

    def is_missing(self, shard: str, last: str, sums: dict[str, str]) -> bool:
        """Whether a shard is to be made, or made again. Raises DataError when one of its files is changed.

        last: the ending of its last file.
        """
        names = list(names_of(shard, sums))
        if shard + last not in names or not all((self.path / DATA / name).is_file() for name in names):
            return True
        self.read_files(shard, sums)
        return False

    def join(self, split: str, parts: Iterable[str], name: str, sums: dict[str, str]) -> None:
        """Write a file of a split that is others one after another."""
        self.add_shard({f"{split}/{name}": b"".join((self.path / DATA / part).read_bytes() for part in parts)}, sums)

    def finish(self, about: dict[str, Any]) -> str:
        """Sort the list and mark the set as finished; returns the sha256 of the list, which stands for all data."""
        for path in self.path.rglob(f"*{PARTIAL}"):
            path.unlink()
        lines = "".join(f"{digest}  {DATA}/{name}\n" for name, digest in sorted(self.sums().items()))
        self.write(SUMS, lines.encode())
        self.write(NOTE, as_json({**about, FINISHED: sha256(lines.encode())}))
        return sha256(lines.encode())

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the folder whole or not at all. Raises DataError."""
        path = self.path / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
        except OSError as error:
            text = f"{path}: could not be written ({error.strerror}). What was made so far stays."
            raise DataError(text) from error

    def fingerprint(self, split: str | None = None) -> str:
        """The sha256 of a finished set's list of files; of one split that of its part of the list."""
        lines = (
            f"{digest} {name}\n"
            for name, digest in self.sums().items()
            if split is None or name.startswith(f"{split}/")
        )
        return self.read_note()[FINISHED] if split is None else sha256("".join(lines).encode())

    def read(self, split: str | None = None) -> Rows:
        """See read_dataset."""
        note, sums = self.read_note(), self.sums()
        try:
            listing = (self.path / SUMS).read_bytes()
        except OSError:
            listing = b""
        if FINISHED not in note:
            raise DataError(f"{self.path}: the data set is not finished. Rerun its command to resume.")
        if sha256(listing) != note[FINISHED]:
            raise DataError(f"{self.path / SUMS} was changed since it was made. Rerun the data set's command.")
        try:
            spec = spec_of(note)
        except (ArgumentError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{self.path / NOTE}: its specification cannot be read ({error}).") from error
        if split is not None and split not in spec.splits:
            raise ArgumentError("split", split, " or ".join(spec.splits))
        form = FORMATS[note["format"]]
        try:
            parts = [form.read(self.read_files(s.name, sums)) for s in spec.parts() if split in (None, s.split)]
            return concatenate(parts)
        except DataError:
            raise
        except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.path}: made by another version, or damaged ({error}). Make it again.") from error


def read_dataset(folder: str | Path, split: str | None = None) -> Rows:
    """The rows of a finished data set, in the order of `index`. Every file is checked against its hash.

    split: "train" or "test"; None for all. Raises DataError when the set is missing, unfinished or damaged,
    ArgumentError for a split that it does not have.
    """
    return SetFolder(folder).read(split)


def spec_of(note: dict[str, Any]) -> Spec:
    """The specification in a note."""
    return Spec(**{**note["spec"], "pairs": parse_pairs(note["spec"]["pairs"])})


def names_of(shard: str, names: dict[str, str]) -> Iterator[str]:
    """The names of a shard's files among others, in their order."""
    return (name for name in names if name.startswith((f"{shard}.", f"{shard}/")))


def as_json(value: object) -> bytes:
    """JSON for a file that people may look at."""
    return (json.dumps(value, indent=1) + "\n").encode()


def sha256(data: bytes) -> str:
    """The hash in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
