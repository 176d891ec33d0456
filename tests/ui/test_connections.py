"""Connections that never finish: nobody waits for them, and whoever speaks finds room."""

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
import threading
import time

import pytest
import uvicorn
from support.http import ask
from support.loops import finished
from support.processes import ROOT, free_port

from muddle.errors import BusyError, RequestError
from muddle.ui import bodies, connections
from muddle.ui.bodies import Bodies

HALF = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def many_files():
    """As many open files as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def opened(port, count, sent=HALF):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(count)]
        for one in sockets:
            one.sendall(sent)
        yield sockets


def is_closed(connection, seconds):
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "sent",
    [HALF, b"", b"POST /gradio_api/run/muddle HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"],
    ids=["headers", "nothing", "body"],
)
def test_a_thousand_connections_that_never_finish_keep_nobody_waiting(app, many_files, sent):
    port = int(app.rpartition(":")[2])
    with opened(port, 1000, sent):
        status, _, picture = ask(f"{app}/muddle.png?digit=4&seed={len(sent)}")
        assert (status, picture[1:4]) == (200, b"PNG")
    assert ask(f"{app}/healthz")[0] == 200


async def slow(scope, receive, send):
    """Answers after two seconds."""
    await asyncio.sleep(2)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.contextmanager
def served(room):
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(slow, port=port, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    connections.Connections(server, room).watch()
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


def test_the_silent_are_closed_and_those_who_wait_for_an_answer_are_not(monkeypatch):
    monkeypatch.setattr(connections, "SILENT", 0.5)
    monkeypatch.setattr(connections, "LOOK", 0.1)
    with served(room=100) as port, opened(port, 20) as silent, opened(port, 1, HALF + b"\r\n") as [waiting]:
        assert all(is_closed(one, 1.5) for one in silent)
        waiting.settimeout(5)
        assert waiting.recv(1000).startswith(b"HTTP/1.1 200")


def test_no_more_connections_are_open_than_there_is_room_for():
    with served(room=5) as port, opened(port, 5) as first, opened(port, 3, b"") as late:
        assert all(is_closed(one, 2) for one in late)
        assert not any(is_closed(one, 0.1) for one in first)


LIMITED = """
import resource
from muddle.ui.connections import make_room
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(make_room(), resource.getrlimit(resource.RLIMIT_NOFILE)[0], hard)
"""


def test_room_is_made_for_as_many_connections_as_the_system_allows():
    done = subprocess.run([sys.executable, "-c", LIMITED], cwd=ROOT, capture_output=True, text=True, check=True)
    room, soft, hard = map(int, done.stdout.split())
    assert soft == (connections.ROOM if hard == resource.RLIM_INFINITY else min(hard, connections.ROOM))
    assert 0 < room < soft


def arriving(*parts, pause=0.0):
    """A body as uvicorn would hand it over, and never the end of it."""
    waiting = list(parts)

    async def receive():
        await asyncio.sleep(pause if waiting else 60)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    return receive


def test_a_body_that_trickles_in_is_given_up(monkeypatch):
    monkeypatch.setattr(bodies, "MAX_SECONDS", 0.3)
    with pytest.raises(RequestError, match=r"did not arrive within 0\.3 seconds") as error:
        finished(Bodies().read(arriving(*[b"x"] * 100, pause=0.1)))
    assert (error.value.code, error.value.status) == ("too-slow", 408)


def test_bodies_on_their_way_are_bounded_together(monkeypatch):
    monkeypatch.setattr(bodies, "MAX_ARRIVING", 1000)
    together = Bodies()

    async def many():
        first = asyncio.ensure_future(together.read(arriving(b"x" * 600)))
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError, match="Too much is being sent"):
            await together.read(arriving(b"x" * 600))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return await together.read(whole)  # there is room again

    async def whole():
        return {"type": "http.request", "body": b"x" * 900, "more_body": False}

    assert len(finished(many())) == 900
