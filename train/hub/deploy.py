"""`python -m train deploy`: the app to a Space of the Hugging Face Hub, on a published bundle."""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

from muddle.bundle import hub
from muddle.errors import ArgumentError

ROOT = Path(__file__).parent.parent.parent
FILES = ("app.py", "requirements.txt", "LICENSE")
LEFT_OUT = ("__pycache__", "*.pyc", "*.pyi")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command's options."""
    p = argparse.ArgumentParser("python -m train deploy", description=__doc__)
    p.add_argument("--space", required=True, help="USER/NAME of the Space; it is created if it is missing")
    p.add_argument("--model", required=True, help="USER/NAME of the published bundle")
    p.add_argument("--revision", required=True, help="its commit, the 40 digits that `publish` printed")
    p.add_argument("--hardware", help="such as cpu-basic or zero-a10g (default: what the Space has)")
    p.add_argument("--private", action="store_true", help="make a new Space private")
    p.add_argument("--dry-run", action="store_true", help="build the folder and stop before the network")
    return p


def main(argv: list[str]) -> int:
    """Deploy the app; print where the Space is. Raises MuddleError."""
    options = parser().parse_args(argv)
    hub.check_name("space", options.space)
    hub.check_name("model", options.model)
    if not re.fullmatch("[0-9a-f]{40}", options.revision):
        raise ArgumentError("revision", options.revision, "the 40 hexadecimal digits that `publish` printed")
    if not options.dry_run:
        hub.check_owner(options.space)
    with tempfile.TemporaryDirectory() as scratch:
        folder = build(Path(scratch) / "space", options.model, options.revision)
        count = sum(path.is_file() for path in folder.rglob("*"))
        if options.dry_run:
            print(f"{count} files, not uploaded: this was a dry run.")
            return 0
        message = f"The app on {options.model} at {options.revision[:12]}"
        done = hub.upload(folder, options.space, kind="space", private=options.private, message=message)
    hub.configure_space(
        options.space, {"MUDDLE_REPO": options.model, "MUDDLE_REVISION": options.revision}, options.hardware
    )
    print(f"{count} files\n{done.address}\nrevision {done.revision}")
    return 0


def build(folder: Path, model: str, revision: str) -> Path:
    """Copy exactly the files that the Space needs: the app, the library with the embedded bundle, and its README."""
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(ROOT / "muddle", folder / "muddle", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "README.md").write_text(readme((ROOT / "README.md").read_text(), model, revision))
    return folder


def readme(ours: str, model: str, revision: str) -> str:
    """The Space's README: the front matter of our own, with the model that the Space shows, and a sentence."""
    matter = ours.split("---\n")[1]
    files = ",".join(hub.BUNDLE_FILES)
    return f"""---
{matter}models: [{model}]
preload_from_hub:
- {model} {files} {revision}
---
The app of MNIST Muddle on the bundle [{model}](https://huggingface.co/{model}/tree/{revision}).
"""
