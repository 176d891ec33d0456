"""The command line, `muddle` or `python -m muddle`: the commands with their options, and the exit status."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from muddle import __version__, commands
from muddle.commands import FILE_KINDS, SCALES
from muddle.dataset.engines import ENGINES
from muddle.dataset.formats import FORMATS
from muddle.dataset.spec import UNIFORM
from muddle.errors import MuddleError
from muddle.parameters import Choice, Integer, Kind
from muddle.processes import available_processors
from muddle.recipe import PARAMETERS

EXAMPLES = {
    "": """examples:
  %(prog)s make 4 --target 9 --seed 27 -o muddle.gif   from source to partner and back
  %(prog)s dataset --count 10000 --balance uniform --out digits
  %(prog)s COMMAND --help                              options and examples of a command

The network is used only for a repository that is named (--bundle, $MUDDLE_REPO, --push).
""",
    "make": """examples:
  %(prog)s 4                                       the nearest other digit, into muddle.png
  %(prog)s 4 --target 9 --seed 27 -o muddle.json   everything about it
  %(prog)s 4 --target 9 --balance 0.3 -o - | display
""",
    "image": """examples:
  %(prog)s photo.png --target 3 -o muddled.png
  cat photo.jpg | %(prog)s - -o - > muddled.png
""",
    "dataset": """examples:
  %(prog)s --count 10000 --out digits
  %(prog)s --count 2000 --pairs 4-9,9-4,3-5 --balance uniform --min-likeness 5 --out digits
  %(prog)s --count 10000 --split 0.8 --out digits    train and test, with other sources and partners
  %(prog)s --count 4000 --mixed data --out mixed     real, clear, ambiguous, and no digits
  %(prog)s --count 1000000 --engine ray --out digits --push USER/digits

Rerun an interrupted command to resume.
""",
    "evaluate": """examples:
  %(prog)s digits                             the three reference classifiers
  %(prog)s digits --model mine.py:predict     beside yours: uint8 (N, 28, 28) -> (N, 10)
  %(prog)s digits --model probabilities.npz --diagram figure.png
""",
    "votes": """examples:
  %(prog)s USER/muddle-votes                 a data set on the Hub
  %(prog)s votes --diagram votes.png         a folder that $MUDDLE_VOTES named
""",
    "atlas": """examples:
  %(prog)s                             50 x 50 digits, into atlas.png
  %(prog)s -o poster.png --size 5600   200 x 200 of them
""",
    "verify": """examples:
  %(prog)s                                 the embedded bundle, or $MUDDLE_REPO's
  %(prog)s runs/mnist/bundle               one in a folder
  %(prog)s user/repo --revision SHA        one on the Hub
""",
    "serve": """examples:
  %(prog)s --port 8000
""",
}


def parser(prog: str = "muddle") -> argparse.ArgumentParser:
    """The parser of all commands; `run` of its result is the command's function, from that result to an exit status."""
    root = argparse.ArgumentParser(prog, description="Digits that nobody can place between two labels.")
    root.add_argument("--version", action="version", version=f"MNIST Muddle {__version__}")
    _add_examples(root, "")
    subparsers = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        p = subparsers.add_parser(name, help=text, description=text)
        p.set_defaults(run=run)
        _add_examples(p, name)
        return p

    make = command("make", commands.make, "make one muddle, from a real image of a digit")
    add_parameter(make, "digit", positional=True)
    _add_parameters(make, exclude=("digit", "image"))
    _add_output(make)

    image = command("image", commands.image, "make one muddle, from a picture of a digit: a photo, a scan, a drawing")
    image.add_argument("picture", help="PNG, JPEG, WebP, GIF or BMP file; - for standard input")
    _add_parameters(image, exclude=("image", "source"))
    _add_output(image)

    dataset = command(
        "dataset", commands.dataset, "make a data set of digits of known ambiguity, with soft labels and a card"
    )
    _add_dataset(dataset)

    evaluate = command(
        "evaluate", commands.evaluate, "measure how well the doubt of classifiers fits the soft labels of a data set"
    )
    evaluate.add_argument("data", type=Path, help="folder of a data set")
    evaluate.add_argument(
        "--model", action="append", default=[], metavar="SPEC", help="module:function, .safetensors, .npz or .npy"
    )
    evaluate.add_argument("--split", help="train or test (default: all images)")
    evaluate.add_argument(
        "--diagram", type=Path, help="file for reliability and the curve over balance: .png .svg .pdf"
    )
    evaluate.add_argument("--json", type=Path, help="file for all figures, with those of each pair")
    evaluate.add_argument("--csv", type=Path, help="the same as CSV, a figure a line")
    evaluate.add_argument("--leaderboard", type=Path, help="CSV file to which these classifiers are added")
    evaluate.add_argument("--resamples", type=int, default=200, help="of the bootstrap (default: 200)")

    votes = command("votes", commands.votes, "measure what people said of muddles, and how well networks predict them")
    votes.add_argument("source", help="a folder of votes, or a data set on the Hub")
    votes.add_argument("--diagram", type=Path, help="PNG file: people's answers beside the judges'")
    _add_bundle(votes)

    atlas = command(
        "atlas", commands.atlas, "draw the atlas: what the network would write at each place of the latent map"
    )
    atlas.add_argument("-o", "--output", default="atlas.png", help="PNG file to write (default: atlas.png)")
    atlas.add_argument(
        "--size", type=int, default=1400, help=f"pixels of a side, {commands.ATLAS_SIZES.span} (default: 1400)"
    )
    _add_bundle(atlas)

    verify = command(
        "verify", commands.verify, "check a bundle's files, and that its sample muddle comes out to the byte"
    )
    _add_bundle(verify, "bundle", nargs="?")

    serve = command("serve", commands.serve, "serve the page, the API and the plain addresses")
    serve.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 for all addresses of this machine (default: 127.0.0.1)"
    )
    serve.add_argument("--port", type=int, default=7860, help="(default: 7860)")
    _add_bundle(serve)
    return root


