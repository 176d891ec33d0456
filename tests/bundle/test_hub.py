"""Pulling a bundle with the real client from a stand-in Hub, and every way in which that goes wrong."""

import json
import resource
import subprocess
import sys
import time

import pytest
from support.hub_standin import REPO, black_hole, cut, hub, slow, spoilt, status
from support.processes import ROOT, about, environment, free_port, serving

from muddle.bundle.files import EMBEDDED, load_bundle

LOCATE = """
import json, sys, time
from muddle.bundle.resolve import locate
from muddle.errors import MuddleError
began = time.monotonic()
try:
    bundle = locate(*sys.argv[1:])
    said = {**vars(bundle.origin), "fingerprint": bundle.fingerprint}
except MuddleError as error:
    said = {"error": str(error)}
print(json.dumps({**said, "seconds": time.monotonic() - began}))
"""
WITHIN = 10  # seconds, whatever the Hub does; reading the embedded bundle afterwards included
SPARE = 3  # more, on a machine that does other things


def start(cache, endpoint, *arguments, **options):
    """A new process that says what `locate` gives there with its Hub at `endpoint`."""
    child = environment(HF_ENDPOINT=endpoint, HF_HOME=str(cache), HF_HUB_DISABLE_XET="1", **options.pop("also", {}))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", LOCATE, *arguments], cwd=ROOT, env=child, **pipes, **options)


def said_by(process):
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    return json.loads(out)


def locate(cache, endpoint, *arguments, **also):
    return said_by(start(cache, endpoint, *arguments, also=also))


def test_a_bundle_on_the_hub_is_the_local_one(tmp_path):
    with hub(EMBEDDED) as server:
        commit = server.put(EMBEDDED)
        said = locate(tmp_path, server.address, REPO)
    assert (said["name"], said["revision"]) == (REPO, commit)
    assert said["fingerprint"] == load_bundle(EMBEDDED).fingerprint


def test_nothing_but_a_bundles_files_is_downloaded(tmp_path, bundle_copy):
    (bundle_copy / "script.py").write_text("print('hello')")
    (bundle_copy / "weights.bin").write_bytes(b"pickle")
    with hub(bundle_copy) as server:
        locate(tmp_path, server.address, REPO)
        asked = {path.rsplit("/", 1)[1] for _, path in server.requests if "/resolve/" in path}
    assert asked == {path.name for path in EMBEDDED.iterdir()}


def test_a_pinned_commit_in_the_cache_needs_no_request(tmp_path):
    with hub() as server:
        commit = server.put(EMBEDDED)
        locate(tmp_path, server.address, REPO, commit)
        server.requests.clear()
        assert locate(tmp_path, server.address, REPO, commit)["revision"] == commit
        assert not server.requests


def test_a_pin_holds_when_the_repository_moves_on(tmp_path, bundle_copy):
    with hub() as server:
        commit = server.put(EMBEDDED)
        (bundle_copy / "report.json").write_text("{}")
        server.put(bundle_copy)
        assert locate(tmp_path, server.address, REPO, commit)["revision"] == commit


def test_the_cached_copy_serves_when_the_hub_does_not_answer(tmp_path):
    with hub() as server:
        commit = server.put(EMBEDDED)
        locate(tmp_path, server.address, REPO)
    with black_hole() as nowhere:
        said = locate(tmp_path, nowhere, REPO)
    assert (said["name"], said["revision"]) == (REPO, commit)
    assert said["seconds"] < WITHIN + SPARE


def test_the_environment_names_repository_and_revision(tmp_path):
    with hub() as server:
        commit = server.put(EMBEDDED)
        said = locate(tmp_path, server.address, MUDDLE_REPO=REPO, MUDDLE_REVISION=commit)
    assert (said["name"], said["revision"], said["note"]) == (REPO, commit, "")


def change_a_byte(data):
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


