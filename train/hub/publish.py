"""`python -m train publish`: a finished bundle to the Hugging Face Hub, in one commit."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from muddle.bundle import hub
from muddle.bundle.files import CARD, EMBEDDED, copy_bundle, load_bundle
from muddle.errors import BundleError
from muddle.images.codecs import png
from muddle.muddler import Muddler
from muddle.search.atlas import mosaic
from train import sheets
from train.hub.wheel import build_wheel
from train.report.card import model_card

PER_DIGIT = 10  # samples on the card's sheet


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command's options."""
    p = argparse.ArgumentParser("python -m train publish", description=__doc__)
    p.add_argument("--repo", required=True, help="USER/NAME of the model repository; it is created if it is missing")
    p.add_argument("--bundle", type=Path, default=EMBEDDED, help="its folder (default: the one that ships)")
    p.add_argument("--private", action="store_true", help="make a new repository private")
    p.add_argument("--tag", help="a tag for the commit")
    p.add_argument("--dry-run", action="store_true", help="build and check everything, and stop before the network")
    return p


def main(argv: list[str]) -> int:
    """Publish a bundle; print where it is and the revision to pin. Raises MuddleError."""
    options = parser().parse_args(argv)
    hub.check_name("repo", options.repo)
    if not options.dry_run:
        hub.check_owner(options.repo)
    with tempfile.TemporaryDirectory() as scratch:
        folder = build(options.bundle, Path(scratch) / "bundle", options.repo)
        for path in sorted(folder.iterdir()):
            print(f"{path.stat().st_size:>10,}  {path.name}")
        if options.dry_run:
            print("Checked, and not uploaded: this was a dry run.")
            return 0
        message = f"Bundle {load_bundle(folder).fingerprint[:12]}"
        done = hub.upload(folder, options.repo, private=options.private, message=message, tag=options.tag)
    print(f"{done.address}\nrevision {done.revision}")
    print(f"Use it with: MUDDLE_REPO={options.repo} MUDDLE_REVISION={done.revision} python app.py")
    return 0


def build(source: Path, folder: Path, repo: str) -> Path:
    """Copy a bundle, with the card for its repository, a sheet of samples, its atlas and the package.

    Raises BundleError if the copy does not make the muddles of the original.
    """
    original = Muddler(load_bundle(source))
    copy_bundle(source, folder)
    copy = Muddler(load_bundle(folder))
    digits = np.repeat(np.arange(10), PER_DIGIT)
    samples = copy.muddle_many(digits, [None] * len(digits), range(len(digits)))
    expected = original.muddle_many(digits[::PER_DIGIT], [None] * 10, range(0, len(digits), PER_DIGIT))
    if not (expected.images == samples.images[::PER_DIGIT]).all():
        raise BundleError(folder, "it does not make the muddles that its source makes", "Please report this.")
    (folder / CARD).write_text(model_card(copy.bundle, repo))
    sheets.sheet(samples.images, folder / "samples.png", columns=10)
    (folder / "atlas.png").write_bytes(png(mosaic(copy.bundle)))
    build_wheel(folder)
    return folder
