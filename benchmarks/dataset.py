"""python -m benchmarks.dataset: the time that a data set takes, how even it is, and the references' figures on it."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.documents import DOCS, REFERENCES
from muddle.dataset.card import tenths
from muddle.dataset.folder import SetFolder
from muddle.evaluate.classifiers import references
from muddle.evaluate.figure import picture
from muddle.evaluate.measures import anchors, evaluate
from muddle.evaluate.report import board_table, legend, with_results


def main() -> int:
    """Make a uniform set by the command, as users do, and evaluate the references on it."""
    p = argparse.ArgumentParser("python -m benchmarks.dataset", description=__doc__)
    p.add_argument("--count", type=int, default=10_000)
    p.add_argument("--workers", type=int, nargs="+", default=[2], help="numbers of processes to try, one after another")
    p.add_argument("--engine", default="local")
    p.add_argument("--docs", action="store_true", help="write leaderboard, table and pictures into docs/")
    options = p.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for workers in options.workers:
            out = Path(scratch) / str(workers)
            command = ["dataset", "--count", str(options.count), "--balance", "uniform", "--out", str(out)]
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "muddle", *command, "--workers", str(workers), "--engine", options.engine],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            spent = time.perf_counter() - began
            print(f"{options.count:,} images, {workers} workers, {options.engine}: {spent:.1f} s")
            print(done.stdout.splitlines()[-1])
        folder = SetFolder(out)
        rows, sums, samples = folder.read(), folder.fingerprint(), (out / "samples.png").read_bytes()
    counts = tenths(rows)
    print("share of each tenth, %:", " ".join(f"{100 * count / counts.sum():.1f}" for count in counts))
    found = {name: evaluate(classify(rows.image), rows) for name, classify in references().items()}
    board = with_results("", sums, found | anchors(rows))
    print(board_table(board))
    if options.docs:
        (DOCS / "dataset.png").write_bytes(samples)
        (DOCS / "evaluation.png").write_bytes(picture(found, Path("evaluation.png")))
        (DOCS / "leaderboard.csv").write_text(board)
        low, high = 100 * counts.min() / counts.sum(), 100 * counts.max() / counts.sum()
        spread = f"{low:.1f} to {high:.1f} % of them in each tenth of the range"
        made = f"{options.count:,} images in {spent:.0f} s by {workers} processes, {spread}. On these:"
        REFERENCES.write(f"{made}\n\n{board_table(board)}\n\n{legend()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
