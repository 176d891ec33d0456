import os
import signal
import subprocess
import sys

from support.processes import ROOT, environment

from muddle.processes import available_processors

PARENT = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from muddle.processes import end_with_parent

pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent)
assert pool.submit(os.getpid).result() != os.getpid()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_there_is_a_processor():
    assert 1 <= available_processors() <= os.cpu_count()


def test_a_process_ends_with_the_one_that_started_it():
    """The output of the killed process is at its end only when its child, which holds it too, has ended."""
    done = subprocess.run(
        [sys.executable, "-c", PARENT], cwd=ROOT, env=environment(), capture_output=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
