import signal
import subprocess
import sys

import pytest
from support.processes import ROOT, environment
from support.shards import square, square_but_die_at_2, square_but_refuse_2

from muddle.dataset.engines import ENGINES, run_locally, run_on_ray
from muddle.errors import DataError

SQUARES = {shard: square(shard) for shard in range(5)}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_shard_comes_once_whatever_the_number_of_processes(workers):
    results = list(run_locally(square, [0, 1, 2, 3, 4], workers))
    assert dict(results) == SQUARES
    assert len(results) == 5


def test_without_a_shard_to_make_no_process_starts():
    assert list(run_locally(square, [], 4)) == []


def test_a_process_that_is_killed_is_a_data_error():
    results = {}
    with pytest.raises(DataError) as caught:
        results.update(run_locally(square_but_die_at_2, [0, 1, 2, 3, 4], 2))
    assert caught.value.code == "data"
    assert results.items() <= SQUARES.items()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_shard_comes_through(workers):
    with pytest.raises(DataError, match="shard 2 cannot be made"):
        dict(run_locally(square_but_refuse_2, [0, 1, 2, 3, 4], workers))


def test_processes_end_with_the_one_that_started_them():
    """The output of the killed process is at its end only when those that it started, which hold it too, have ended."""
    code = """
import os, signal
from muddle.dataset.engines import run_locally
from support.shards import square
for _ in run_locally(square, list(range(100)), 2):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    child = environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}")
    done = subprocess.run([sys.executable, "-c", code], env=child, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_ray_cluster_that_cannot_be_reached_is_a_data_error(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(DataError) as caught:
        dict(run_on_ray(square, [0], 1))
    assert caught.value.code == "data"


def test_a_missing_ray_is_a_data_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match="pip install ray"):
        dict(run_on_ray(square, [0], 1))


def test_the_engines_are_those_that_the_command_line_names():
    assert {"local": run_locally, "ray": run_on_ray} == ENGINES
