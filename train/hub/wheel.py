"""Build the package as a wheel, which is published beside the weights."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from muddle.errors import DataError

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("pyproject.toml", "README.md", "LICENSE")
EPOCH = "315532800"  # the first second that a zip file knows, as the time of every file: the same bytes each time
LEFT_OUT = ("__pycache__", "*.pyc", "*.pyi")


def copy_package(folder: Path) -> None:
    """Copy the package into a folder, without what Python and gradio leave beside it."""
    shutil.copytree(ROOT / "muddle", folder / "muddle", ignore=shutil.ignore_patterns(*LEFT_OUT))


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder, with the setuptools that is installed. Raises DataError."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)  # since building leaves files beside the sources
        copy_package(copy)
        for name in SOURCES:
            shutil.copyfile(ROOT / name, copy / name)
        offline = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
        command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(folder), str(copy)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise DataError(f"The package's wheel cannot be built: {last.rstrip('.')}.")
    (wheel,) = folder.glob("*.whl")
    return wheel
