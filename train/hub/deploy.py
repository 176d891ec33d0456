"""`python -m train deploy`: the app to a Space of the Hugging Face Hub, on a published bundle."""

import argparse
import re
import shutil
import tempfile
from pathlib import Path

from muddle.bundle import hub
from muddle.bundle.files import CARD, FILES
from muddle.errors import ArgumentError
from train.hub.wheel import ROOT, copy_package

APP = ("app.py", "requirements.txt", "LICENSE")
THUMBNAIL = "docs/page-light.png"


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command's options."""
    p = argparse.ArgumentParser("python -m train deploy", description=__doc__)
    p.add_argument("--space", required=True, help="USER/NAME of the Space; it is created if it is missing")
    p.add_argument("--model", required=True, help="USER/NAME of the published bundle")
    p.add_argument("--revision", required=True, help="its commit, the 40 digits that `publish` printed")
    p.add_argument(
        "--hardware",
        help=f"such as cpu-basic (default: what the Space has; for a new one {hub.FREE_HARDWARE}, that is ZeroGPU, the "
        "only kind that a free account may have)",
    )
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
    remote = hub.Remote(options.revision, False, [*FILES, CARD])
    if not options.dry_run:
        hub.check_owner(options.space)
        remote = hub.inspect(options.model, options.revision)
    with tempfile.TemporaryDirectory() as scratch:
        folder = build(Path(scratch) / "space", options.space, options.model, remote)
        count = sum(path.is_file() for path in folder.rglob("*"))
        if options.dry_run:
            print(f"{count} files, not uploaded: this was a dry run.")
            return 0
        variables = {"MUDDLE_REPO": options.model, "MUDDLE_REVISION": options.revision}
        hub.prepare_space(options.space, variables, options.hardware, private=options.private)
        message = f"The app on {options.model} at {options.revision[:12]}"
        done = hub.upload(folder, options.space, kind="space", message=message)
    print(f"{count} files\n{done.address}\nrevision {done.revision}")
    if remote.private:
        print(f"{options.model} is private: give the Space, in its settings, a secret HF_TOKEN that may read it.")
    return 0


def build(folder: Path, space: str, model: str, remote: hub.Remote) -> Path:
    """Copy exactly the files that the Space needs: the app, the library with the embedded bundle, and its README."""
    folder.mkdir(parents=True)
    for name in APP:
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copyfile(ROOT / THUMBNAIL, folder / "thumbnail.png")
    copy_package(folder)
    (folder / "README.md").write_text(readme((ROOT / "README.md").read_text(), space, model, remote))
    return folder


def readme(ours: str, space: str, model: str, remote: hub.Remote) -> str:
    """The Space's README: the front matter of our own, with the model that the Space shows, and a few sentences.

    The Hub fetches the files of a public model when it builds the Space; a private one is fetched at the start.
    """
    matter = ours.split("---\n")[1]
    preload = f"preload_from_hub:\n- {model} {','.join(remote.files)} {remote.revision}\n" if not remote.private else ""
    return f"""---
{matter}models: [{model}]
thumbnail: https://huggingface.co/spaces/{space}/resolve/main/thumbnail.png
{preload}---
The app of MNIST Muddle on the bundle [{model}](https://huggingface.co/{model}/tree/{remote.revision}).

Code and weights: [MIT](LICENSE). Digits: from MNIST (Yann LeCun, Corinna Cortes, Christopher Burges),
[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/).
"""
