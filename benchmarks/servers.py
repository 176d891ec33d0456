"""The servers under measurement, each in a process of its own: the app, and a bare gradio page as its baseline.

python -m benchmarks.servers [--torch] [--answer FILE] serves the bare page. --torch: after importing torch. --answer:
its endpoint /muddle answers with the JSON of that file, at once.
"""

import argparse
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
from typing import Any, NamedTuple
from urllib.parse import urlencode

# psutil is imported where it is used: the start of the bare page is measured too.

ROOT = Path(__file__).parent.parent
APP = ("app.py",)
BARE = ("-m", "benchmarks.servers")
MUDDLE = (4, 9, "balanced", 11, 7)  # a call of /muddle: digit, target, strategy, steps, seed


class Server(NamedTuple):
    """A running server. seconds: from its start to its first answered page. bare: whether it is the bare page."""

    port: int
    pid: int
    seconds: float
    bare: bool

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(*program: str, tree: Path = ROOT, wait: float = 120, **environment: str) -> Iterator[Server]:
    """Run python with these arguments in a checkout, on a free port, from the first answered page on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    changed = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", **environment}
    began, quiet = time.perf_counter(), subprocess.DEVNULL
    child = subprocess.Popen([sys.executable, *program], cwd=tree, env=changed, stdout=quiet, stderr=quiet)
    try:
        while not _answers(port):
            if child.poll() is not None or time.perf_counter() - began > wait:
                raise RuntimeError(f"{' '.join(program)} in {tree} does not answer")
            time.sleep(0.005)
        yield Server(port, child.pid, time.perf_counter() - began, program[: len(BARE)] == BARE)
    finally:
        child.terminate()
        child.wait(20)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            return False


class CallError(Exception):
    """An answer that is an error: its code, and its text."""

    def __init__(self, code: str, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code


class Caller:
    """An HTTP client with one connection, kept open until `close`. `address`: its own, as a proxy would report it."""

    def __init__(self, server: Server, address: str = ""):
        self._server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._headers = {"Content-Type": "application/json", **({"X-Forwarded-For": address} if address else {})}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def call(self, *values: object, endpoint: str = "muddle") -> Any:
        """The answer through gradio's queue: a request to call, and one for the stream of events. Raises CallError."""
        job = json.loads(self.post(f"/gradio_api/call/{endpoint}", values))["event_id"]
        events = self.get(f"/gradio_api/call/{endpoint}/{job}").decode().strip()
        kind, _, text = events.rpartition("data: ")
        answer = json.loads(text)
        if "event: complete" not in kind:
            raise CallError(answer["title"], answer["error"])
        return answer[0]

    def request(self, *muddle: object) -> Any:
        """The answer of one request: the app's /muddle.json, or the bare page's endpoint without the queue."""
        if self._server.bare:
            return json.loads(self.post("/gradio_api/run/muddle", muddle))["data"][0]
        names = ("digit", "target", "strategy", "steps", "seed")
        given = {name: value for name, value in zip(names, muddle, strict=True) if value is not None}
        return json.loads(self.get(f"/muddle.json?{urlencode(given)}"))

    def get(self, path: str) -> bytes:
        """The body of a GET. Raises CallError."""
        return self._send("GET", path)

    def post(self, path: str, values: tuple[object, ...]) -> bytes:
        """The body of the answer to values that are sent in order. Raises CallError."""
        return self._send("POST", path, json.dumps({"data": values}))

    def _send(self, method: str, path: str, content: str | None = None) -> bytes:
        self._connection.request(method, path, content, self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise CallError(answer.headers.get("X-Error-Code", str(answer.status)), body[:80].decode(errors="replace"))
        return body


def call(server: Server, *values: object, endpoint: str = "muddle") -> Any:
    """The answer to one call, with a connection of its own. Raises CallError."""
    with contextlib.closing(Caller(server)) as caller:
        return caller.call(*values, endpoint=endpoint)


def family(pid: int) -> list[Any]:
    """A process and all that it started, as psutil.Process."""
    import psutil

    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def resident(pid: int) -> float:
    """Resident memory of a process and all that it started, in MB; what they share counts for each."""
    return sum(process.memory_info().rss for process in family(pid)) / 2**20


def open_files(pid: int) -> int:
    """The number of files and connections that they hold open."""
    return sum(process.num_fds() for process in family(pid))


def main() -> int:
    """Serve the bare page until it is interrupted."""
    p = argparse.ArgumentParser("python -m benchmarks.servers", description=__doc__)
    p.add_argument("--torch", action="store_true")
    p.add_argument("--answer", type=Path)
    options = p.parse_args()
    import gradio as gr

    if options.torch:
        import torch  # noqa: F401
    answer = json.loads(options.answer.read_text()) if options.answer else {}

    def muddle(
        digit: int, target: int | None = None, strategy: str = "balanced", steps: int = 11, seed: int = 0
    ) -> dict | str:
        return answer

    with gr.Blocks(analytics_enabled=False) as page:
        output = gr.HTML("nothing", elem_id="answer")
        gr.Button("Muddle", elem_id="again").click(lambda: str(time.time_ns()), None, output)
        gr.api(muddle, api_name="muddle", concurrency_limit=None)
    page.queue(default_concurrency_limit=None).launch(enable_monitoring=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
