"""python -m benchmarks [PART ...]: measure parts of the project, each figure beside a baseline of the same run.

start, answer, throughput, memory: the app, beside a bare gradio page or, with --against, another checkout's app. bulk,
strategies: the library. page: in a browser, with the tests' requirements. train: beside the original's recipe, which
takes minutes and needs MNIST. Nothing else should run meanwhile.
"""

import argparse
import dataclasses
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.documents import SPEED
from benchmarks.measure import Row, Settings, machine, table

PARTS = {  # the module of each, which is imported when it is measured: some need more than the app does
    "start": "app",
    "answer": "app",
    "throughput": "app",
    "memory": "app",
    "bulk": "library",
    "strategies": "library",
    "page": "page",
    "train": "training",
}
USUAL = ("start", "answer", "throughput", "bulk", "memory")


def measure(parts: list[str], settings: Settings) -> tuple[list[Row], str]:
    """The rows of some parts, and a table of where the time goes if `bulk` is one of them."""
    rows: list[Row] = []
    for name in parts:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += getattr(import_module(f"benchmarks.{PARTS[name]}"), name)(settings)
    where = import_module("benchmarks.library").time_by_part(settings) if "bulk" in parts else ""
    return rows, where


def main() -> int:
    """Measure, print the tables, and write the files that the options name."""
    p = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    p.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: {' '.join(USUAL)})")
    p.add_argument("--quick", action="store_true", help="few rounds: whether it works, not how fast")
    p.add_argument("--against", type=Path, metavar="TREE", help="another checkout, measured in turns with this one")
    p.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to, for train")
    p.add_argument("--json", type=Path, help="file for all figures, the machine and the versions")
    p.add_argument("--docs", action="store_true", help="write the tables into docs/speed.md")
    options = p.parse_args()
    usual = [part for part in USUAL if not options.against or PARTS[part] == "app"]
    parts = options.parts or usual
    if unknown := set(parts) - set(PARTS):
        p.error(f"unknown: {', '.join(unknown)}")
    if options.against and (alone := [part for part in parts if PARTS[part] != "app"] or options.docs):
        p.error(f"--against does not go with {'--docs' if alone is True else ', '.join(alone)}")
    rows, where = measure(parts, Settings(options.quick, options.against, options.data_dir))
    print("\n\n".join([table(rows), where]).rstrip())
    when = time.strftime("%Y-%m-%d")
    if options.json:
        figures = {"when": when, "machine": machine(), "rows": [dataclasses.asdict(row) for row in rows]}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.docs:
        about = ", ".join(f"{key} {value}" for key, value in machine().items())
        texts = [table(rows), f"Measured on {when}: {about}."]
        if where:
            texts += ["Where the time of one muddle among many goes, on one processor:", where]
        SPEED.write("\n\n".join(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
