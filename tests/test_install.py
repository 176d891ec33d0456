import email
import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from support.processes import ROOT, environment, free_port, wait_for

import muddle

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def run(words, cwd, **changes):
    """The standard output of a command that must succeed, in a folder outside the repository."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def sources():
    """The files of the package that are tracked, or are to be, relative to the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "muddle"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in names if (ROOT / name).is_file()})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network and from a copy, as building leaves files beside the sources."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in [*sources(), "pyproject.toml", "README.md", "LICENSE"]:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run([sys.executable, "-m", "pip", "wheel", *quiet, "--no-build-isolation", "-w", out, copy], copy)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder into which the wheel is installed; a process sees it by PYTHONPATH."""
    site = tmp_path_factory.mktemp("site")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    run([sys.executable, "-m", "pip", "install", *quiet, "--target", site, wheel], site)
    return site


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        content = {name: archive.read(name) for name in names if ".dist-info/" not in name}
    assert sorted(content) == sources()
    assert {Path(name).suffix for name in content} >= {".safetensors", ".json", ".md", ".css", ".js", ".html", ".svg"}
    assert all(data == (ROOT / name).read_bytes() for name, data in content.items())


def test_the_metadata_are_those_of_the_project(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    assert (metadata["Name"], metadata["Version"]) == ("mnist-muddle", muddle.__version__)
    assert set(metadata.get_all("Provides-Extra")) == {"train", "data", "ray"}


def test_the_library_makes_the_same_muddle_in_any_folder(installed, muddler, tmp_path):
    code = """
import hashlib, json, muddle
from muddle import Muddler
m = Muddler.from_pretrained().muddle(4, 9, seed=27)
print(json.dumps([muddle.__file__, hashlib.sha256(m.image.tobytes()).hexdigest()]))
"""
    file, digest = json.loads(run([sys.executable, "-c", code], tmp_path, PYTHONPATH=str(installed)))
    assert Path(file).is_relative_to(installed)
    assert digest == hashlib.sha256(muddler.muddle(4, 9, seed=27).image.tobytes()).hexdigest()


def test_the_console_command_makes_the_same_muddle_in_any_folder(installed, muddler, tmp_path):
    words = ["make", "4", "--target", "9", "--seed", "27", "-o", "m.json"]
    assert run([installed / "bin/muddle", *words], tmp_path, PYTHONPATH=str(installed)) == "m.json\n"
    soft_label = json.loads((tmp_path / "m.json").read_text())["soft_label"]
    assert soft_label == muddler.muddle(4, 9, seed=27).soft_label.tolist()


@pytest.mark.parametrize("program", [("bin/muddle",), (sys.executable, "-m", "muddle")], ids=["console", "module"])
def test_either_command_has_its_help_and_an_exit_status(program, installed, tmp_path):
    command = [installed / program[0], *program[1:]]  # joined to a folder, an absolute path stays as it is
    assert "dataset" in run([*command, "--help"], tmp_path, PYTHONPATH=str(installed))
    child = environment(PYTHONPATH=str(installed))
    wrong = subprocess.run([*command, "make", "11"], cwd=tmp_path, env=child, capture_output=True, check=False)
    assert wrong.returncode == 1


def test_the_console_command_serves_the_page(installed, tmp_path):
    port = free_port()
    with open(tmp_path / "log", "w+") as log:
        child = subprocess.Popen(
            [installed / "bin/muddle", "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment(PYTHONPATH=str(installed)),
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", child, log, 60)  # which has status 200 once it is ready
        finally:
            child.terminate()
            status = child.wait(20)
    assert status == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def requirements(path):
    """The requirements that a file names itself."""
    lines = (ROOT / path).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def test_the_lists_of_requirements_agree():
    extras = PROJECT["project"]["optional-dependencies"]
    assert PROJECT["project"]["dependencies"] == requirements("requirements.txt")
    assert extras["train"] == requirements("train/requirements.txt")
    tests = requirements("tests/requirements.txt") + requirements("train/requirements.txt")
    assert {*extras["data"], *extras["ray"], *PROJECT["build-system"]["requires"]} <= set(tests)


def test_the_app_that_the_space_runs_needs_no_torchvision():
    assert not any("torchvision" in line for line in requirements("requirements.txt"))


def test_the_space_runs_a_python_that_the_project_allows():
    space = re.search(r'^python_version: "3\.(\d+)"$', (ROOT / "README.md").read_text(), re.MULTILINE)[1]
    least, most = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"]).groups()
    assert int(least) <= int(space) < int(most)
    assert int(least) <= sys.version_info.minor < int(most)
