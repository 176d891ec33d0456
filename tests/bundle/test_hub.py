"""The Hub's real client against a stand-in, and every way in which a download or an upload fails."""

import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.hub_standin import NEEDS_A_PLAN, REPO, TOKEN, black_hole, connect, cut, hub, spoilt, status, stuck
from support.processes import ROOT, environment, free_port

from muddle.bundle import hub as client
from muddle.bundle.files import CARD, EMBEDDED, load_bundle
from muddle.errors import ArgumentError, BundleError, HubError

FINGERPRINT = load_bundle(EMBEDDED).fingerprint


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A stand-in to which the client in this process is connected, without a token."""
    with hub() as running:
        connect(monkeypatch, running.address, tmp_path)
        yield running


def refused(function, *arguments, **options):
    """The HubError of a call: one line, without the token."""
    with pytest.raises(HubError) as caught:
        function(*arguments, **options)
    error = caught.value
    assert error.code == "hub"
    assert "\n" not in str(error)
    assert TOKEN not in str(error)
    return error


def downloads(server):
    """The names of the files that were asked for."""
    return {path.rsplit("/", 1)[1] for _, path in server.requests if "/resolve/" in path}


def test_a_bundle_on_the_hub_is_the_local_one(server):
    commit = server.put(EMBEDDED)
    folder = client.fetch(REPO)
    assert client.revision_of(folder) == commit
    assert load_bundle(folder).fingerprint == FINGERPRINT


def test_nothing_but_a_bundles_files_is_downloaded(server, bundle_copy):
    (bundle_copy / "script.py").write_text("print('hello')")
    (bundle_copy / "weights.bin").write_bytes(b"pickle")
    server.put(bundle_copy)
    client.fetch(REPO)
    assert downloads(server) == {path.name for path in EMBEDDED.iterdir()}


def test_a_card_that_is_edited_on_the_hub_disables_nothing_and_a_weight_does(server, bundle_copy):
    (bundle_copy / CARD).write_text("---\npipeline_tag: other\n---\nEdited on the Hub.")
    server.put(bundle_copy)
    bundle = load_bundle(client.fetch(REPO))
    assert (bundle.fingerprint, bundle.card[-18:]) == (FINGERPRINT, "Edited on the Hub.")
    (bundle_copy / CARD).unlink()
    server.put(bundle_copy)
    assert load_bundle(client.fetch(REPO)).card == ""
    (bundle_copy / "judge.safetensors").write_bytes(change_a_byte((bundle_copy / "judge.safetensors").read_bytes()))
    server.put(bundle_copy)
    with pytest.raises(BundleError):
        load_bundle(client.fetch(REPO))


def test_a_bundle_is_looked_at_without_fetching_it(server, bundle_copy):
    commit = server.put(bundle_copy)
    assert client.inspect(REPO) == (commit, False, sorted(path.name for path in bundle_copy.iterdir()))
    server.repos["model", REPO].private = True
    assert client.inspect(REPO, commit).private
    assert "revision" in refused(client.inspect, REPO, "v9").problem
    refused(client.inspect, "somebody/else")
    assert not downloads(server)


def test_the_usual_arguments_mean_what_they_mean_elsewhere(server, tmp_path):
    assert "cache" in refused(client.fetch, REPO, local_files_only=True).problem
    commit = server.put(EMBEDDED)
    elsewhere = tmp_path / "elsewhere"
    folder = client.fetch(REPO, commit, cache_dir=elsewhere, token=TOKEN)
    assert folder.is_relative_to(elsewhere)
    server.requests.clear()
    assert client.fetch(REPO, commit, cache_dir=elsewhere, local_files_only=True) == folder
    assert not server.requests
    assert client.fetch(REPO, commit, cache_dir=elsewhere, force_download=True) == folder
    assert "judge.safetensors" in downloads(server)
    server.fault = status(500)
    refused(client.fetch, REPO, commit, cache_dir=elsewhere, force_download=True)


def test_a_token_is_sent_where_it_is_given(server):
    server.put(EMBEDDED)
    tokens = []

    def note(handler, path):
        tokens.append(handler.headers.get("Authorization"))
        return False

    server.fault = note
    client.fetch(REPO, token=TOKEN)
    assert set(tokens) == {f"Bearer {TOKEN}"}


def test_a_pinned_commit_in_the_cache_needs_no_request(server):
    commit = server.put(EMBEDDED)
    folder = client.fetch(REPO, commit)
    server.requests.clear()
    assert client.fetch(REPO, commit) == folder
    assert not server.requests


def test_a_pin_holds_when_the_repository_moves_on_and_a_branch_follows(server, bundle_copy):
    first = server.put(EMBEDDED)
    assert client.revision_of(client.fetch(REPO)) == first
    (bundle_copy / "report.json").write_text("{}")
    second = server.put(bundle_copy)
    assert client.revision_of(client.fetch(REPO, first)) == first
    assert client.revision_of(client.fetch(REPO)) == second


FAULTS = {
    "a Hub that is down": status(500),
    "a Hub that is asked too often": status(429, **{"Retry-After": "120"}),
    "a token that is not valid": status(401),
    "a file that ends early": cut("report.json"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_cached_copy_serves_when_the_hub_does_not(server, bundle_copy, name):
    commit = server.put(EMBEDDED)
    client.fetch(REPO)
    (bundle_copy / "report.json").write_text("{}")
    server.put(bundle_copy)
    server.fault = FAULTS[name]
    assert client.revision_of(client.fetch(REPO, deadline=1)) == commit


def test_a_hub_that_never_answers_is_waited_for_until_the_deadline(server, tmp_path, monkeypatch):
    commit = server.put(EMBEDDED)
    assert client.DEADLINE <= 8, "the start of the app waits so long"
    with black_hole() as nowhere:
        connect(monkeypatch, nowhere, tmp_path)
        began = time.monotonic()
        refused(client.fetch, REPO, deadline=0.5)
        assert 0.5 <= time.monotonic() - began < 5
        connect(monkeypatch, server.address, tmp_path)
        client.fetch(REPO)
        connect(monkeypatch, nowhere, tmp_path)
        assert client.revision_of(client.fetch(REPO, deadline=0.5)) == commit


REFUSALS = {  # and a word of the problem or the remedy that a user can act upon
    "401": (status(401), "HF_TOKEN"),
    "403": (status(403), "HF_TOKEN"),
    "404": (status(404, **{"X-Error-Code": "RepoNotFound"}), "name"),
    "429": (status(429, **{"Retry-After": "120"}), "minutes"),
    "500": (status(500), "500"),
    "no such revision": (status(404, **{"X-Error-Code": "RevisionNotFound"}), "revision"),
    "cut in the middle of a file": (cut("exemplars.safetensors"), ""),
    "a truncated file": (spoilt("judge.safetensors", lambda data: data[:-7]), ""),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_download_that_fails_is_one_error_and_leaves_no_broken_copy(server, name):
    server.put(EMBEDDED)
    server.fault, word = REFUSALS[name]
    error = refused(client.fetch, REPO, deadline=1)
    assert error.repo == REPO
    assert word in f"{error.problem} {error.remedy}"
    server.fault = status(500, times=0)
    assert load_bundle(client.fetch(REPO)).fingerprint == FINGERPRINT


def change_a_byte(data):
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


@pytest.mark.parametrize("change", [change_a_byte, lambda data: b"<html>Please log in</html>".ljust(len(data))])
def test_a_copy_that_the_client_takes_for_whole_is_found_spoilt_and_can_be_forgotten(server, change):
    server.put(EMBEDDED)
    server.fault = spoilt("report.json", change)
    folder = client.fetch(REPO)
    with pytest.raises(BundleError):
        load_bundle(folder)
    client.forget(folder)
    server.fault = status(500, times=0)
    assert load_bundle(client.fetch(REPO)).fingerprint == FINGERPRINT


def test_a_refused_connection_is_one_error(tmp_path, monkeypatch):
    connect(monkeypatch, f"http://127.0.0.1:{free_port()}", tmp_path)
    refused(client.fetch, REPO)


@pytest.mark.parametrize("fault", [status(500, times=1, only="/resolve/"), cut("judge.safetensors", times=1)])
def test_a_passing_fault_is_overcome(server, fault):
    server.put(EMBEDDED)
    server.fault = fault
    assert load_bundle(client.fetch(REPO)).fingerprint == FINGERPRINT


def test_a_repository_that_is_something_else_is_refused_before_anything_is_fetched(server, bundle_copy):
    (bundle_copy / "centroids.safetensors").unlink()
    server.put(bundle_copy)
    assert "centroids.safetensors" in refused(client.fetch, REPO).problem
    assert not downloads(server)


def test_a_bundle_that_is_too_large_is_refused_before_anything_is_fetched(server, monkeypatch):
    server.put(EMBEDDED)
    monkeypatch.setattr(client, "MAX_BYTES", sum(path.stat().st_size for path in EMBEDDED.iterdir()) - 1)
    assert f"{client.MAX_BYTES:,}" in refused(client.fetch, REPO).remedy
    assert not downloads(server)


def test_two_may_fetch_at_once(server):
    commit = server.put(EMBEDDED)
    with ThreadPoolExecutor(2) as pool:
        assert [client.revision_of(folder) for folder in pool.map(client.fetch, [REPO] * 2)] == [commit] * 2


def test_a_process_that_was_killed_while_fetching_leaves_nothing_that_is_taken_for_whole(server, tmp_path):
    commit = server.put(EMBEDDED)
    server.fault, waiting = stuck("exemplars.safetensors")
    child = environment(HF_ENDPOINT=server.address, HF_HUB_CACHE=str(tmp_path / "hub"), HF_HUB_DISABLE_XET="1")
    code = f"from huggingface_hub import snapshot_download; snapshot_download({REPO!r})"  # as fetch does, sooner
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=child, stderr=subprocess.DEVNULL) as process:
        assert waiting.wait(60)
        process.kill()
    server.fault = status(500, times=0)
    server.requests.clear()
    assert load_bundle(client.fetch(REPO, commit)).fingerprint == FINGERPRINT
    assert "exemplars.safetensors" in downloads(server)


def test_a_full_disk_is_one_error(server):
    server.put(EMBEDDED)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))  # no file may grow larger
    try:
        refused(client.fetch, REPO)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert load_bundle(client.fetch(REPO)).fingerprint == FINGERPRINT


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "/b", "a/", ""])
def test_a_name_that_is_not_of_two_parts_is_refused(name):
    client.check_name("repo", REPO)
    with pytest.raises(ArgumentError) as caught:
        client.check_name("repo", name)
    assert caught.value.code == "bad-repo"


def test_only_an_owner_with_a_token_may_go_on(server, tmp_path, monkeypatch):
    assert "HF_TOKEN" in refused(client.check_owner, REPO).remedy
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    client.check_owner(REPO)
    refused(client.check_owner, "another/mnist-muddle")
    connect(monkeypatch, server.address, tmp_path, token="hf_wrong")
    assert "HF_TOKEN" in refused(client.check_owner, REPO).remedy


@pytest.fixture
def folder(tmp_path):
    """A folder to upload."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text("Hello")
    (folder / "one.safetensors").write_bytes(b"1" * 100)
    return folder


