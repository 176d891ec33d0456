import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import hypothesis
import pytest

from muddle import Muddler
from muddle.bundle import EMBEDDED

ROOT = Path(__file__).parent.parent
hypothesis.settings.register_profile("muddle", deadline=None)  # first calls into torch are slow, and that is no failure
hypothesis.settings.load_profile("muddle")


@pytest.fixture(scope="session")
def muddler():
    return Muddler.from_pretrained(EMBEDDED)


@pytest.fixture
def bundle_copy(tmp_path):
    """A copy of the embedded bundle that a test may damage."""
    return Path(shutil.copytree(EMBEDDED, tmp_path / "bundle"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment(**changes):
    """This process's environment for a child: no telemetry, no bundle but the embedded one unless said."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUDDLE_", "HF_", "GRADIO_"))}
    return {**kept, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", **changes}


@contextlib.contextmanager
def serving(cwd=ROOT, wait=60, **changes):
    """`python app.py`, as a user starts it, on a free port: yields its address."""
    port = free_port()
    log = open(os.path.join(os.environ.get("TMPDIR", "/tmp"), f"muddle-app-{port}.log"), "w+")  # noqa: SIM115
    child = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=cwd,
        env=environment(GRADIO_SERVER_PORT=str(port), **changes),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, child, log, wait)
        yield address
    finally:
        child.terminate()
        child.wait(10)
        log.close()
        os.unlink(log.name)


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


@pytest.fixture(scope="session")
def app():
    """The address of a running app, shared by all tests that only talk to it."""
    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        path = os.environ.get("MUDDLE_CHROMIUM") or shutil.which("chromium") or None
        chromium = playwright.chromium.launch(executable_path=path, args=[*flags, "--disable-component-update"])
        yield chromium
        chromium.close()
