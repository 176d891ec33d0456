import pytest
import yaml
from support.hub_standin import REPO, TOKEN, connect, hub
from support.processes import ROOT, about, free_port, serving

from muddle.bundle.files import EMBEDDED, FILES
from muddle.errors import ArgumentError
from train.__main__ import main
from train.hub import deploy

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client uses httpx so
SPACE, COMMIT = "somebody/mnist-muddle-space", "0123456789" * 4


def test_the_deployed_files_start_from_an_empty_folder_on_the_published_bundle(tmp_path, monkeypatch, capsys):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path, TOKEN)
        commit = server.put(EMBEDDED)
        options = ["--space", SPACE, "--model", REPO, "--revision", commit, "--hardware", "zero-a10g", "--private"]
        assert main(["deploy", *options]) == 0
        space = server.repos["space", SPACE]
        revision, files = space.commits[-1]
        lines = capsys.readouterr().out.splitlines()
        assert lines[-2:] == [f"{server.address}/spaces/{SPACE}", f"revision {revision}"]
        assert lines[-3] == f"{len(files) - 1} files"  # the stand-in's .gitattributes is not ours
        assert (space.sdk, space.hardware, space.private) == ("gradio", "zero-a10g", True)
        assert space.variables == {"MUDDLE_REPO": REPO, "MUDDLE_REVISION": commit}
        for path, data in files.items():
            (tmp_path / "app" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "app" / path).write_bytes(data)
        started = {**space.variables, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home")}
        with serving(cwd=tmp_path / "app", HF_HUB_DISABLE_XET="1", **started) as served:
            bundle = about(served.address)
    assert (bundle["name"], bundle["revision"]) == (REPO, commit)


def test_a_space_gets_the_app_and_the_library_and_nothing_else(tmp_path, monkeypatch):
    wanted = {"app.py", "requirements.txt", "LICENSE", "README.md", "muddle/cli.py", "muddle/assets/config.json"}
    others = {"SECURITY.md", "train/run.py", "muddle/cli.pyi", "muddle/__pycache__/cli.cpython-311.pyc"}
    for name in wanted | others:
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes() if name == "README.md" else name.encode())
    monkeypatch.setattr(deploy, "ROOT", tmp_path / "root")
    folder = deploy.build(tmp_path / "space", REPO, COMMIT)
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert files.keys() == wanted
    assert all(text == name for name, text in files.items() if name != "README.md")


def test_a_spaces_readme_has_our_front_matter_and_the_bundle_it_runs_on():
    ours = (ROOT / "README.md").read_text()
    before, after = (yaml.safe_load(text.split("---\n")[1]) for text in (ours, deploy.readme(ours, REPO, COMMIT)))
    added = {"models": [REPO], "preload_from_hub": [f"{REPO} {','.join([*FILES, 'config.json'])} {COMMIT}"]}
    assert after == {**before, **added}


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