uploads = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # of the client's own making


@uploads
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_a_repository_becomes_the_folder_in_one_commit(server, tmp_path, monkeypatch, folder, kind):
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    first = client.upload(folder, REPO, kind=kind, private=True, message="First", tag="v1")
    repo = server.repos[kind, REPO]
    assert (repo.private, repo.tags) == (True, {"v1": first.revision})
    assert first.address == f"{server.address}/{'' if kind == 'model' else f'{kind}s/'}{REPO}"
    (folder / "one.safetensors").rename(folder / "two.safetensors")
    second = client.upload(folder, REPO, kind=kind, message="Second")
    commit, files = repo.commits[-1]
    assert commit == second.revision != first.revision
    assert {path: data for path, data in files.items() if path != ".gitattributes"} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    count = len(repo.commits)
    assert client.upload(folder, REPO, kind=kind, message="Again").revision == second.revision
    assert len(repo.commits) == count


def test_an_upload_without_the_right_is_one_error(server, tmp_path, monkeypatch, folder):
    assert "HF_TOKEN" in refused(client.upload, folder, REPO, message="Hello").remedy
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    server.may_write = False
    assert "HF_TOKEN" in refused(client.upload, folder, REPO, message="Hello").remedy
    assert not server.repos


@uploads
def test_what_the_folder_lacks_stays_when_it_is_to_be_kept(server, tmp_path, monkeypatch, folder):
    connect(monkeypatch, server.address, tmp_path)
    client.upload(folder, REPO, message="First", token=TOKEN)
    (folder / "one.safetensors").unlink()
    client.upload(folder, REPO, message="Second", token=TOKEN, keep=True)
    assert "one.safetensors" in server.repos["model", REPO].commits[-1][1]


