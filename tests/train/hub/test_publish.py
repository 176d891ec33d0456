"""Publishing a bundle, deploying the app and verifying both, with the real client and a stand-in Hub."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest
import yaml
from support.processes import ROOT, about, environment, free_port, serving
from support.hub_standin import REPO, TOKEN, black_hole, hub
from huggingface_hub import ModelCard

from muddle.bundle.files import FILES
from muddle.verify import verify

SPACE = "somebody/mnist-muddle-space"


def command(tmp_path, endpoint, *arguments, token=TOKEN, module="train"):
    child = environment(
        HF_ENDPOINT=endpoint, HF_HOME=str(tmp_path / "home"), HF_HUB_DISABLE_XET="1", PYTHONPATH=str(ROOT)
    )
    child |= {"HF_TOKEN": token} if token else {}
    call = [sys.executable, "-m", module, *arguments]
    return subprocess.run(call, cwd=tmp_path, env=child, capture_output=True, text=True, timeout=120)


def publish(tmp_path, server, *arguments, **options):
    return command(tmp_path, server.address, "publish", "--repo", REPO, *arguments, **options)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A stand-in Hub with a published bundle; the command's output; its working folder."""
    folder = tmp_path_factory.mktemp("published")
    with hub() as server:
        done = publish(folder, server, "--tag", "v1")
        assert done.returncode == 0, done.stderr
        yield server, done.stdout, folder


def test_publishing_prints_the_address_and_the_revision_to_pin(published):
    server, said, _ = published
    commit, files = server.repos["model", REPO].commits[-1]
    assert f"{server.address}/{REPO}\nrevision {commit}" in said
    assert files.keys() == {*FILES, "config.json", "samples.png", ".gitattributes"}
    assert server.repos["model", REPO].tags == {"v1": commit}
    assert len(server.repos["model", REPO].commits) == 2  # the one that created it, and ours


def test_the_published_bundle_verifies_and_is_the_local_one(published, muddler):
    server, _, folder = published
    commit, _ = server.repos["model", REPO].commits[-1]
    done = command(folder, server.address, "verify", REPO, "--revision", commit, module="muddle")
    assert done.returncode == 0, done.stderr
    assert f"{REPO} at {commit}" in done.stdout
    assert muddler.bundle.fingerprint in done.stdout
    assert "comes out as the card says, to the byte" in done.stdout


def test_the_card_is_one_that_the_hub_reads(published):
    server, _, _ = published
    files = server.repos["model", REPO].commits[-1][1]
    card = ModelCard(files["README.md"].decode())
    report = json.loads(files["report.json"])
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert found["split"] == report["strategies"]["balanced"]["split"]["value"]
    assert f'from_pretrained("{REPO}")' in card.content
    assert "samples.png" in card.content
    for name, digest in json.loads(files["config.json"])["files"].items():
        assert name == "README.md" or digest in card.content


def test_publishing_again_uploads_nothing(published):
    server, said, folder = published
    before = len(server.repos["model", REPO].commits)
    again = publish(folder, server)
    assert again.returncode == 0, again.stderr
    assert len(server.repos["model", REPO].commits) == before
    assert re.search("revision .*", again.stdout)[0] == re.search("revision .*", said)[0]


