"""The commands of the command line: each from its parsed options to an exit status. Each may raise MuddleError.

A command imports what it needs when it runs: neither --help nor the page of `serve` waits for torch.
"""

import argparse
import json
import sys
from pathlib import Path

from muddle.dataset.spec import UNIFORM, parse_pairs
from muddle.errors import ArgumentError, DataError
from muddle.images.codecs import MAX_BYTES, read
from muddle.parameters import Integer
from muddle.recipe import PARAMETERS, Recipe
from muddle.storage import write_whole

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
    from muddle.dataset.generate import make_dataset
    from muddle.muddler import Muddler

    try:
        balance = UNIFORM if options.balance == UNIFORM else float(options.balance)
    except ValueError as error:
        raise ArgumentError("balance", options.balance, f"a number from 0 to 1, or {UNIFORM}") from error
    pairs = parse_pairs(options.pairs)
    if options.push:
        hub.check_name("push", options.push)
        hub.check_owner(options.push)
    made = make_dataset(
        options.out,
        count=options.count,
        pairs=pairs,
        balance=balance,
        min_likeness=options.min_likeness,
        seed=options.seed,
        train=options.split,
        real=options.mixed,
        shards=options.shards,
        form=options.format,
        engine=options.engine,
        workers=options.workers if options.device == "cpu" else 1,
        muddler=Muddler.from_pretrained(options.bundle, options.revision, device=options.device),
    )
    before = f" ({made.resumed} shards were there)" if made.resumed else ""
    print(f"{made.count:,} images in {options.out}{before}\nsha256 {made.sha256}")
    if options.push:
        message = f"{made.count:,} images, {made.sha256[:12]}"
        published = hub.upload(options.out, options.push, kind="dataset", private=options.private, message=message)
        print(f"{published.address}\nrevision {published.revision}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Print how classifiers do on a data set: those that are named, the references, and what figures mean there."""
    from muddle.dataset.folder import SetFolder
    from muddle.evaluate import figure, measures, report
    from muddle.evaluate.classifiers import load_classifier, references

    resamples = measures.RESAMPLES.check("resamples", options.resamples)
    if options.diagram:
        figure.check_name(options.diagram)
    classifiers = {spec: load_classifier(spec) for spec in options.model} | references()
    folder = SetFolder(options.data)
    rows = folder.read(options.split)
    found = {
        name: measures.evaluate(classify(rows.image, rows.index), rows, resamples=resamples)
        for name, classify in classifiers.items()
    }
    everything = found | measures.anchors(rows, resamples=resamples)
    print(f"{report.table(everything)}\n\n{report.legend()}")
    if options.diagram:
        _save(options.diagram, figure.picture(found, options.diagram))
    if options.json:
        _save(options.json, (json.dumps(report.as_json(everything), indent=1) + "\n").encode())
    if options.csv:
        _save(options.csv, report.as_csv(everything).encode())
    if options.leaderboard:
        board = options.leaderboard.read_text() if options.leaderboard.is_file() else ""
        board = report.with_results(board, folder.fingerprint(options.split), everything)
        _save(options.leaderboard, board.encode())
        print(report.board_table(board))
    return 0


def votes(options: argparse.Namespace) -> int:
    """Print what people said of muddles, beside the networks."""
    from muddle.muddler import Muddler
    from muddle.votes.read import read_votes, sort_out
    from muddle.votes.report import Reading

    muddler = Muddler.from_pretrained(options.bundle, options.revision)
    reading = Reading(muddler, sort_out(read_votes(options.source), muddler.bundle.exemplars.labels.tolist()))
    print(reading.text())
    if options.diagram:
        _save(options.diagram, reading.picture())
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
    from muddle.export.serialize import LIKE_A_DIGIT, verdict
    from muddle.muddler import Muddler

    scale = SCALES.check("scale", options.scale)
    kind = options.format or Path(options.output).suffix.removeprefix(".").lower() or "png"
    if kind not in FILE_KINDS:
        endings = ", ".join(f".{kind}" for kind in FILE_KINDS)
        raise ArgumentError("output", options.output, f"a name that ends in one of {endings}")
    muddler = Muddler.from_pretrained(options.bundle, options.revision)
    m = muddler.make([recipe])[0]
    data = to_file(m, kind, scale)
    if options.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        _save(Path(options.output), data)
    print(verdict(m), file=sys.stderr)
    if recipe.image is not None and (likeness := float(muddler.likeness(m.source))) < LIKE_A_DIGIT:
        print(f"Is the picture a digit? {100 - likeness:.0f} % of real ones look more like one.", file=sys.stderr)
    return 0


def _input(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read(MAX_BYTES + 1) if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).") from error


def _save(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}).") from error
    print(path)