VARIABLES = {"MUDDLE_REPO": "a/b", "MUDDLE_REVISION": "c"}


@uploads
def test_a_new_space_is_made_with_all_it_needs_and_starts_once(server, tmp_path, monkeypatch, folder):
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    client.prepare_space(REPO, VARIABLES, private=True)
    client.upload(folder, REPO, kind="space", message="Hello")
    space = server.repos["space", REPO]
    assert (space.sdk, space.private, space.hardware) == ("gradio", True, client.FREE_HARDWARE)
    assert space.variables == VARIABLES
    assert space.starts == 1


@uploads
def test_a_space_that_is_there_starts_again_for_what_changes_only(server, tmp_path, monkeypatch, folder):
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    server.pays = True
    client.prepare_space(REPO, VARIABLES, "cpu-upgrade")
    space = server.repos["space", REPO]
    client.prepare_space(REPO, VARIABLES)
    client.prepare_space(REPO, VARIABLES, "cpu-upgrade")
    assert (space.starts, space.hardware) == (0, "cpu-upgrade")
    client.prepare_space(REPO, {**VARIABLES, "MUDDLE_REVISION": "d"}, "cpu-basic")
    assert (space.starts, space.hardware, space.variables["MUDDLE_REVISION"]) == (2, "cpu-basic", "d")


def test_what_the_hub_says_of_a_plan_or_a_right_is_passed_on(server, tmp_path, monkeypatch):
    connect(monkeypatch, server.address, tmp_path, token=TOKEN)
    error = refused(client.prepare_space, REPO, VARIABLES, "cpu-basic")
    assert NEEDS_A_PLAN.rstrip(".") in error.problem
    assert not server.repos
    server.may_write = False
    assert "this token may only read" in refused(client.prepare_space, REPO, VARIABLES).problem
