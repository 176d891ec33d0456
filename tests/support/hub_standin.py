"""A stand-in for the Hugging Face Hub on loopback: as much of its protocol as the client needs to create repositories,
upload and download, and faults to test with."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REPO = "somebody/mnist-muddle"
TOKEN = "hf_a_token_for_tests"


@dataclass
class Repo:
    """One repository. Its commits, newest last, are pairs of a hash and the files."""

    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    private: bool = False
    sdk: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    hardware: str | None = None
    starts: int = 0  # of a Space: each commit and each change of what is set begins a new one

    def commit(self, files):
        self.starts += 1
        content = sorted((path, blob(data)) for path, data in files.items())
        oid = hashlib.sha1(repr((len(self.commits), content)).encode()).hexdigest()
        self.commits.append((oid, dict(files)))
        return oid

    def at(self, revision):
        revision = self.tags.get(revision, revision)
        if revision in ("main", "HEAD"):
            return self.commits[-1]
        return next(((oid, files) for oid, files in self.commits if oid == revision), None)


class Hub(ThreadingHTTPServer):
    """A server that holds repositories in memory and records the requests.

    `fault(handler, path)` is called first for every request, and returns True if it has answered the request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos, self.lfs, self.requests = {}, {}, []
        self.user, self.may_write, self.pays = "somebody", True, False
        self.fault: Callable[[BaseHTTPRequestHandler, str], bool] = lambda handler, path: False

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, folder, name=REPO, kind="model"):
        """Commit a folder's files, and return the commit."""
        repo = self.repos.setdefault((kind, name), Repo())
        return repo.commit({path.name: path.read_bytes() for path in folder.iterdir()})

    def handle_error(self, *args):
        pass  # clients that go away are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.body = self._read()
        self.server.requests.append((self.command, path))
        if self.server.fault(self, path):
            return
        for method, pattern, answer in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split():
                return answer(self, **found.groupdict())
        self.refuse(404, "not implemented in the stand-in")

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *args):
        pass

    def _read(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, status, data, headers=None):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def json(self, value, status=200):
        self.send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status, text, code=None, **headers):
        data = json.dumps({"error": text}).encode()
        extra = {"X-Error-Code": code} if code else {}
        self.send(status, data, {"X-Error-Message": text, **extra, **headers})

    def may_write(self):
        """Whether the request's token may; if not, the request is answered."""
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refuse(401, "Invalid credentials")
            return False
        if not self.server.may_write:
            self.refuse(403, "Forbidden: this token may only read")
            return False
        return True

    def repo(self, kind, name, *, write=False):
        """The repository, or None after answering with an error."""
        if write and not self.may_write():
            return None
        found = self.server.repos.get((kind, name))
        return found if found is not None else self.refuse(404, "Repository not found", "RepoNotFound")


def whoami(h):
    if h.headers.get("Authorization") != f"Bearer {TOKEN}":
        return h.refuse(401, "Invalid credentials")
    h.json({"type": "user", "name": h.server.user, "orgs": [], "auth": {"accessToken": {"role": "write"}}})


NEEDS_A_PLAN = "hosting Gradio and Docker Spaces on cpu-basic requires a paid plan; a free account may use ZeroGPU."


def create(h):
    body = json.loads(h.body)
    kind, name = body.get("type") or "model", f"{body.get('organization') or h.server.user}/{body['name']}"
    url = f"{h.server.address}/{'' if kind == 'model' else kind + 's/'}{name}"
    if (kind, name) in h.server.repos:
        return h.json({"error": "exists", "url": url}, 409)
    if not h.may_write():
        return None
    if body.get("sdk") == "gradio" and body.get("hardware") != "zero-a10g" and not h.server.pays:
        return h.refuse(402, NEEDS_A_PLAN)
    made = Repo(private=body.get("visibility") == "private", sdk=body.get("sdk"), hardware=body.get("hardware"))
    made.variables = {entry["key"]: entry["value"] for entry in body.get("variables", [])}
    made.commit({".gitattributes": b"*.safetensors filter=lfs\n"})
    made.starts = 0  # a new Space waits for its files
    h.server.repos[kind, name] = made
    return h.json({"url": url})


