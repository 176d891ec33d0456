"""Makes a data set in a folder: by one process or several, or on a Ray cluster; resumes what was interrupted."""

import contextlib
import hashlib
import json
import logging
import multiprocessing
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import torch

from muddle import datacard
from muddle.dataset.spec import Spec, rows_of
from muddle.errors import DataError
from muddle.dataset.formats import FOLDER, FORMATS, read_set, stem
from muddle.muddler import Muddler

Files = dict[str, bytes]
Engine = Callable[[Muddler, Spec, str, list[int], int], Iterator[tuple[int, Files]]]


class Made(NamedTuple):
    """What is in the folder: how many images, how many shards were there before, and the sha256 of all files."""

    count: int
    resumed: int
    sha256: str


def make(
    muddler: Muddler, spec: Spec, folder: Path, *, form: str = "parquet", engine: str = "local", workers: int = 1
) -> Made:
    """Makes the set, or what is missing of it; the same bytes whatever the engine and the number of workers.

    form: a key of FORMATS. engine: a key of ENGINES. Each shard is written whole or not at all, so that a start after
    a kill goes on where the last one stopped. Raises DataError when another set is in the folder.
    """
    spec = spec.checked()
    _claim(muddler, spec, form, folder)
    names = [FORMATS[form].first.format(stem(shard, spec.shards)) for shard in range(spec.shards)]
    missing = [shard for shard, name in enumerate(names) if not (folder / FOLDER / name).exists()]
    with _progress(spec, missing) as bar:
        for shard, files in ENGINES[engine](muddler, spec, form, missing, workers):
            _write(folder / FOLDER, files, last=names[shard])
            bar.update(len(spec.places(shard)))
    return Made(spec.count, spec.shards - len(missing), _finish(muddler, spec, folder))


def shard_files(muddler: Muddler, spec: Spec, form: str, shard: int) -> Files:
    """The files of a shard by name: a pure function of its arguments."""
    return FORMATS[form].write(stem(shard, spec.shards), rows_of(muddler, spec, spec.places(shard)))


def available() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _alone(muddler: Muddler, spec: Spec, form: str, shard: int) -> Files:
    """`shard_files` on one processor, which is where many processes are fastest."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return shard_files(muddler, spec, form, shard)
    finally:
        torch.set_num_threads(threads)


def _local(muddler: Muddler, spec: Spec, form: str, shards: list[int], workers: int) -> Iterator[tuple[int, Files]]:
    if min(workers, len(shards)) < 2:
        for shard in shards:
            yield shard, _alone(muddler, spec, form, shard)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(shards)), mp_context=context, initializer=_end_with_parent)
    try:
        running = {pool.submit(_alone, muddler, spec, form, shard): shard for shard in shards}
        for done in as_completed(running):
            yield running.pop(done), done.result()
    except BrokenProcessPool as error:
        text = "A worker was ended from outside, perhaps for want of memory. Give the command again, and it goes on."
        raise DataError(text) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Lets this process end when the one that started it is gone, as after a kill; else it would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _ray(muddler: Muddler, spec: Spec, form: str, shards: list[int], workers: int) -> Iterator[tuple[int, Files]]:
    """On the cluster that RAY_ADDRESS names, else on one of `workers` processes that starts and ends here.

    A shard whose worker dies is made again by another.
    """
    try:
        import ray
    except ImportError as error:
        raise DataError("--engine ray needs Ray: pip install ray.") from error
    package = Path(__file__).parent
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address := os.environ.get("RAY_ADDRESS"):
            _knock(address)
            ray.init(runtime_env={"py_modules": [str(package)]}, **quiet)
        else:
            here = {"env_vars": {"PYTHONPATH": str(package.parent)}}
            ray.init(num_cpus=workers, include_dashboard=False, runtime_env=here, **quiet)
        work = ray.remote(num_cpus=1, max_retries=-1)(_alone)
        shared = ray.put(muddler)
        running = {work.remote(shared, spec, form, shard): shard for shard in shards}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            yield running.pop(done), ray.get(done)
    except (ray.exceptions.RayError, OSError) as error:
        raise DataError(f"Ray could not do it. {str(error).strip().splitlines()[-1]}") from error
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """OSError unless somebody answers there: Ray itself would go on asking for many minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


ENGINES: dict[str, Engine] = {"local": _local, "ray": _ray}


def _claim(muddler: Muddler, spec: Spec, form: str, folder: Path) -> None:
    """Notes in the folder what is made there, or finds that it is this very set."""
    note = folder / "dataset.json"
    about = {"spec": spec.as_json(), "format": form, "version": muddler.version, "bundle": muddler.bundle.fingerprint}
    if note.exists():
        try:
            before = {key: value for key, value in json.loads(note.read_text()).items() if key in about}
        except (ValueError, AttributeError):
            before = {}
        if before != about:
            raise DataError(f"{folder}: another data set is there. Name another folder, or remove that one.")
    elif folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder}: the folder is not empty and holds no data set. Name another one.")
    else:
        try:
            (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{folder}: no folder can be made there ({error.strerror}). Name another one.") from error
        _replace(note, _json(about))


def _finish(muddler: Muddler, spec: Spec, folder: Path) -> str:
    """Writes card, pictures and the list of hashes; the sha256 of that list stands for the set."""
    _remove_unfinished(folder)
    about = json.loads((folder / "dataset.json").read_text())
    about.pop("files", None)
    hashes = {_name(path, folder): _sha256(path.read_bytes()) for path in _files(folder / FOLDER)}
    _replace(folder / "dataset.json", _json({**about, "files": hashes}))  # whole from here on
    for name, data in datacard.files(muddler, spec, read_set(folder), about["format"]).items():
        _replace(folder / name, data)
    named = [(_name(path, folder), path) for path in _files(folder)]
    listed = "".join(f"{hashes.get(name) or _sha256(path.read_bytes())}  {name}\n" for name, path in named)
    return _sha256(listed.encode())


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _remove_unfinished(folder: Path) -> None:
    for path in _files(folder):
        if path.name.endswith(".part"):
            path.unlink()


def _write(folder: Path, files: Files, *, last: str) -> None:
    """Writes a shard's files; the one that says that the shard is there comes last."""
    for name, data in sorted(files.items(), key=lambda item: item[0] == last):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        _replace(folder / name, data)


def _replace(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
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


def _progress(spec: Spec, missing: list[int]):
    from tqdm import tqdm  # the Hub's client brings it along

    there = spec.count - sum(len(spec.places(shard)) for shard in missing)
    return tqdm(total=spec.count, initial=there, unit="image", desc="muddles", disable=None)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
