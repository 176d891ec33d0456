"""python -m benchmarks.soak: many visitors for some minutes; nothing may fail, and nothing may grow.

Each visitor asks for muddles, muddles of drawings, files and pages in turn, pausing as people do. "Busy", the answer to
come back later, is no failure. Memory, open files and files on the disk at the end are compared with those after the
first fifth of the time.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.app import in_threads
from benchmarks.servers import APP, Caller, CallError, Server, open_files, resident, served

MAX_GROWTH = 5  # percent of the memory


class State(NamedTuple):
    """MB of memory, and how many files are open and on the disk."""

    memory: float
    open_files: int
    disk_files: int


def state(server: Server, folder: Path) -> State:
    """The state of the app, whose temporary folder is `folder`."""
    disk_files = sum(path.is_file() for path in folder.rglob("*"))
    return State(resident(server.pid), open_files(server.pid), disk_files)


def problems(outcomes: Iterable[str], before: State, after: State, max_growth: float) -> list[str]:
    """Everything that failed or grew."""
    failures = [outcome for outcome in outcomes if outcome not in ("ok", "busy")]
    growth = 100 * (after.memory / before.memory - 1)
    grown = {
        f"memory grew by {growth:.1f} %": growth > max_growth,
        "more files are open": after.open_files > before.open_files,
        "files are on the disk": after.disk_files > 0,
    }
    return [*failures, *(text for text, happened in grown.items() if happened)]


def visit(server: Server, number: int, end: float, pause: float, outcomes: Counter[str]) -> None:
    """Be one visitor until `end`, and count the outcome of each request."""
    chance, address = random.Random(number), f"10.0.{number // 250}.{number % 250}"
    caller, drawing = Caller(server, address), None
    while time.monotonic() < end:
        digit, seed = chance.randrange(10), chance.randrange(10**6)
        query = f"?digit={digit}&seed={seed}"
        paths = ["/", f"/muddle.png{query}", f"/muddle.gif{query}&steps=24", f"/strip.png{query}", "/map.json"]
        try:
            match chance.choice(["muddle", "drawing", "file"]):
                case "drawing" if drawing is not None:
                    caller.call(drawing, None, None, "balanced", 11, seed, endpoint="muddle_image")
                case "file":
                    caller.get(chance.choice(paths))
                case _:
                    drawing = caller.call(digit, None, "balanced", 11, seed)["muddle"]
            outcome = "ok"
        except Exception as error:  # a broken connection is an outcome too
            outcome = "busy" if isinstance(error, CallError) and error.code == "busy" else repr(error)[:120]
            caller = Caller(server, address)
        outcomes[outcome] += 1
        time.sleep(chance.uniform(0, 2 * pause))


def main() -> int:
    """Print the outcomes and the states; the status is 1 when something failed or grew."""
    p = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    p.add_argument("--visitors", type=int, default=50)
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--pause", type=float, default=2, help="seconds between a visitor's requests, on average")
    p.add_argument("--max-growth", type=float, default=MAX_GROWTH, metavar="PERCENT", help="of memory")
    options = p.parse_args()
    outcomes: Counter[str] = Counter()
    states: list[State] = []
    with tempfile.TemporaryDirectory() as scratch, served(*APP, TMPDIR=scratch) as app:
        end = time.monotonic() + options.seconds

        def work(number: int) -> None:
            if number < options.visitors:
                return visit(app, number, end, options.pause, outcomes)
            time.sleep(options.seconds / 5)
            states.append(state(app, Path(scratch)))

        in_threads(work, options.visitors + 1)
        states.append(state(app, Path(scratch)))
    print(f"{options.visitors} visitors for {options.seconds:.0f} s:", dict(outcomes.most_common()))
    before, after = states
    for name, first, last in zip(State._fields, before, after, strict=True):
        print(f"{name.replace('_', ' ')}{' in MB' if name == 'memory' else ''}: {first:.0f}, then {last:.0f}")
    found = problems(outcomes, before, after, options.max_growth)
    for problem in found:
        print(f"problem: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
