"""How much memory the app holds after 2,000 muddles, beside a process that has imported gradio and torch."""

import subprocess
import sys
import threading

from benchmarks.measure import Row, row
from benchmarks.servers import APP, MUDDLE, Caller, Server, resident, served

MUDDLES, QUICK, CALLERS = 2000, 200, 4
IMPORTED = """
import gradio, torch
print(flush=True)
input()
"""


def imported() -> float:
    """Megabytes of a process that has imported the two and does nothing."""
    child = subprocess.Popen([sys.executable, "-c", IMPORTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    held = resident(child.pid)
    child.communicate(b"\n")
    return held


def ask(server: Server, count: int) -> None:
    """So many different muddles, by a few callers at once."""

    def some(first: int) -> None:
        caller = Caller(server)
        for seed in range(first, count, CALLERS):
            caller.call(seed % 10, None, "balanced", 11, seed)

    callers = [threading.Thread(target=some, args=(first,)) for first in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()


def measure(quick: bool) -> list[Row]:
    """Both processes of the app, all that they hold counted, what they share twice."""
    with served(*APP) as app:
        Caller(app).call(*MUDDLE)
        fresh = resident(app.pid)
        ask(app, QUICK if quick else MUDDLES)
        held = resident(app.pid)
    floor = imported()
    count = QUICK if quick else MUDDLES
    return [
        row(f"memory after {count:,} muddles; floor: gradio and torch imported", "MB", [held], [floor], "≤ 1.15"),
        row("memory after one muddle; the same floor", "MB", [fresh], [floor]),
    ]
