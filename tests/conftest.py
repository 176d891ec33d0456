import os
import shutil
from collections import defaultdict
from pathlib import Path

import hypothesis
import pytest
from support.processes import serving

from muddle import Muddler
from muddle.bundle.files import EMBEDDED

hypothesis.settings.register_profile("muddle", deadline=None)  # first calls into torch are slow, and that is no failure
hypothesis.settings.load_profile("muddle")


def pytest_collection_modifyitems(items):
    """Files that need the app come last, as it takes a part of a processor though nobody asks.

    First among them are those with a browser, which take long.
    """
    needs = defaultdict(set)
    for item in items:
        needs[item.path].update(item.fixturenames)
    items.sort(key=lambda item: ("app" in needs[item.path], "launch_browser" not in needs[item.path]))


@pytest.fixture(scope="session")
def muddler():
    return Muddler.from_pretrained(EMBEDDED)


@pytest.fixture(scope="session")
def networks():
    """The networks in a process of their own, as the page has them."""
    from muddle.ui.networks import Networks

    networks = Networks(str(EMBEDDED))
    networks.start()
    yield networks
    networks.close()


@pytest.fixture
def bundle_copy(tmp_path):
    """A copy of the embedded bundle that a test may damage."""
    return Path(shutil.copytree(EMBEDDED, tmp_path / "bundle"))


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
def launch_browser():
    """Starts a browser, with its profile in a folder and more flags if need be.

    The profile keeps compiled scripts, so that a second visit is quicker."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    path = os.environ.get("MUDDLE_CHROMIUM") or shutil.which("chromium") or None
    flags.append("--disable-component-update")
    with sync_playwright() as playwright:

        def launch(folder, *more):
            return playwright.chromium.launch_persistent_context(folder, executable_path=path, args=[*flags, *more])

        yield launch
