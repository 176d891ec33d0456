import pytest
import yaml
from support.hub_standin import NEEDS_A_PLAN, REPO, TOKEN, connect, hub
from support.processes import ROOT, free_port

from muddle.bundle.files import CARD, EMBEDDED, FILES
from muddle.bundle.hub import Remote
from muddle.errors import ArgumentError
from train.__main__ import main
from train.hub import deploy, wheel

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client uses httpx so
SPACE, COMMIT = "somebody/mnist-muddle-space", "0123456789" * 4
REMOTE = Remote(COMMIT, private=False, files=sorted([*FILES, CARD]))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A stand-in for the Hub, to which this process is connected with the token of a free account."""
    with hub() as running:
        connect(monkeypatch, running.address, tmp_path, TOKEN)
        yield running


def test_a_space_is_made_once_and_says_where_it_is(server, capsys):
    commit = server.put(EMBEDDED)
    status, said = deploy_to(server, capsys, "--revision", commit, "--private")
    space = server.repos["space", SPACE]
    revision, files = space.commits[-1]
    assert status == 0
    assert said.splitlines() == [
        f"{len(files) - 1} files",  # the stand-in's .gitattributes is not ours
        f"{server.address}/spaces/{SPACE}",
        f"revision {revision}",
    ]
    assert (space.sdk, space.hardware, space.private, space.starts) == ("gradio", "zero-a10g", True, 1)
    assert space.variables == {"MUDDLE_REPO": REPO, "MUDDLE_REVISION": commit}


def deploy_to(server, capsys, *options):
    """Exit status, and what was printed, or else the sentence of an error."""
    status = main(["deploy", "--space", SPACE, "--model", REPO, "--revision", COMMIT, *options])
    captured = capsys.readouterr()
    return status, captured.out if status == 0 else captured.err


def test_a_model_that_is_no_bundle_is_found_before_anything_is_made(server, bundle_copy, capsys):
    status, said = deploy_to(server, capsys)
    assert (status, said.count("\n")) == (1, 1)
    assert REPO in said
    (bundle_copy / "judge.safetensors").unlink()
    commit = server.put(bundle_copy)
    status, said = deploy_to(server, capsys, "--revision", commit)
    assert status == 1
    assert "judge.safetensors" in said
    assert ("space", SPACE) not in server.repos


def test_an_account_that_does_not_pay_is_told_what_the_hub_says(server, capsys):
    commit = server.put(EMBEDDED)
    status, said = deploy_to(server, capsys, "--revision", commit, "--hardware", "cpu-basic")
    assert status == 1
    assert NEEDS_A_PLAN.rstrip(".") in said
    assert ("space", SPACE) not in server.repos
    server.pays = True
    assert deploy_to(server, capsys, "--revision", commit, "--hardware", "cpu-basic")[0] == 0


def test_a_private_model_is_said_to_need_a_secret_and_is_not_fetched_by_the_builder(server, capsys):
    commit = server.put(EMBEDDED)
    server.repos["model", REPO].private = True
    status, said = deploy_to(server, capsys, "--revision", commit)
    assert status == 0
    assert "secret HF_TOKEN" in said
    assert b"preload" not in server.repos["space", SPACE].commits[-1][1]["README.md"]


def test_a_space_gets_the_app_and_the_library_and_nothing_else(tmp_path, monkeypatch):
    wanted = {"app.py", "requirements.txt", "LICENSE", "README.md", "muddle/cli.py", "muddle/assets/config.json"}
    wanted.add(deploy.THUMBNAIL)
    others = {"SECURITY.md", "train/run.py", "muddle/cli.pyi", "muddle/__pycache__/cli.cpython-311.pyc"}
    for name in wanted | others:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes() if name == "README.md" else name.encode())
    for module in (deploy, wheel):
        monkeypatch.setattr(module, "ROOT", tmp_path / "root")
    folder = deploy.build(tmp_path / "space", SPACE, REPO, REMOTE)
    (folder / "docs").mkdir()
    (folder / "thumbnail.png").rename(folder / deploy.THUMBNAIL)
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert files.keys() == wanted
    assert all(text == name for name, text in files.items() if name != "README.md")


def test_a_spaces_readme_has_our_front_matter_and_the_bundle_it_runs_on():
    ours = (ROOT / "README.md").read_text()
    text = deploy.readme(ours, SPACE, REPO, REMOTE)
    before, after = (yaml.safe_load(text.split("---\n")[1]) for text in (ours, text))
    added = {
        "models": [REPO],
        "thumbnail": f"https://huggingface.co/spaces/{SPACE}/resolve/main/thumbnail.png",
        "preload_from_hub": [f"{REPO} {','.join(REMOTE.files)} {COMMIT}"],
    }
    assert after == {**before, **added}
    assert "mcp-server" in after["tags"]
    assert "https://creativecommons.org/licenses/by-sa/3.0/" in text


def test_a_dry_run_stops_before_the_network(tmp_path, monkeypatch, capsys):
    connect(monkeypatch, f"http://127.0.0.1:{free_port()}", tmp_path)
    assert main(["deploy", "--space", SPACE, "--model", REPO, "--revision", COMMIT, "--dry-run"]) == 0
    assert int(capsys.readouterr().out.split()[0]) > 20


@pytest.mark.parametrize(
    ("space", "model", "revision", "code"),
    [
        ("nobody", REPO, COMMIT, "bad-space"),
        (SPACE, "nobody", COMMIT, "bad-model"),
        *((SPACE, REPO, revision, "bad-revision") for revision in ("main", "v1", "a" * 39, "A" * 40)),
    ],
)
def test_a_space_is_pinned_to_a_commit_of_a_named_bundle(space, model, revision, code):
    with pytest.raises(ArgumentError) as caught:
        deploy.main(["--space", space, "--model", model, "--revision", revision])
    assert caught.value.code == code