def preupload(h, kind, name, revision):
    repo = h.repo(kind, name, write=True)
    if repo is None:
        return
    _, files = repo.at(revision)
    answer = []
    for file in json.loads(h.body)["files"]:
        mode = "lfs" if file["path"].endswith(".safetensors") else "regular"
        known = files.get(file["path"])
        oid = {"oid": sha256(known) if mode == "lfs" else blob(known)} if known is not None else {}
        answer.append({"path": file["path"], "uploadMode": mode, "shouldIgnore": False, **oid})
    h.json({"files": answer})


def lfs_batch(h, name):
    objects = []
    for entry in json.loads(h.body)["objects"]:
        href = f"{h.server.address}/_lfs/{entry['oid']}"
        actions = {"upload": {"href": href}, "verify": {"href": f"{href}/verify"}}
        known = entry["oid"] in h.server.lfs
        objects.append({"oid": entry["oid"], "size": entry["size"], **({} if known else {"actions": actions})})
    h.json({"transfer": "basic", "objects": objects})


def lfs_put(h, oid):
    assert sha256(h.body) == oid
    h.server.lfs[oid] = h.body
    h.send(200, b"")


def commit(h, kind, name, revision):
    repo = h.repo(kind, name, write=True)
    if repo is None:
        return
    files = dict(repo.commits[-1][1])
    for line in h.body.splitlines():
        entry = json.loads(line)
        value = entry["value"]
        if entry["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif entry["key"] == "lfsFile":
            files[value["path"]] = h.server.lfs[value["oid"]]
        elif entry["key"] == "deletedFile":
            files.pop(value["path"], None)
    oid = repo.commit(files)
    h.json({"success": True, "commitOid": oid, "commitUrl": f"{h.server.address}/{name}/commit/{oid}"})


def info(h, kind, name, revision="main"):
    repo = h.repo(kind, name)
    if repo is None:
        return
    found = repo.at(revision)
    if found is None:
        return h.refuse(404, "Invalid revision", "RevisionNotFound")
    oid, files = found
    siblings = [{"rfilename": path, "size": len(data), "blobId": blob(data)} for path, data in files.items()]
    h.json({"id": name, "sha": oid, "private": repo.private, "tags": [], "siblings": siblings})


def tree(h, kind, name, revision):
    repo = h.repo(kind, name)
    if repo is None:
        return
    files = repo.at(revision)[1]
    h.json([{"type": "file", "path": p, "size": len(d), "oid": blob(d), **lfs_of(p, d)} for p, d in files.items()])


def resolve(h, name, revision, path, kinds=None):
    repo = h.repo("dataset" if kinds else "model", name)
    if repo is None:
        return
    oid, files = repo.at(revision) or (None, {})
    if path not in files:
        return h.refuse(404, "Entry not found", "EntryNotFound", **{"X-Repo-Commit": oid or ""})
    data = files[path]
    headers = {"X-Repo-Commit": oid, "ETag": f'"{blob(data)}"', "Accept-Ranges": "bytes"}
    if large := lfs_of(path, data):
        headers |= {"X-Linked-Etag": f'"{large["lfs"]["oid"]}"', "X-Linked-Size": str(len(data))}
    if span := re.fullmatch(r"bytes=(\d+)-(\d*)", h.headers.get("Range", "")):
        start = int(span[1])
        headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return h.send(206, data[start:], headers)
    h.send(200, data, headers)


def tag(h, kind, name, revision):
    repo = h.repo(kind, name, write=True)
    if repo is not None:
        repo.tags[json.loads(h.body)["tag"]] = repo.at(revision)[0]
        h.send(200, b"")


def variables(h, name):
    repo = h.repo("space", name, write=True)
    if repo is None:
        return
    if h.command == "POST":
        body = json.loads(h.body)
        repo.variables[body["key"]] = body["value"]
        repo.starts += 1
    h.json({key: {"key": key, "value": value} for key, value in repo.variables.items()})


def runtime(h, name):
    repo = h.repo("space", name, write=True)
    if repo is None:
        return
    if h.command == "POST":
        repo.hardware = json.loads(h.body)["flavor"]
        repo.starts += 1
    h.json({"stage": "BUILDING", "hardware": {"current": None, "requested": repo.hardware}, "gcTimeout": None})


def of_kind(answer):
    """A route's handler that gets the kind for the plural in the address."""
    return lambda h, kinds, **found: answer(h, kind=kinds.rstrip("s"), **found)


NAME = r"(?P<name>[^/]+/[^/]+)"
API = rf"/api/(?P<kinds>models|datasets|spaces)/{NAME}"
ROUTES = [
    ("GET", r"/api/whoami-v2", whoami),
    ("POST", r"/api/repos/create", create),
    ("POST", r"/api/validate-yaml", lambda h: h.json({"errors": [], "warnings": []})),
    ("POST", rf"{API}/preupload/(?P<revision>.+)", of_kind(preupload)),
    ("POST", rf"(?:/datasets|/spaces)?/{NAME}\.git/info/lfs/objects/batch", lfs_batch),
    ("PUT", r"/_lfs/(?P<oid>\w+)", lfs_put),
    ("POST", r"/_lfs/\w+/verify", lambda h: h.json({})),
    ("POST", rf"{API}/commit/(?P<revision>.+)", of_kind(commit)),
    ("POST", rf"{API}/tag/(?P<revision>.+)", of_kind(tag)),
    ("GET POST", rf"/api/spaces/{NAME}/variables", variables),
    ("GET", rf"/api/spaces/{NAME}/runtime", runtime),
    ("POST", rf"/api/spaces/{NAME}/hardware", runtime),
    ("GET", API, of_kind(info)),
    ("GET", rf"{API}/revision/(?P<revision>.+)", of_kind(info)),
    ("GET", rf"{API}/tree/(?P<revision>.+)", of_kind(tree)),
    ("GET HEAD", rf"(?P<kinds>/datasets)?/{NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", resolve),
]


def blob(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def lfs_of(path, data):
    if not path.endswith(".safetensors"):
        return {}
    return {"lfs": {"oid": sha256(data), "size": len(data), "pointerSize": 130}}


@contextlib.contextmanager
def hub(folder: Path | None = None):
    """Run a stand-in; a folder's files, if given, are the newest commit of REPO."""
    server = Hub()
    if folder:
        server.put(folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
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


def connect(monkeypatch, address, folder, token=None):
    """Let the client in this process find the Hub at an address, and its cache and its token in a folder."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)


# Faults: each function here makes one for Hub.fault.


def status(code, times=10**6, only="", **headers):
    """Answer with a status `times` times, then normally."""
    left = [times]

    def fault(handler, path):
        if only not in path or left[0] <= 0:
            return False
        left[0] -= 1
        handler.refuse(code, f"status {code}", **headers)
        return True

    return fault


def spoilt(name, change):
    """Send other content for a file, with the headers of the right content as far as a client can tell."""

    def fault(handler, path):
        if handler.command != "GET" or not path.endswith(f"/{name}") or "/resolve/" not in path:
            return False
        oid, files = handler.server.repos["model", REPO].commits[-1]
        data = change(files[name])
        handler.send(200, data, {"X-Repo-Commit": oid, "ETag": f'"{blob(files[name])}"'})
        return True

    return fault


def _send_half(handler, name):
    """Announce a whole file, and send half of it."""
    data = handler.server.repos["model", REPO].commits[-1][1][name]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.wfile.flush()


def cut(name, times=10**6):
    """Announce a whole file, send half of it and hang up, `times` times, then answer normally."""
    left = [times]

    def fault(handler, path):
        if handler.command != "GET" or not path.endswith(f"/{name}") or "/resolve/" not in path or left[0] <= 0:
            return False
        left[0] -= 1
        _send_half(handler, name)
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        return True

    return fault


def stuck(name):
    """Send half of a file and wait for the client to go away. Returns the fault, and an event that is set by then."""
    waiting = threading.Event()

    def fault(handler, path):
        if handler.command != "GET" or not path.endswith(f"/{name}") or "/resolve/" not in path:
            return False
        _send_half(handler, name)
        waiting.set()
        handler.connection.recv(1)  # nothing comes but the end
        handler.close_connection = True
        return True

    return fault, waiting
