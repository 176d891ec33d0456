"""The app as it is started: how it tells visitors apart, goes on when something goes wrong, and ends."""

import json
import os
import re
import signal
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from starlette.requests import Request
from support.http import ask, call
from support.loops import finished, until
from support.processes import ROOT, about, environment, free_port, networks_of, output, serving, serving_here
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from muddle.export.serialize import data_uri
from muddle.ui.http import client_of
from muddle.ui.networks import CAPACITY, TOGETHER, Networks
from muddle.ui.serve import PROXIES, ask_for_no_gpu

# What it is made of.


def libraries(pid):
    """The parts of torch that a process has loaded."""
    return {name for file in psutil.Process(pid).memory_maps() if "torch" in (name := os.path.basename(file.path))}


def test_the_page_waits_for_no_torch(own):
    assert libraries(networks_of(own).pid)
    assert not libraries(own.pid)


def test_the_module_that_starts_all_loads_neither_gradio_nor_torch():
    code = "import json, sys, muddle.ui.serve; print(json.dumps(sorted({'torch', 'gradio'} & set(sys.modules))))"
    assert json.loads(output(code)) == []


@pytest.fixture(scope="module")
def page():
    """A page that is served by this process, and has no networks."""
    with serving_here(Networks()) as (page, _):
        yield page


def test_calls_share_one_session_and_visitors_have_their_own(page):
    sessions = page.app.state_holder
    one, other, visitor = sessions["0" * 32], sessions["f" * 32], sessions["ab12cd34ef"]
    assert one is other
    assert visitor is not one
    assert visitor is not sessions["another"]
    assert len(sessions.session_data) == 3


def test_only_the_ways_that_are_fair_are_open(page):
    assert page.api_open is False


def test_who_is_a_proxy_is_told_to_the_server(page):
    assert page.server.config.forwarded_allow_ips == PROXIES


# Turns.


def client(peer, forwarded=None):
    """Whom the app takes for the client of a connection from `peer`."""
    seen = []

    async def app(scope, receive, send):
        seen.append(client_of(Request(scope)))

    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "headers": headers, "client": (peer, 1234), "scheme": "http"}
    finished(ProxyHeadersMiddleware(app, trusted_hosts=PROXIES)(scope, None, None))
    return seen[0]


@pytest.mark.parametrize("proxy", ["127.0.0.1", "::1", "10.16.3.4", "172.17.0.1", "192.168.1.1", "fd00::1"])
def test_a_client_is_whom_the_proxy_saw_whatever_it_writes_before_that(proxy):
    written = ["203.0.113.9", "6.6.6.1, 203.0.113.9", "6.6.6.2, 203.0.113.9", "6.6.6.3, 203.0.113.9, 10.0.0.7"]
    assert {client(proxy, value) for value in written} == {"203.0.113.9"}
    assert client(proxy, "6.6.6.1, 198.51.100.7") == "198.51.100.7"


def test_a_client_that_is_no_proxy_is_itself_whatever_it_writes():
    assert {client("203.0.113.9", value) for value in (None, "6.6.6.1", "127.0.0.1")} == {"203.0.113.9"}


def test_nothing_of_a_call_is_in_the_page_of_the_next_visitor(app, muddler):
    before = [ask(f"{app}{path}")[2] for path in ("/", "/config")]
    image = data_uri(muddler.bundle.exemplars.images[1020].numpy())
    assert call(app, "muddle_image", {"image": image})[0] is None
    assert [ask(f"{app}{path}")[2] for path in ("/", "/config")] == before


# One life of an app of this file's own.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("life")


@pytest.fixture(scope="module")
def own(folder):
    with serving(folder=folder, program=("tests/support/faulty.py",)) as served:
        about(served.address)
        yield served


def test_a_crowd_behind_a_proxy_gets_one_fair_answer(own):
    """A client that writes other addresses before its own takes no more turns; another is served meanwhile."""
    excess = 10
    crowd = TOGETHER + CAPACITY + excess

    def muddle(seed, written):
        return ask(f"{own.address}/muddle.png?digit=5&target=8&steps=2&seed={seed}", **{"X-Forwarded-For": written})

    networks = networks_of(own)
    networks.suspend()  # so that all of them wait
    try:
        with ThreadPoolExecutor(crowd + 1) as threads:
            greedy = [threads.submit(muddle, i, f"6.6.6.{i}, 203.0.113.9") for i in range(crowd)]
            until(lambda: sum(one.done() for one in greedy) >= excess)
            modest = threads.submit(muddle, 1000, "198.51.100.7")
            until(lambda: sum(one.done() for one in greedy) >= excess + 1)
            networks.resume()
            answers = [one.result() for one in greedy]
            assert modest.result()[0] == 200
    finally:
        networks.resume()
    busy = [headers for status, headers, _ in answers if status == 503]
    assert excess + 1 <= len(busy) <= excess + TOGETHER  # as many as the first turn took are no longer waiting
    assert all(headers["X-Error-Code"] == "busy" and int(headers["Retry-After"]) >= 1 for headers in busy)
    assert all(status == 200 for status, _, _ in answers if status != 503)


def test_killed_networks_come_back_and_the_log_says_so(own, folder):
    networks_of(own).kill()
    assert ask(own.address)[0] == 200  # the page is there meanwhile
    assert ask(f"{own.address}/muddle.png?digit=4&seed=9")[0] == 200
    log = (folder / "app.log").read_text()
    assert re.search(r"WARNING the process with the networks has ended", log)
    assert log.count("INFO ready after") == 2
    assert "Traceback" not in log


def test_a_clock_that_jumps_disturbs_nobody(own, folder):
    for seed, jump in enumerate([signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1]):
        os.kill(own.pid, jump)
        assert ask(f"{own.address}/muddle.png?digit=4&seed={seed}")[0] == 200
        code, answer = call(own.address, "muddle", {"digit": 4, "seed": seed})
        assert (code, answer["seed"]) == (None, seed)
    assert "Traceback" not in (folder / "app.log").read_text()


def test_it_ends_when_it_is_told_to_without_a_warning_and_leaves_nobody_behind(own, folder):
    """The last of this life."""
    page = psutil.Process(own.pid)
    children = page.children(recursive=True)
    begun = len((folder / "app.log").read_text())
    page.terminate()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert gone
    assert not alive
    until(lambda: page.status() == psutil.STATUS_ZOMBIE)  # its parent, which runs this test, has yet to ask for its end
    assert (folder / "app.log").read_text()[begun:] == ""


# Starts that fail.


def test_a_bundle_that_cannot_be_used_ends_the_app_with_a_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "muddle", "serve", "--bundle", str(tmp_path), "--port", str(free_port())],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# ZeroGPU.


def test_a_gpu_is_asked_for_on_zero_gpu_only(monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=lambda work: asked.append(work) or work))
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert ask_for_no_gpu() is None
    assert not asked
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert ask_for_no_gpu() is asked[0]


def test_elsewhere_the_platforms_package_is_not_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)  # importing it would fail
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert ask_for_no_gpu() is None
