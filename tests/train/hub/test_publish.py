import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import ModelCard
from support.hub_standin import REPO, TOKEN, connect, hub
from support.processes import free_port

from muddle.bundle.files import CARD, EMBEDDED, FILES, HASHED, load_bundle
from muddle.bundle.hub import fetch
from muddle.bundle.resolve import resolve_bundle
from muddle.errors import ArgumentError, BundleError
from muddle.images.codecs import from_png
from muddle.verify import verify
from train.__main__ import main
from train.hub import publish
from train.report.card import WHEEL, model_card

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client uses httpx so


@pytest.fixture(autouse=True)
def small_sheet(monkeypatch):
    """One sample of each digit, which is quicker."""
    monkeypatch.setattr(publish, "PER_DIGIT", 1)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A stand-in for the Hub, to which this process is connected with a token."""
    with hub() as running:
        connect(monkeypatch, running.address, tmp_path, TOKEN)
        yield running


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the shipped bundle as it is published."""
    return publish.build(EMBEDDED, tmp_path_factory.mktemp("built") / "bundle", REPO)


def test_a_bundle_is_published_in_one_commit_that_verifies_and_is_the_local_one(server, muddler, capsys):
    for _ in range(2):  # the second has nothing to upload
        assert main(["publish", "--repo", REPO, "--tag", "v1", "--private"]) == 0
        repo = server.repos["model", REPO]
        commit, files = repo.commits[-1]
        lines = capsys.readouterr().out.splitlines()
        assert lines[-3:-1] == [f"{server.address}/{REPO}", f"revision {commit}"]
        assert f"MUDDLE_REPO={REPO} MUDDLE_REVISION={commit}" in lines[-1]
    assert len(repo.commits) == 2  # the one that created it, and ours
    assert (repo.tags, repo.private) == ({"v1": commit}, True)
    assert files.keys() == {*FILES, CARD, WHEEL, "samples.png", "atlas.png", ".gitattributes"}
    bundle = resolve_bundle(REPO, commit)
    assert bundle.fingerprint == muddler.bundle.fingerprint
    assert (bundle.origin.name, bundle.origin.revision) == (REPO, commit)
    assert verify(bundle)[1]
    assert {path.name for path in fetch(REPO, commit).iterdir()} == {*FILES, CARD}


def test_the_card_is_one_that_the_hub_reads(built):
    card = ModelCard.load(built / "README.md")
    report = json.loads((built / "report.json").read_text())
    values = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert values["split"] == report["strategies"]["balanced"]["split"]["value"]
    assert f'from_pretrained("{REPO}")' in card.content
    assert "samples.png" in card.content
    assert "atlas.png" in card.content
    for digest in json.loads((built / "config.json").read_text())["files"].values():
        assert digest in card.content


def test_only_the_card_differs_from_the_shipped_bundle(built):
    assert all((built / name).read_bytes() == (EMBEDDED / name).read_bytes() for name in FILES)
    assert (built / CARD).read_text() == model_card(load_bundle(EMBEDDED), REPO) != (EMBEDDED / CARD).read_text()


def test_the_package_is_published_too_and_is_what_the_card_installs(server, built, tmp_path):
    server.put(built)
    address = re.search(r"pip install https://huggingface\.co(\S+)", (built / CARD).read_text())[1]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", tmp_path / "site", server.address + address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "muddle" / "assets" / HASHED[0]).read_bytes() == (EMBEDDED / HASHED[0]).read_bytes()


def test_the_sheet_shows_ten_muddles_of_each_digit_drawn_by_seed(built, muddler):
    sheet = from_png((built / "samples.png").read_bytes())[::3, ::3]
    muddles = muddler.muddle_many([0] * 10 + [1] * 10, [None] * 20, range(20)).images
    cells = [sheet[30 * y : 30 * y + 28, 30 * x : 30 * x + 28] for y in range(2) for x in range(10)]
    assert (np.stack(cells) == muddles).all()
    assert sheet.shape == (10 * 30 - 2, 10 * 30 - 2)


def test_a_copy_that_makes_other_muddles_is_not_published(tmp_path, monkeypatch):
    black = SimpleNamespace(images=np.zeros((10, 28, 28), np.uint8))
    made = iter([publish.Muddler, lambda bundle: SimpleNamespace(muddle_many=lambda *args: black)])
    monkeypatch.setattr(publish, "Muddler", lambda bundle: next(made)(bundle))
    with pytest.raises(BundleError) as caught:
        publish.build(EMBEDDED, tmp_path / "bundle", REPO)
    assert caught.value.code == "bad-bundle"


def test_a_dry_run_stops_before_the_network(tmp_path, monkeypatch, capsys):
    connect(monkeypatch, f"http://127.0.0.1:{free_port()}", tmp_path)
    assert main(["publish", "--repo", REPO, "--dry-run"]) == 0
    listed = {line.split()[1] for line in capsys.readouterr().out.splitlines()[:-1]}
    assert listed == {*FILES, CARD, WHEEL, "samples.png", "atlas.png"}


@pytest.mark.parametrize(
    ("token", "user", "may_write"),
    [(None, "somebody", True), ("hf_wrong", "somebody", True), (TOKEN, "another", True), (TOKEN, "somebody", False)],
    ids=["no token", "a wrong token", "another's repository", "a token that may only read"],
)
def test_without_the_right_to_write_nothing_is_published(server, tmp_path, monkeypatch, capsys, token, user, may_write):
    connect(monkeypatch, server.address, tmp_path, token)
    server.user, server.may_write = user, may_write
    assert main(["publish", "--repo", REPO]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert TOKEN not in captured.out + captured.err
    assert not server.repos.get(("model", REPO))


def test_without_a_network_nothing_is_published(tmp_path, monkeypatch, capsys):
    connect(monkeypatch, f"http://127.0.0.1:{free_port()}", tmp_path, TOKEN)
    assert main(["publish", "--repo", REPO]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("repo", ["mnist-muddle", "a/b/c", "/x", ""])
def test_a_name_without_an_owner_is_refused(repo):
    with pytest.raises(ArgumentError) as caught:
        publish.main(["--repo", repo])
    assert caught.value.code == "bad-repo"