def main(argv: Sequence[str] | None = None, prog: str = "muddle") -> int:
    """Run a command, and return its exit status.

    0: done. 1: not done; the reason is a sentence on standard error. 130: interrupted. Options that do not exist end
    the process with status 2.
    """
    options = parser(prog).parse_args(argv)
    try:
        return options.run(options)
    except MuddleError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python's flush at its exit fails again
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def add_parameter(p: argparse.ArgumentParser, name: str, *, positional: bool = False) -> None:
    """Add the option for a parameter of a muddle, or a positional argument, as the table of parameters describes it."""
    parameter = PARAMETERS[name]
    text = _as_help(parameter.describe())
    if positional:
        p.add_argument(name, help=text, **_values(parameter.kind))
    else:
        text += f" (default: {_as_help(parameter.none) if parameter.none else parameter.default})"
        p.add_argument(f"--{name}", default=parameter.default, help=text, **_values(parameter.kind))


def _add_parameters(p: argparse.ArgumentParser, exclude: Sequence[str]) -> None:
    for name in PARAMETERS:
        if name not in exclude:
            add_parameter(p, name)


def _values(kind: Kind) -> dict[str, Any]:
    """The values of a parameter, as keywords of add_argument. The ranges of numbers are checked by the recipe."""
    if isinstance(kind, Choice):
        return {"choices": tuple(kind.meanings)}
    return {"type": int if isinstance(kind, Integer) else float}


def _as_help(text: str) -> str:
    """A phrase in the form of argparse's own: it begins in lower case, and a percent sign stands for itself."""
    return (text[0].lower() + text[1:]).replace("%", "%%")


def _add_output(p: argparse.ArgumentParser) -> None:
    kinds = " ".join(f".{kind}" for kind in FILE_KINDS)
    p.add_argument(
        "-o",
        "--output",
        default="muddle.png",
        help=f"file to write, its kind by its ending: {kinds}; - for standard output (default: muddle.png)",
    )
    p.add_argument("--format", choices=FILE_KINDS, help="kind of the output (default: by its ending, else png)")
    p.add_argument("--scale", type=int, default=10, help=f"screen pixels a pixel, {SCALES.span} (default: 10)")
    _add_bundle(p)


def _add_dataset(p: argparse.ArgumentParser) -> None:
    share, seeds, processors = PARAMETERS["balance"].kind.span, PARAMETERS["seed"].kind.span, available_processors()
    p.add_argument("--count", type=int, required=True, help="images")
    p.add_argument("--out", type=Path, required=True, help="folder to make or to resume")
    p.add_argument("--pairs", default="all", help="ordered pairs such as 4-9,3-5 (default: all 90, in equal shares)")
    p.add_argument("--balance", default="0.5", help=f"the second label's share, {share}, or {UNIFORM} (default: 0.5)")
    p.add_argument("--min-likeness", type=float, default=0, help="percentile of real digits, 0 to 95 (default: 0)")
    p.add_argument("--seed", type=int, default=0, help=f"{seeds} (default: 0)")
    p.add_argument("--split", type=float, default=0, metavar="SHARE", help="share of a split train (default: none)")
    p.add_argument("--mixed", metavar="MNIST", help="a mixed set, with the real test digits in this folder")
    p.add_argument("--shards", type=int, default=0, help="parts of each split (default: one for every 500 images)")
    p.add_argument("--format", choices=FORMATS, default="parquet", help="(default: parquet, which needs pyarrow)")
    p.add_argument("--engine", choices=ENGINES, default="local", help="ray: the cluster of $RAY_ADDRESS, else its own")
    p.add_argument(
        "--workers", type=int, default=processors, help=f"processes (default: {processors}, one for each core)"
    )
    p.add_argument("--device", default="cpu", help="where muddles are searched: cuda is for one process (default: cpu)")
    p.add_argument("--push", metavar="USER/NAME", help="upload the set to this repository on the Hugging Face Hub")
    p.add_argument("--private", action="store_true", help="make that repository private")
    _add_bundle(p)


def _add_bundle(p: argparse.ArgumentParser, name: str = "--bundle", **more: Any) -> None:
    p.add_argument(name, help="a folder or a Hub repository (default: $MUDDLE_REPO, else the embedded)", **more)
    p.add_argument("--revision", help="branch, tag or commit of a Hub repository")


def _add_examples(p: argparse.ArgumentParser, name: str) -> None:
    p.epilog, p.formatter_class = EXAMPLES[name], argparse.RawDescriptionHelpFormatter