FAULTS = {
    "401": (status(401), ""),
    "403": (status(403), "the token may not do this"),
    "404": (status(404, **{"X-Error-Code": "RepoNotFound"}), "there is no such repository, or it is private"),
    "429": (status(429, **{"Retry-After": "120"}), ""),
    "500": (status(500), ""),
    "no such revision": (status(404, **{"X-Error-Code": "RevisionNotFound"}), "there is no such revision"),
    "cut in the middle of a file": (cut("exemplars.safetensors"), ""),
    "a truncated file": (spoilt("judge.safetensors", lambda data: data[:-7]), ""),
    "a changed byte": (spoilt("surrogate.safetensors", change_a_byte), "the file has changed"),
    "HTML instead of a file": (spoilt("report.json", lambda _: b"<html>Please log in</html>"), ""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_in_time_and_leaves_the_embedded_bundle(tmp_path, name):
    fault, text = FAULTS[name]
    with hub(EMBEDDED) as server:
        server.fault = fault
        said = locate(tmp_path, server.address, MUDDLE_REPO=REPO)
        assert said["name"] == "embedded"
        assert said["note"].startswith(f"{REPO} could not be used. ")
        assert text in said["note"]
        assert "\n" not in said["note"]
        assert said["seconds"] < WITHIN + SPARE
        server.fault = status(500, times=0)
        assert locate(tmp_path, server.address, MUDDLE_REPO=REPO)["name"] == REPO  # no broken copy is left behind


def test_a_refused_connection_is_one_sentence(tmp_path):
    said = locate(tmp_path, f"http://127.0.0.1:{free_port()}", MUDDLE_REPO=REPO)
    assert said["name"] == "embedded"
    assert "could not be reached" in said["note"]


def test_a_hub_that_never_answers_leaves_the_embedded_bundle_in_time(tmp_path):
    with black_hole() as nowhere:
        said = locate(tmp_path, nowhere, MUDDLE_REPO=REPO)
    assert said["name"] == "embedded"
    assert "did not answer within" in said["note"]
    assert said["seconds"] < WITHIN + SPARE


@pytest.mark.parametrize("fault", [status(500, times=1, only="/resolve/"), cut("judge.safetensors", times=1)])
def test_a_passing_fault_ends_in_the_right_bundle_or_in_a_sentence_and_then_in_it(tmp_path, fault):
    with hub(EMBEDDED) as server:
        server.fault = fault
        first = locate(tmp_path, server.address, MUDDLE_REPO=REPO)
        assert first["name"] == REPO or first["note"]
        assert locate(tmp_path, server.address, MUDDLE_REPO=REPO)["name"] == REPO


def test_a_named_repository_that_is_not_there_is_one_sentence(tmp_path):
    with hub(EMBEDDED) as server:
        said = locate(tmp_path, server.address, "somebody/else")
    assert said["error"].startswith("somebody/else: there is no such repository")
    assert "\n" not in said["error"]


def test_a_repository_that_is_something_else_is_refused_before_anything_is_fetched(tmp_path, bundle_copy):
    (bundle_copy / "centroids.safetensors").unlink()
    with hub(bundle_copy) as server:
        said = locate(tmp_path, server.address, REPO)
        assert "it is not a bundle: centroids.safetensors is missing" in said["error"]
        assert not [path for _, path in server.requests if "/resolve/" in path]


def test_a_bundle_that_is_too_large_is_refused_before_anything_is_fetched(tmp_path, bundle_copy):
    with open(bundle_copy / "exemplars.safetensors", "ab") as file:
        file.truncate(60_000_000)
    with hub(bundle_copy) as server:
        said = locate(tmp_path, server.address, REPO)
        assert "At most 50,000,000 are fetched" in said["error"]
        assert not [path for _, path in server.requests if "/resolve/" in path]


def test_a_copy_that_was_spoilt_in_the_cache_is_refused_and_replaced(tmp_path):
    with hub() as server:
        commit = server.put(EMBEDDED)
        locate(tmp_path, server.address, REPO, commit)
        (spoilt_file,) = [path for path in tmp_path.rglob("judge.safetensors") if path.is_symlink()]
        content = spoilt_file.resolve()
        content.chmod(0o644)
        content.write_bytes(change_a_byte(content.read_bytes()))
        assert "has changed" in locate(tmp_path, server.address, REPO, commit)["error"]
        assert locate(tmp_path, server.address, REPO, commit)["revision"] == commit


def test_a_full_disk_is_one_sentence(tmp_path):
    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))  # no file may grow larger

    with hub(EMBEDDED) as server:
        process = start(tmp_path, server.address, also={"MUDDLE_REPO": REPO}, preexec_fn=full)
        said = said_by(process)
        assert said["name"] == "embedded"
        assert "\n" not in said["note"]
        assert locate(tmp_path, server.address, MUDDLE_REPO=REPO)["name"] == REPO


def test_two_processes_may_pull_at_once(tmp_path):
    with hub(EMBEDDED) as server:
        both = [start(tmp_path, server.address, REPO) for _ in range(2)]
        assert [said_by(process).get("name") for process in both] == [REPO, REPO]


def test_a_process_that_was_killed_while_pulling_is_gone_on_from(tmp_path):
    with hub(EMBEDDED) as server:
        server.fault = slow("exemplars.safetensors", 30)
        killed = start(tmp_path, server.address, REPO)
        while not [path for _, path in server.requests if path.endswith("/exemplars.safetensors")]:
            time.sleep(0.05)
        time.sleep(0.3)
        killed.kill()
        killed.communicate()
        server.fault = status(500, times=0)
        assert locate(tmp_path, server.address, REPO)["name"] == REPO


def test_the_app_serves_without_its_hub_and_says_so(tmp_path):
    with black_hole() as nowhere:
        began = time.monotonic()
        wish = {"MUDDLE_REPO": REPO, "HF_ENDPOINT": nowhere, "HF_HOME": str(tmp_path)}
        with serving(**wish) as (address, _):
            seconds = time.monotonic() - began
            bundle = about(address)
    assert bundle["name"] == "embedded"
    assert "did not answer within" in bundle["note"]
    assert seconds < 40, "the deadline and the start of an idle app, twice over"


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "a/b/c"])
def test_a_folder_that_is_not_there_is_one_sentence(name):
    from muddle.bundle.resolve import locate as here
    from muddle.errors import BundleError

    with pytest.raises(BundleError, match="there is no bundle here"):
        here(name)
