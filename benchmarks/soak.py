"""python -m benchmarks.soak: many visitors for some minutes; nothing may fail, and nothing may grow.

Each visitor asks for muddles, muddles of drawings, files and pages in turn, pausing as people do. Told to come back
("busy") is no failure. Memory, open files and files on the disk are compared from after the first fifth to the end.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.servers import APP, Caller, Server, open_files, resident, served

MOST_GROWTH = 5  # percent


def visit(server: Server, number: int, end: float, pause: float, seen: Counter[str]) -> None:
    """One visitor until the end of the time; what came of each request is counted in `seen`."""
    chance, address = random.Random(number), f"10.0.{number // 250}.{number % 250}"
    caller, drawing = Caller(server, address), None
    while time.monotonic() < end:
        digit, seed = chance.randrange(10), chance.randrange(10**6)
        query = f"?digit={digit}&seed={seed}"
        paths = ["/", f"/muddle.png{query}", f"/muddle.gif{query}&steps=24", f"/strip.png{query}", "/exemplars.png"]
        try:
            match chance.choice(["muddle", "drawing", "file"]):
                case "drawing" if drawing is not None:
                    caller.call(drawing, None, None, "balanced", 11, seed, endpoint="muddle_image")
                case "file":
                    status, text = caller.get(chance.choice(paths))
                    if status != 200:
                        raise RuntimeError(f"{status} {text[:80]!r}")
                case _:
                    drawing = caller.call(digit, None, "balanced", 11, seed)["muddle"]
            outcome = "ok"
        except Exception as error:
            outcome = "busy" if "Try again in" in str(error) else repr(error)[:120]
            caller = Caller(server, address)
        seen[outcome] += 1
        time.sleep(chance.uniform(0, 2 * pause))


def state(server: Server, folder: Path) -> tuple[float, int, int]:
    """Megabytes of memory, open files, files on the disk."""
    return resident(server.pid), open_files(server.pid), sum(path.is_file() for path in folder.rglob("*"))


def main() -> int:
    """Prints what came of it; the status is 1 when something failed or grew."""
    p = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    p.add_argument("--visitors", type=int, default=50)
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--pause", type=float, default=2, help="seconds between a visitor's requests, on average")
    p.add_argument("--most-growth", type=float, default=MOST_GROWTH, metavar="PERCENT", help="of memory")
    options = p.parse_args()
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch, served(*APP, TMPDIR=scratch) as app:
        folder, end = Path(scratch), time.monotonic() + options.seconds
        work = [(app, number, end, options.pause, seen) for number in range(options.visitors)]
        visitors = [threading.Thread(target=visit, args=arguments) for arguments in work]
        for visitor in visitors:
            visitor.start()
        time.sleep(options.seconds / 5)
        before = state(app, folder)
        for visitor in visitors:
            visitor.join()
        after = state(app, folder)
    print(f"{options.visitors} visitors for {options.seconds:.0f} s:", dict(seen.most_common()))
    for what, first, last in zip(("MB of memory", "open files", "files on the disk"), before, after, strict=True):
        print(f"{what}: {first:.0f}, then {last:.0f}")
    grown = 100 * (after[0] / before[0] - 1) > options.most_growth or after[1] > before[1] or after[2] > 0
    return 1 if grown or set(seen) - {"ok", "busy"} else 0


if __name__ == "__main__":
    sys.exit(main())
