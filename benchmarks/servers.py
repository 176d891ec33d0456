"""Servers under measurement, started and ended here, and a caller that speaks plain HTTP to them."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parent.parent
APP = ("app.py",)
FLOOR = ("-m", "benchmarks.floors")
MUDDLE = (4, 9, "balanced", 11, 7)  # what both answer: digit, target, strategy, steps, seed


class Server(NamedTuple):
    """One that answers: where, its process, and how many seconds after its start it gave the page."""

    port: int
    pid: int
    seconds: float

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(*arguments: str, log: Path | None = None, wait: float = 120, **environment: str) -> Iterator[Server]:
    """python with these arguments on a free port of this machine, from its first answered page on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    changed = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", **environment}
    with open(log or os.devnull, "ab") as output:
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=changed, stdout=output, stderr=output)
        try:
            while not _answers(port):
                if child.poll() is not None or time.perf_counter() - began > wait:
                    raise RuntimeError(f"{' '.join(arguments)} does not answer")
                time.sleep(0.005)
            yield Server(port, child.pid, time.perf_counter() - began)
        finally:
            child.terminate()
            child.wait(20)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False


class Caller:
    """One client with its own connection, kept open."""

    def __init__(self, server: Server, address: str = ""):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._headers = {"Content-Type": "application/json", **({"X-Forwarded-For": address} if address else {})}

    def call(self, *data: object, endpoint: str = "muddle") -> dict:
        """The queue's way, as the documentation of gradio tells it: a call, and the stream of its events."""
        self._post(f"/gradio_api/call/{endpoint}", data)
        number = json.loads(self._body())["event_id"]
        self._connection.request("GET", f"/gradio_api/call/{endpoint}/{number}", headers=self._headers)
        kind, _, text = self._body().decode().strip().rpartition("data: ")
        answer = json.loads(text)
        if "event: complete" not in kind:
            raise RuntimeError(answer)
        return answer[0]

    def run(self, *data: object, endpoint: str = "muddle") -> dict:
        """The way without the queue: one request."""
        self._post(f"/gradio_api/run/{endpoint}", data)
        return json.loads(self._body())["data"][0]

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a plain GET."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def _post(self, path: str, data: tuple[object, ...]) -> None:
        self._connection.request("POST", path, json.dumps({"data": data}), self._headers)

    def _body(self) -> bytes:
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {body[:200]!r}")
        return body


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def resident(pid: int) -> float:
    """Megabytes of memory that a process and all that it started hold, what they share counted for each."""
    return sum(process.memory_info().rss for process in family(pid)) / 2**20


def open_files(pid: int) -> int:
    """Files and connections that they hold open."""
    return sum(process.num_fds() for process in family(pid))
