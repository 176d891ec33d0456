"""The command `python -m muddle`."""

import argparse
import sys

from muddle.errors import MuddleError
from muddle.locate import locate
from muddle.verify import verify

EXAMPLES = """examples:
  python -m muddle verify                         the bundle that ships with the code, or $MUDDLE_REPO's
  python -m muddle verify runs/mnist/bundle       one in a folder
  python -m muddle verify user/repo --revision SHA  one on the Hub
"""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    p = argparse.ArgumentParser(
        "python -m muddle", epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = p.add_subparsers(dest="command", required=True)
    v = commands.add_parser("verify", help="check a bundle's files and that a muddle comes out to the byte")
    v.add_argument("bundle", nargs="?", help="a folder or a Hub repository (default: $MUDDLE_REPO, else the embedded)")
    v.add_argument("--revision", help="branch, tag or commit of a Hub repository")
    return p


def main(argv: list[str] | None = None) -> int:
    """Exit status 0: whole and as it says; 1: not, with the reason in a sentence on standard error."""
    options = parser().parse_args(argv)
    try:
        bundle = locate(options.bundle, options.revision)
        lines, whole = verify(bundle)
    except MuddleError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    if bundle.origin.note:
        print(bundle.origin.note, file=sys.stderr)
    return 0 if whole and not bundle.origin.note else 1


if __name__ == "__main__":
    sys.exit(main())