def test_a_dry_run_stops_before_the_network(tmp_path):
    done = command(tmp_path, f"http://127.0.0.1:{free_port()}", "publish", "--repo", REPO, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "samples.png" in done.stdout
    assert "not uploaded" in done.stdout


def refused(done, text):
    assert done.returncode == 1
    assert text in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence"
    assert TOKEN not in done.stdout + done.stderr


def test_without_a_token_it_says_what_to_do(tmp_path):
    with hub() as server:
        refused(publish(tmp_path, server, token=None), "Set HF_TOKEN to one with write access")
        refused(publish(tmp_path, server, token="hf_wrong"), "the token is not valid")


def test_a_token_that_may_only_read_is_a_sentence(tmp_path):
    with hub() as server:
        server.may_write = False
        refused(publish(tmp_path, server), "the token may not do this")


def test_somebody_elses_repository_is_a_sentence(tmp_path):
    with hub() as server:
        server.user = "another"
        refused(publish(tmp_path, server), "somebody is not you (another) nor an organization of yours")


def test_no_network_is_a_sentence(tmp_path):
    nowhere = f"http://127.0.0.1:{free_port()}"
    refused(command(tmp_path, nowhere, "publish", "--repo", REPO), "could not be reached")


@pytest.mark.parametrize("repo", ["mnist-muddle", "a/b/c", "/x", ""])
def test_a_name_without_an_owner_is_a_sentence(tmp_path, repo):
    refused(command(tmp_path, "http://127.0.0.1:9", "publish", "--repo", repo), "give it as USER/NAME")


def test_a_private_repository_can_be_asked_for(tmp_path):
    with hub() as server:
        assert publish(tmp_path, server, "--private").returncode == 0
        assert server.repos["model", REPO].private


def deploy(folder, server, commit, *arguments):
    options = ["deploy", "--space", SPACE, "--model", REPO, "--revision", commit, *arguments]
    return command(folder, server.address, *options)


def test_the_deployed_files_start_from_an_empty_folder_on_the_published_bundle(published, tmp_path):
    server, _, folder = published
    commit, _ = server.repos["model", REPO].commits[-1]
    done = deploy(folder, server, commit, "--hardware", "zero-a10g")
    assert done.returncode == 0, done.stderr
    space = server.repos["space", SPACE]
    assert (space.sdk, space.hardware) == ("gradio", "zero-a10g")
    assert space.variables == {"MUDDLE_REPO": REPO, "MUDDLE_REVISION": commit}
    files = space.commits[-1][1]
    tops = {path.split("/")[0] for path in files}
    assert tops == {"app.py", "requirements.txt", "LICENSE", "README.md", "muddle", ".gitattributes"}
    assert not [path for path in files if path.endswith((".pyc", ".pyi"))]
    matter = yaml.safe_load(files["README.md"].decode().split("---")[1])
    assert matter["models"] == [REPO]
    assert matter["preload_from_hub"] == [f"{REPO} {','.join([*FILES, 'config.json'])} {commit}"]
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    started = {**space.variables, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home")}
    with serving(cwd=tmp_path, HF_HUB_DISABLE_XET="1", **started) as (address, _):
        bundle = about(address)
    assert (bundle["name"], bundle["revision"]) == (REPO, commit)


@pytest.mark.parametrize("revision", ["main", "v1", "a" * 39, "A" * 40])
def test_a_space_is_pinned_to_a_commit(tmp_path, revision):
    done = command(tmp_path, "http://127.0.0.1:9", "deploy", "--space", SPACE, "--model", REPO, "--revision", revision)
    refused(done, "give the 40 hexadecimal digits that `publish` printed")


@pytest.mark.parametrize("name", [*FILES, "config.json"])
def test_verify_finds_a_changed_byte_in_each_file(tmp_path, bundle_copy, name):
    path = bundle_copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = command(tmp_path, "http://127.0.0.1:9", "verify", str(bundle_copy), module="muddle")
    assert done.returncode == 1
    assert done.stderr or "NOT as the card says" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_sample_that_does_not_come_out_is_told(muddler):
    lines, same = verify(muddler.bundle)
    assert same
    assert "to the byte" in lines[-1]
    other = dataclasses.replace(muddler.bundle, sample={**muddler.bundle.sample, "sha256": "0" * 64})
    lines, same = verify(other)
    assert not same
    assert "NOT as the card says" in lines[-1]


def test_verify_says_when_the_wished_bundle_could_not_be_had(tmp_path):
    with black_hole() as nowhere:
        child = {"MUDDLE_REPO": REPO, "HF_ENDPOINT": nowhere, "HF_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "muddle", "verify"],
            cwd=ROOT,
            env=environment(**child),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert f"{REPO} could not be used" in done.stderr


def test_a_data_set_is_pushed_to_a_repository_of_its_kind(tmp_path):
    words = ["dataset", "--count", "6", "--workers", "1", "--out", "set", "--push", "somebody/digits"]
    with hub() as server:
        for _ in range(2):  # the second has nothing to do
            done = command(tmp_path, server.address, *words, module="muddle")
            assert done.returncode == 0, done.stderr
        repo = server.repos["dataset", "somebody/digits"]
    revision, files = repo.commits[-1]
    assert len(repo.commits) == 2  # the one that created it, and ours
    assert f"{server.address}/datasets/somebody/digits\nrevision {revision}" in done.stdout
    folder = tmp_path / "set"
    local = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert {name: data for name, data in files.items() if name != ".gitattributes"} == local


def test_a_push_that_cannot_be_is_said_before_anything_is_made(tmp_path):
    with hub() as server:
        for repo, token, text in (("other/digits", TOKEN, "other is not you"), ("somebody/digits", None, "no token")):
            words = ["dataset", "--count", "6", "--out", "set", "--push", repo]
            done = command(tmp_path, server.address, *words, module="muddle", token=token)
            assert done.returncode == 1
            assert text in done.stderr
    assert not (tmp_path / "set").exists()
