"""Engines: where the shards of a data set are computed; in processes of this machine, or on a Ray cluster."""

import functools
import logging
import multiprocessing
import os
import pickle
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from muddle.dataset.formats import Files
from muddle.errors import DataError
from muddle.processes import end_with_parent

Task = Callable[[int], Files]  # from a shard's number to its files; can be pickled
Engine = Callable[[Task, list[int], int], Iterator[tuple[int, Files]]]  # task, shards, workers -> shards as they finish

KNOCK_TIMEOUT = 10  # seconds for a Ray cluster to accept a connection


def run_locally(task: Task, shards: list[int], workers: int) -> Iterator[tuple[int, Files]]:
    """The shards from `workers` processes, or from this one if there is work for one only.

    Raises DataError when a process is killed.
    """
    workers = min(workers, len(shards))
    if workers < 2:
        for shard in shards:
            yield shard, task(shard)
        return
    spawn = multiprocessing.get_context("spawn")  # a forked process would inherit torch's threads in any state
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin_worker)
    try:
        data = pickle.dumps(task)  # multiprocessing's own way would share torch's tensors by files that must stay open
        running = {pool.submit(_call_pickled, data, shard): shard for shard in shards}
        for done in as_completed(running):
            yield running.pop(done), done.result()
    except BrokenProcessPool as error:
        text = "A worker process was killed, perhaps for want of memory. Rerun the command to resume."
        raise DataError(text) from error
    finally:
        pool.shutdown(cancel_futures=True)


def run_on_ray(task: Task, shards: list[int], workers: int) -> Iterator[tuple[int, Files]]:
    """The shards from the Ray cluster that RAY_ADDRESS names, else from one of `workers` processes that ends here.

    A shard whose process dies is computed again by another. Raises DataError when Ray is missing or fails.
    """
    try:
        import ray
    except ImportError as error:
        raise DataError("--engine ray needs Ray: pip install ray.") from error
    package = Path(__file__).parent.parent
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address := os.environ.get("RAY_ADDRESS"):
            _knock(address)
            ray.init(runtime_env={"py_modules": [str(package)]}, **quiet)
        else:
            environment = {"env_vars": {"PYTHONPATH": str(package.parent)}}
            ray.init(num_cpus=workers, include_dashboard=False, runtime_env=environment, **quiet)
        remote = ray.remote(num_cpus=1, max_retries=-1)(_call)
        shared = ray.put(task)
        running = {remote.remote(shared, shard): shard for shard in shards}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            yield running.pop(done), ray.get(done)
    except (ray.exceptions.RayError, OSError) as error:
        raise DataError(f"Ray could not do it. {str(error).strip().splitlines()[-1]}") from error
    finally:
        ray.shutdown()


ENGINES: dict[str, Engine] = {"local": run_locally, "ray": run_on_ray}


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an interrupted worker ends in silence
    end_with_parent()


def _call(task: Task, shard: int) -> Files:
    return task(shard)


def _call_pickled(data: bytes, shard: int) -> Files:
    return _unpickled(data)(shard)


@functools.lru_cache(maxsize=1)
def _unpickled(data: bytes) -> Task:
    return pickle.loads(data)


def _knock(address: str) -> None:
    """OSError unless a server listens at the address: Ray itself would go on asking for many minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_TIMEOUT).close()
