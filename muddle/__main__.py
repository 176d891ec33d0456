"""The command `python -m muddle`."""

import sys

from muddle.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m muddle"))
