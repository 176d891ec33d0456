"""The app where something is wrong: it goes on, or comes back by itself, and its log says what happened."""

import os
import re
import signal
import time

import psutil
from support.http import ask, post
from support.processes import about, serving

from muddle.ui import disk

FAULTY = "tests/faulty.py"


def processes(app):
    """The page's process, and the one with the networks."""
    page = psutil.Process(app.pid)
    return page, max(page.children(), key=lambda child: child.memory_info().rss)


def test_a_full_disk_stops_nothing(tmp_path, muddler):
    with serving(folder=tmp_path, program=(FAULTY, "disk")) as app:
        about(app.address)
        status, _, picture = ask(f"{app.address}/muddle.gif?digit=4&seed=8")
        assert (status, picture[:6]) == (200, b"GIF89a")
        assert ask(app.address)[0] == 200
        assert not (tmp_path / "app.log").read_text()  # it was full indeed


def test_where_nothing_can_be_written_torch_and_gradio_are_told_of_memory(monkeypatch, caplog):
    monkeypatch.setattr(disk.tempfile, "tempdir", None)
    monkeypatch.setattr(disk.tempfile, "_get_default_tempdir", lambda: (_ for _ in ()).throw(FileNotFoundError))
    disk.need_none()
    assert os.path.isdir(disk.tempfile.gettempdir())


def test_a_clock_that_jumps_disturbs_nobody(tmp_path):
    with serving(folder=tmp_path, program=(FAULTY, "clock")) as app:
        about(app.address)
        for seed, jump in enumerate([signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1]):
            os.kill(app.pid, jump)
            time.sleep(0.2)
            assert ask(f"{app.address}/muddle.png?digit=4&seed={seed}")[0] == 200
            _, _, answer = post(f"{app.address}/gradio_api/run/muddle", {"data": [4, None, "balanced", 11, seed]})
            assert answer["data"][0]["seed"] == seed
        assert "Traceback" not in (tmp_path / "app.log").read_text()


def test_killed_networks_come_back_and_the_log_says_so(tmp_path):
    with serving(folder=tmp_path) as app:
        about(app.address)
        processes(app)[1].kill()
        assert ask(app.address)[0] == 200  # the page is there meanwhile
        assert ask(f"{app.address}/muddle.png?digit=4&seed=9")[0] == 200
        log = (tmp_path / "app.log").read_text()
        assert re.search(r"WARNING the process with the networks ended after \d+ s \(exit code -9\); starting it", log)
        assert log.count("INFO ready after") == 2
        assert "Traceback" not in log


def test_networks_that_cannot_be_loaded_are_a_sentence_to_whoever_waits(tmp_path):
    broken = tmp_path / "site"
    broken.mkdir()
    (broken / "torch.py").write_text("raise MemoryError")
    with serving(folder=tmp_path, PYTHONPATH=str(broken)) as app:
        for path in ("muddle.png?digit=4", "muddle.json?digit=5"):
            status, headers, text = ask(f"{app.address}/{path}")
            assert (status, headers["X-Error-Code"]) == (503, "busy")
            assert f"cannot be loaded just now. Try again in {headers['Retry-After']} s." in text.decode()
        assert ask(app.address)[0] == 200


def test_it_ends_when_it_is_told_to_and_leaves_nobody_behind(tmp_path):
    with serving(folder=tmp_path) as app:
        about(app.address)
        family = [psutil.Process(app.pid), *psutil.Process(app.pid).children(recursive=True)]
        os.kill(app.pid, signal.SIGTERM)
        gone, alive = psutil.wait_procs(family[1:], timeout=10)
        assert not alive
        assert gone


def test_pictures_that_are_refused_leave_no_memory_behind(tmp_path):
    with serving(folder=tmp_path) as app:
        about(app.address)
        page, _ = processes(app)
        before = page.memory_info().rss
        for _ in range(30):
            _, _, job = post(f"{app.address}/gradio_api/call/v2/muddle_image", {"image": "A" * 6_900_000})
            _, _, told = ask(f"{app.address}/gradio_api/call/muddle_image/{job['event_id']}")
            assert b"bad-image" in told
        assert page.memory_info().rss - before < 110_000_000  # of 200 MB that were sent
