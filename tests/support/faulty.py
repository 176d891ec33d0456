"""python tests/support/faulty.py: the app, where SIGUSR1 sets the clock a day forward and SIGUSR2 two days back."""

import runpy
import signal
import sys
import time
from pathlib import Path

DAY = 86_400


def let_the_clock_jump():
    right, off = time.time, 0

    def jump(seconds):
        nonlocal off
        off += seconds

    time.time = lambda: right() + off
    signal.signal(signal.SIGUSR1, lambda *_: jump(DAY))
    signal.signal(signal.SIGUSR2, lambda *_: jump(-2 * DAY))


if __name__ == "__main__":
    let_the_clock_jump()
    root = Path(__file__).parent.parent.parent
    sys.path[0] = str(root)  # not this folder, whose http.py would stand before Python's own
    runpy.run_path(str(root / "app.py"), run_name="__main__")
