"""A stand-in for the Hub on loopback: enough of its protocol for the real client to download a snapshot."""

import contextlib
import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPO = "somebody/mnist-muddle"
COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """Serves one model repository with one commit, and counts what it was asked."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.requests = files, []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self):
        self._answer(body=True)

    def do_HEAD(self):
        self._answer(body=False)

    def log_message(self, *args):
        pass

    def _answer(self, *, body: bool):
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append((self.command, path))
        files = self.server.files
        if path.startswith(f"/api/models/{REPO}/revision/"):
            siblings = [{"rfilename": name} for name in files]
            return self._json({"id": REPO, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}, body)
        if path.startswith(f"/api/models/{REPO}/tree/"):
            return self._json(
                [{"type": "file", "path": n, "size": len(d), "oid": _oid(d)} for n, d in files.items()], body
            )
        if path.startswith(f"/{REPO}/resolve/"):
            name = path.split("/", 5)[5]
            if name in files:
                return self._send(200, files[name], {"X-Repo-Commit": COMMIT, "ETag": f'"{_oid(files[name])}"'}, body)
        return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, body)

    def _json(self, value: object, body: bool):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"}, body)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextlib.contextmanager
def hub(folder: Path):
    """A running stand-in that serves the files of a folder."""
    server = Hub({path.name: path.read_bytes() for path in folder.iterdir()})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def black_hole():
    """An address that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
