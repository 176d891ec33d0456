"""Processes that tests start: the app as a user starts it, and commands in a clean environment."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import psutil

from support.http import call
from support.loops import finished

ROOT = Path(__file__).parent.parent.parent


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment(**changes):
    """This process's environment for a child: no telemetry, no bundle but the embedded one unless said."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUDDLE_", "HF_", "GRADIO_"))}
    return {**kept, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", **changes}


def output(code, **changes):
    """The standard output of a Python program in a process of its own, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def about(address):
    """The bundle that a running app names, once it is loaded."""
    code, content = call(address, "about", [])
    assert code is None, content
    return content["bundle"]


class Served(NamedTuple):
    address: str
    pid: int


def networks_of(served):
    """The app's process with the networks: the child that is not one of Python's helpers, which are small."""
    return max(psutil.Process(served.pid).children(), key=lambda child: child.memory_info().rss)


@contextlib.contextmanager
def serving(cwd=ROOT, wait=60, port=None, folder=None, program=("app.py",), python=sys.executable, **changes):
    """`python app.py`, as a user starts it, or another program, on a free port.

    In `folder`, if given, are app.log and its TMPDIR, tmp."""
    port = port or free_port()
    if folder is None:
        name = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"muddle-app-{port}.log")
    else:
        name = folder / "app.log"
        (folder / "tmp").mkdir()
        changes = {"TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1", **changes}
    log = open(name, "w+")  # noqa: SIM115
    child = subprocess.Popen(
        [python, *program],
        cwd=cwd,
        env=environment(GRADIO_SERVER_PORT=str(port), **changes),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, child, log, wait)
        yield Served(address, child.pid)
    finally:
        child.terminate()
        child.wait(10)
        log.close()
        os.unlink(log.name)


@contextlib.contextmanager
def serving_here(networks, votes=None):
    """A page that is served by this process, as gradio's Blocks, and its address."""
    from muddle.ui.serve import launch

    async def launched():  # without an event loop, gradio would make several and close none
        return launch(networks, votes, server_port=free_port())

    page, address = finished(launched())
    yield page, address.rstrip("/")
    page.close()


def wait_for(address, child, log, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child.poll() is not None:
            break
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"the app did not answer at {address}:\n{log.read()}")
