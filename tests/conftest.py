import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
from browsing import RESULT

from muddle import Muddler
from muddle.bundle.files import EMBEDDED

ROOT = Path(__file__).parent.parent
hypothesis.settings.register_profile("muddle", deadline=None)  # first calls into torch are slow, and that is no failure
hypothesis.settings.load_profile("muddle")


@pytest.fixture(scope="session")
def muddler():
    return Muddler.from_pretrained(EMBEDDED)


@pytest.fixture(scope="session")
def service():
    """The networks in a process of their own, as the page asks them."""
    from muddle.ui.service import Service

    service = Service(str(EMBEDDED))
    service.start()
    yield service
    service.close()


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


def about(address):
    """What a running app says of its bundle, once that is loaded."""
    request = urllib.request.Request(
        f"{address}/gradio_api/run/about", b'{"data": []}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"][0]["bundle"]


def finished(coroutine):
    """What a coroutine returns; in a thread of its own, since playwright keeps an event loop in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Served(NamedTuple):
    address: str
    pid: int


@contextlib.contextmanager
def serving(cwd=ROOT, wait=60, port=None, folder=None, program=("app.py",), **changes):
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
        [sys.executable, *program],
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
def app_folder(tmp_path_factory):
    """Where the shared app has its app.log, and what it writes to the disk, if anything, in tmp."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="session")
def app(app_folder):
    """The address of a running app, shared by all tests that only talk to it."""
    with serving(folder=app_folder) as served:
        yield served.address


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        path = os.environ.get("MUDDLE_CHROMIUM") or shutil.which("chromium") or None
        chromium = playwright.chromium.launch(executable_path=path, args=[*flags, "--disable-component-update"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(app, browser):
    """Opens the page with a query, at the shared app or another, and waits for its first result.

    Fails at the end on any error or warning in the console, unless a part of its text was put into `visit.expected`,
    and on any request to elsewhere.
    """
    contexts, troubles = [], []

    def go(query="", at=app, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: troubles.append(r.url) if not r.url.startswith((at, "data:", "blob:")) else None)
        page.goto(at + query)
        page.wait_for_selector(f"{RESULT}[data-muddle]")
        return page

    go.expected = []
    yield go
    for context in contexts:
        context.close()
    assert not [text for text in troubles if not any(part in text for part in go.expected)]
