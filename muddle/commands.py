"""The commands of the command line: each from its parsed options to an exit status. Each may raise MuddleError.

A command imports what it needs when it runs: neither --help nor the page of `serve` waits for torch.
"""

import argparse
import json
import sys
from pathlib import Path

from muddle.dataset.spec import UNIFORM, Spec, parse_pairs
from muddle.errors import ArgumentError, DataError
from muddle.images.codecs import MAX_BYTES, read
from muddle.parameters import Integer
from muddle.recipe import PARAMETERS, Recipe

FILE_KINDS = ("png", "gif", "webp", "json", "npz")  # of a muddle's file
SCALES, PORTS, ATLAS_SIZES = Integer(1, 40), Integer(1, 65535), Integer(280, 14_000)


def make(options: argparse.Namespace) -> int:
    """Write one muddle to a file."""
    return _make(Recipe(**_arguments(options)), options)


def image(options: argparse.Namespace) -> int:
    """Write one muddle of a given picture to a file."""
    from muddle.images.preprocess import prepare

    return _make(Recipe(image=prepare(read(_input(options.picture))), **_arguments(options)), options)


def dataset(options: argparse.Namespace) -> int:
    """Make a data set in a folder, and upload it to the Hub if a repository is named."""
    from muddle.bundle import hub
    from muddle.dataset.generate import generate
    from muddle.muddler import Muddler

    try:
        balance = UNIFORM if options.balance == UNIFORM else float(options.balance)
    except ValueError as error:
        raise ArgumentError("balance", options.balance, f"a number from 0 to 1, or {UNIFORM}") from error
    spec = Spec(
        count=options.count,
        pairs=parse_pairs(options.pairs),
        balance=balance,
        min_likeness=options.min_likeness,
        seed=options.seed,
        shards=options.shards,
    )
    if options.workers < 1:
        raise ArgumentError("workers", options.workers, "at least 1")
    if options.push:
        hub.check_name("push", options.push)
        hub.check_owner(options.push)
    muddler = Muddler.from_pretrained(options.bundle, options.revision)
    made = generate(muddler, spec, options.out, form=options.format, engine=options.engine, workers=options.workers)
    before = f" ({made.resumed} of {spec.shards} shards were there)" if made.resumed else ""
    print(f"{made.count:,} images in {options.out}{before}\nsha256 {made.sha256}")
    if options.push:
        message = f"{made.count:,} images, {made.sha256[:12]}"
        published = hub.upload(options.out, options.push, kind="dataset", private=options.private, message=message)
        print(f"{published.address}\nrevision {published.revision}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Print how classifiers do on a data set: those that are named, then the references."""
    from muddle.dataset.formats import read_set
    from muddle.evaluate import calibration
    from muddle.evaluate.classifiers import load_classifier, references
    from muddle.evaluate.diagram import diagram

    rows = read_set(options.data)
    classifiers = {spec: load_classifier(spec) for spec in options.model} | references()
    evaluations = {
        name: calibration.evaluate(classify(rows.image), rows.soft_label, rows.digit, rows.target)
        for name, classify in classifiers.items()
    }
    print(calibration.report(evaluations))
    name, first = next(iter(evaluations.items()))
    if options.diagram:
        _save(options.diagram, diagram(first, name).encode())
    if options.json:
        _save(options.json, (json.dumps(calibration.as_json(evaluations), indent=1) + "\n").encode())
    return 0


def atlas(options: argparse.Namespace) -> int:
    """Write the atlas of a bundle as a PNG file."""
    from muddle.bundle.resolve import resolve_bundle
    from muddle.images.codecs import png
    from muddle.search.atlas import mosaic

    size = ATLAS_SIZES.check("size", options.size)
    _save(Path(options.output), png(mosaic(resolve_bundle(options.bundle, options.revision), size // 28)))
    return 0


def verify(options: argparse.Namespace) -> int:
    """Check that a bundle is whole and that its sample muddle comes out to the byte.

    Status 1 if not, and also if the embedded bundle stands in for the one that $MUDDLE_REPO names.
    """
    from muddle.bundle.resolve import resolve_bundle
    from muddle.verify import verify

    bundle = resolve_bundle(options.bundle, options.revision)
    lines, whole = verify(bundle)
    print("\n".join(lines))
    if bundle.origin.note:
        print(bundle.origin.note, file=sys.stderr)
    return 0 if whole and not bundle.origin.note else 1


def serve(options: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    from muddle.ui.serve import serve

    port = PORTS.check("port", options.port)
    try:
        serve(options.bundle, options.revision, server_name=options.host, server_port=port)
    except OSError as error:  # gradio's, when the port is taken
        raise ArgumentError("port", port, "a free port of this host") from error
    return 0


def _arguments(options: argparse.Namespace) -> dict[str, object]:
    """The parameters of a muddle among the options."""
    return {name: getattr(options, name) for name in PARAMETERS if name in options}


def _make(recipe: Recipe, options: argparse.Namespace) -> int:
    """Write the muddle of a recipe to the output, and what the judges say of it to standard error."""
    from muddle.export.files import to_file
    from muddle.export.serialize import verdict
    from muddle.muddler import Muddler

    scale = SCALES.check("scale", options.scale)
    kind = options.format or Path(options.output).suffix.removeprefix(".").lower() or "png"
    if kind not in FILE_KINDS:
        endings = ", ".join(f".{kind}" for kind in FILE_KINDS)
        raise ArgumentError("output", options.output, f"a name that ends in one of {endings}")
    m = Muddler.from_pretrained(options.bundle, options.revision).make([recipe])[0]
    data = to_file(m, kind, scale)
    if options.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        _save(Path(options.output), data)
    print(verdict(m), file=sys.stderr)
    return 0


def _input(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1) if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).") from error


def _save(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}).") from error
    print(path)
