"""python -m benchmarks [PART ...]: what the app takes, each figure beside a floor that is started by the same command.

start, answer, throughput, bulk, memory: against gradio with nothing in it, on this machine; train: against the recipe
of the original, which takes minutes and needs MNIST (--data-dir). Nothing else should run meanwhile.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks import answer, bulk, memory, start, throughput
from benchmarks.documents import SPEED
from benchmarks.measure import Row, machine, table

PARTS = {part.__name__.split(".")[1]: part.measure for part in (start, answer, throughput, bulk, memory)}


def main() -> int:
    """Prints a table, and writes what it is asked to write."""
    p = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    p.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, train (default: all but train)")
    p.add_argument("--quick", action="store_true", help="few rounds: whether it works, not what it takes")
    p.add_argument("--data-dir", type=Path, default=Path("data"), help="where MNIST is, or is downloaded to, for train")
    p.add_argument("--json", type=Path, help="file for all figures, the machine and the versions")
    p.add_argument("--docs", action="store_true", help="write the tables into docs/speed.md")
    options = p.parse_args()
    if unknown := set(options.parts) - {*PARTS, "train"}:
        p.error(f"unknown: {', '.join(unknown)}")
    rows: list[Row] = []
    for name in options.parts or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name == "train":
            from benchmarks import training  # torchvision, which the others never import

            rows += training.measure(options.data_dir, options.quick)
        else:
            rows += PARTS[name](options.quick)
    print(table(rows))
    parts = bulk.table_of_parts(options.quick) if "bulk" in (options.parts or PARTS) else ""
    if parts:
        print(f"\n{parts}")
    found = {"when": time.strftime("%Y-%m-%d"), "machine": machine(), "rows": [row.as_json() for row in rows]}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.docs:
        about = ", ".join(f"{key} {value}" for key, value in machine().items())
        text = f"{table(rows)}\n\nMeasured on {found['when']}: {about}."
        if parts:
            text += f"\n\nWhere the time of one muddle among many goes, on one processor:\n\n{parts}"
        SPEED.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
