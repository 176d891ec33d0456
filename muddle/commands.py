"""What the commands of `python -m muddle` do: from parsed options to an exit status. Each raises MuddleError."""

import argparse
import json
import sys
from pathlib import Path

from muddle import classifiers, hub, render
from muddle import evaluate as evaluation
from muddle.dataset.spec import UNIFORM, Spec, parse_pairs
from muddle.images.preprocess import prepare
from muddle.errors import ArgumentError, DataError
from muddle.dataset.generate import make as make_set
from muddle.dataset.formats import read_set
from muddle.bundle.resolve import locate
from muddle.muddler import Muddle, Muddler
from muddle.export.serialize import verdict
from muddle.evaluate.diagram import diagram
from muddle.verify import verify
from muddle.export.files import write

FILES = ("png", "gif", "webp", "json", "npz")  # of what a muddle can be written as


def make(options: argparse.Namespace) -> int:
    """One muddle into a file."""
    muddler = _muddler(options)
    m = muddler.muddle(options.digit, options.target, source=options.source, **_settings(options))
    return _deliver(m, muddler, options)


def image(options: argparse.Namespace) -> int:
    """One muddle of a given picture into a file."""
    pixels = prepare(render.read(_input(options.picture)))
    muddler = _muddler(options)
    return _deliver(muddler.muddle_image(pixels, options.digit, options.target, **_settings(options)), muddler, options)


def dataset(options: argparse.Namespace) -> int:
    """A data set into a folder, and to the Hub when asked."""
    try:
        balance = UNIFORM if options.balance == UNIFORM else float(options.balance)
    except ValueError as error:
        raise ArgumentError("balance", options.balance, f"give a number from 0 to 1, or {UNIFORM}") from error
    if options.workers < 1:
        raise ArgumentError("workers", options.workers, "give at least 1")
    if options.push:
        hub.check_name("push", options.push)
        hub.check_owner(options.push)
    spec = Spec(
        options.count, parse_pairs(options.pairs), balance, options.min_likeness, options.seed, options.shards
    ).checked()
    settings = {"form": options.format, "engine": options.engine, "workers": options.workers}
    made = make_set(_muddler(options), spec, options.out, **settings)
    before = f" ({made.resumed} of {spec.shards} shards were there)" if made.resumed else ""
    print(f"{made.count:,} images in {options.out}{before}\nsha256 {made.sha256}")
    if options.push:
        message = f"{made.count:,} images, {made.sha256[:12]}"
        done = hub.upload(options.out, options.push, kind="dataset", private=options.private, message=message)
        print(f"{done.address}\nrevision {done.revision}")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """A table of how classifiers do on a data set: those that are named, then the references."""
    rows = read_set(options.data)
    models = {spec: classifiers.load(spec) for spec in options.model} | classifiers.references()
    found = {
        name: evaluation.evaluate(model(rows.image), rows.soft_label, rows.digit, rows.target)
        for name, model in models.items()
    }
    print(evaluation.report(found))
    first = next(iter(found))
    if options.diagram:
        _save(str(options.diagram), diagram(found[first], first).encode())
    if options.json:
        _save(str(options.json), (json.dumps(evaluation.as_json(found), indent=1) + "\n").encode())
    return 0


def verify_bundle(options: argparse.Namespace) -> int:
    """Whether a bundle is whole and does what it says."""
    bundle = locate(options.bundle, options.revision)
    lines, whole = verify(bundle)
    print("\n".join(lines))
    if bundle.origin.note:
        print(bundle.origin.note, file=sys.stderr)
    return 0 if whole and not bundle.origin.note else 1


def serve(options: argparse.Namespace) -> int:
    """The page, until it is interrupted."""
    from muddle.ui.service import Service

    service = Service(options.bundle, options.revision)
    service.start()
    from muddle.ui.serve import serve as serve_page

    try:
        serve_page(service, server_name=options.host, server_port=options.port)
    except OSError as error:  # gradio's, when the port is taken
        raise ArgumentError("port", options.port, "it is taken on this host; name another") from error
    return 0


def _muddler(options: argparse.Namespace) -> Muddler:
    return Muddler(locate(options.bundle, options.revision))


def _settings(options: argparse.Namespace) -> dict[str, object]:
    return {name: getattr(options, name) for name in ("seed", "steps", "strategy", "balance")}


def _input(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read(render.MAX_BYTES + 1) if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}).") from error


def _deliver(m: Muddle, muddler: Muddler, options: argparse.Namespace) -> int:
    """Writes the muddle, and says on standard error what it is."""
    if not 1 <= options.scale <= 40:
        raise ArgumentError("scale", options.scale, "give 1 to 40")
    ending = Path(options.output).suffix.removeprefix(".").lower()
    kind = options.format or ending or "png"
    if kind not in FILES:
        raise ArgumentError("output", options.output, f"end it in one of {', '.join(f'.{name}' for name in FILES)}")
    data = write(m, muddler, kind, options.scale)
    if options.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        _save(options.output, data)
    print(verdict(m), file=sys.stderr)
    return 0


def _save(name: str, data: bytes) -> None:
    try:
        Path(name).write_bytes(data)
    except OSError as error:
        raise DataError(f"{name}: cannot be written ({error.strerror}).") from error
    print(name)
