"""python tests/faulty.py FAULT: the app, where something is wrong.

disk: no file can be written, the log included. clock: SIGUSR1 sets it a day forward, SIGUSR2 two days back.
"""

import resource
import runpy
import signal
import sys
import time
from pathlib import Path

DAY = 86_400


def disk():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def clock():
    right, off = time.time, 0

    def jump(seconds):
        nonlocal off
        off += seconds

    time.time = lambda: right() + off
    signal.signal(signal.SIGUSR1, lambda *_: jump(DAY))
    signal.signal(signal.SIGUSR2, lambda *_: jump(-2 * DAY))


if __name__ == "__main__":
    {"disk": disk, "clock": clock}[sys.argv[1]]()
    root = Path(__file__).parent.parent
    sys.path.insert(0, str(root))
    runpy.run_path(str(root / "app.py"), run_name="__main__")
