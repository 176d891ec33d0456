import json
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT, environment, serving
from hub_standin import COMMIT, REPO, black_hole, hub

from muddle.bundle import EMBEDDED, load_bundle

LOCATE = """
import json, sys, time
from muddle.locate import locate
from muddle.errors import MuddleError
began = time.monotonic()
try:
    bundle = locate(*sys.argv[1:])
    said = {**vars(bundle.origin), "fingerprint": bundle.fingerprint}
except MuddleError as error:
    said = {"error": str(error)}
print(json.dumps({**said, "seconds": time.monotonic() - began}))
"""


def locate(cache, endpoint, *arguments, **changes):
    """What `locate` says in a new process whose Hub is at `endpoint`."""
    child = environment(HF_ENDPOINT=endpoint, HF_HOME=str(cache), HF_HUB_DISABLE_XET="1", **changes)
    done = subprocess.run(
        [sys.executable, "-c", LOCATE, *arguments], cwd=ROOT, env=child, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_bundle_on_the_hub_is_the_local_one(tmp_path):
    with hub(EMBEDDED) as server:
        said = locate(tmp_path, server.address, REPO)
    assert (said["name"], said["revision"]) == (REPO, COMMIT)
    assert said["fingerprint"] == load_bundle(EMBEDDED).fingerprint


def test_a_pinned_commit_in_the_cache_needs_no_request(tmp_path):
    with hub(EMBEDDED) as server:
        locate(tmp_path, server.address, REPO, COMMIT)
        server.requests.clear()
        assert locate(tmp_path, server.address, REPO, COMMIT)["revision"] == COMMIT
        assert not server.requests


def test_the_cached_copy_serves_when_the_hub_does_not_answer(tmp_path):
    with hub(EMBEDDED) as server:
        locate(tmp_path, server.address, REPO)
    with black_hole() as nowhere:
        said = locate(tmp_path, nowhere, REPO)
    assert (said["name"], said["revision"]) == (REPO, COMMIT)
    assert said["seconds"] < 12


def test_the_environment_names_repository_and_revision(tmp_path):
    with hub(EMBEDDED) as server:
        said = locate(tmp_path, server.address, MUDDLE_REPO=REPO, MUDDLE_REVISION=COMMIT)
    assert (said["name"], said["revision"], said["note"]) == (REPO, COMMIT, "")


def test_a_named_repository_that_is_not_there_is_one_sentence(tmp_path):
    with hub(EMBEDDED) as server:
        said = locate(tmp_path, server.address, "somebody/else")
    assert said["error"].startswith("somebody/else: RepositoryNotFoundError")
    assert "\n" not in said["error"]


def test_a_wished_repository_that_is_not_there_leaves_the_embedded_bundle(tmp_path):
    with hub(EMBEDDED) as server:
        said = locate(tmp_path, server.address, MUDDLE_REPO="somebody/else")
    assert said["name"] == "embedded"
    assert "somebody/else could not be used" in said["note"]


def test_a_changed_bundle_on_the_hub_is_refused(tmp_path, bundle_copy):
    (bundle_copy / "report.json").write_text("{}")
    with hub(bundle_copy) as server:
        assert "has changed" in locate(tmp_path, server.address, REPO)["error"]
        said = locate(tmp_path, server.address, MUDDLE_REPO=REPO)
    assert said["name"] == "embedded"


def test_a_hub_that_never_answers_leaves_the_embedded_bundle_in_time(tmp_path):
    with black_hole() as nowhere:
        said = locate(tmp_path, nowhere, MUDDLE_REPO=REPO)
    assert said["name"] == "embedded"
    assert "did not answer within" in said["note"]
    assert said["seconds"] < 12


def test_the_app_serves_without_its_hub_and_says_so(tmp_path):
    with black_hole() as nowhere:
        began = time.monotonic()
        wish = {"MUDDLE_REPO": REPO, "HF_ENDPOINT": nowhere, "HF_HOME": str(tmp_path)}
        with serving(**wish) as (address, _):
            seconds = time.monotonic() - began
            page = urllib.request.urlopen(f"{address}/config", timeout=10).read().decode()
    assert "the embedded bundle" in page
    assert "did not answer within" in page
    assert seconds < 40, "the deadline and the start of an idle app, twice over"


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "a/b/c"])
def test_a_folder_that_is_not_there_is_one_sentence(name):
    from muddle.errors import BundleError
    from muddle.locate import locate as here

    with pytest.raises(BundleError, match="there is no bundle here"):
        here(name)
