"""The command `python -m muddle`: its options. What each command does is in commands.py."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from muddle import commands
from muddle.arguments import STRATEGIES
from muddle.dataset.spec import UNIFORM
from muddle.errors import MuddleError
from muddle.dataset.generate import ENGINES, available
from muddle.dataset.formats import FORMATS

EXAMPLES = {
    "": """examples:
  python -m muddle make 4 --target 9 --seed 27 -o muddle.gif   from source to partner and back
  python -m muddle dataset --count 10000 --balance uniform --out digits
  python -m muddle COMMAND --help                              options and examples of a command

The network is used for what names a repository (--bundle, $MUDDLE_REPO, --push), and for nothing else.
""",
    "make": """examples:
  python -m muddle make 4                                       the nearest other digit, into muddle.png
  python -m muddle make 4 --target 9 --seed 27 -o muddle.json   everything about it
  python -m muddle make 4 --target 9 --balance 0.3 -o - | display
""",
    "image": """examples:
  python -m muddle image photo.png --target 3 -o muddled.png
  cat photo.jpg | python -m muddle image - -o - > muddled.png
""",
    "dataset": """examples:
  python -m muddle dataset --count 10000 --out digits
  python -m muddle dataset --count 2000 --pairs 4-9,9-4,3-5 --balance uniform --min-likeness 5 --out digits
  python -m muddle dataset --count 1000000 --engine ray --out digits --push USER/digits
Given again after an interruption, a command goes on where it stopped.
""",
    "evaluate": """examples:
  python -m muddle evaluate digits                             the three reference classifiers
  python -m muddle evaluate digits --model mine.py:predict     beside yours: uint8 (N, 28, 28) -> (N, 10)
  python -m muddle evaluate digits --model probabilities.npz --diagram reliability.svg
""",
    "verify": """examples:
  python -m muddle verify                                      the bundle that ships, or $MUDDLE_REPO's
  python -m muddle verify runs/mnist/bundle                    one in a folder
  python -m muddle verify user/repo --revision SHA             one on the Hub
""",
    "serve": """examples:
  python -m muddle serve --port 8000
""",
}
OUTPUT = (
    "file to write, its kind by its ending: .png .gif .webp .json .npz; - for standard output (default: muddle.png)"
)


def parser() -> argparse.ArgumentParser:
    """All commands and their options; `run` of the result is the command's function."""
    p = _described(argparse.ArgumentParser("python -m muddle", description="Digits that nobody can place."), "")
    added = p.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        c = _described(added.add_parser(name, help=text, description=text), name)
        c.set_defaults(run=run)
        return c

    m = command("make", commands.make, "one muddle, from a real image of a digit")
    m.add_argument("digit", type=int, help="0 to 9")
    m.add_argument("--source", type=int, help="the exemplar to start from, by its number (default: the seed draws one)")
    _settings(m)

    i = command("image", commands.image, "one muddle, from a picture of a digit: a photo, a scan, a drawing")
    i.add_argument("picture", help="PNG, JPEG, WebP, GIF or BMP file; - for standard input")
    i.add_argument("--digit", type=int, help="what it shows (default: what the judges see)")
    _settings(i)

    d = command("dataset", commands.dataset, "a data set of digits of known ambiguity, with soft labels and a card")
    d.add_argument("--count", type=int, required=True, help="images")
    d.add_argument("--out", type=Path, required=True, help="folder to make or to go on with")
    d.add_argument("--pairs", default="all", help="ordered pairs such as 4-9,3-5 (default: all 90, in equal shares)")
    d.add_argument("--balance", default="0.5", help=f"the second label's share, 0 to 1, or {UNIFORM} (default: 0.5)")
    d.add_argument("--min-likeness", type=float, default=0, help="percentile of real digits, 0 to 95 (default: 0)")
    d.add_argument("--seed", type=int, default=0, help="0 to 4294967295 (default: 0)")
    d.add_argument("--shards", type=int, default=0, help="parts (default: one for every 500 images, 8 to 256)")
    d.add_argument("--format", choices=FORMATS, default="parquet", help="(default: parquet, which needs pyarrow)")
    d.add_argument("--engine", choices=ENGINES, default="local", help="ray: $RAY_ADDRESS's cluster, else a local one")
    d.add_argument(
        "--workers", type=int, default=available(), help=f"processes (default: {available()}, one each core)"
    )
    d.add_argument("--push", metavar="USER/NAME", help="upload the set to this repository on the Hugging Face Hub")
    d.add_argument("--private", action="store_true", help="make that repository private")
    _bundle(d)

    e = command("evaluate", commands.evaluate, "how well classifiers know what they do not know, on such a set")
    e.add_argument("data", type=Path, help="folder of a data set")
    e.add_argument("--model", action="append", default=[], metavar="SPEC", help="module:function, .safetensors or .npz")
    e.add_argument("--diagram", type=Path, help="SVG file for the reliability diagram of the first model")
    e.add_argument("--json", type=Path, help="file for all figures")

    v = command("verify", commands.verify_bundle, "check a bundle's files and that a muddle comes out to the byte")
    v.add_argument("bundle", nargs="?", help="a folder or a Hub repository (default: $MUDDLE_REPO, else the embedded)")
    v.add_argument("--revision", help="branch, tag or commit of a Hub repository")

    s = command("serve", commands.serve, "the page, the API and the plain addresses")
    s.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 for all of this machine's addresses (default: 127.0.0.1)"
    )
    s.add_argument("--port", type=int, default=7860, help="(default: 7860)")
    _bundle(s)
    return p


def _described(p: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    p.epilog, p.formatter_class = EXAMPLES[name], argparse.RawDescriptionHelpFormatter
    return p


def _settings(p: argparse.ArgumentParser) -> None:
    p.add_argument("--target", type=int, help="another digit (default: the class whose centroid is nearest)")
    p.add_argument("--seed", type=int, default=0, help="0 to 4294967295 (default: 0)")
    p.add_argument("--strategy", choices=STRATEGIES, default="balanced", help="(default: balanced)")
    p.add_argument("--steps", type=int, default=11, help="frames from source to partner, 2 to 64 (default: 11)")
    p.add_argument("--balance", type=float, default=0.5, help="the target's share, 0 to 1 (default: 0.5)")
    p.add_argument("-o", "--output", default="muddle.png", help=OUTPUT)
    p.add_argument("--format", choices=commands.FILES, help="kind of the output (default: by its ending, else png)")
    p.add_argument("--scale", type=int, default=10, help="screen pixels a pixel, 1 to 40 (default: 10)")
    _bundle(p)


def _bundle(p: argparse.ArgumentParser) -> None:
    p.add_argument("--bundle", help="a folder or a Hub repository (default: $MUDDLE_REPO, else the embedded)")
    p.add_argument("--revision", help="branch, tag or commit of a Hub repository")


def main(argv: list[str] | None = None) -> int:
    """Exit status 0: done; 1: not, with the reason in a sentence on standard error; 2: options that do not exist."""
    options = parser().parse_args(argv)
    try:
        return options.run(options)
    except MuddleError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read has read enough
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
