"""How long one caller waits for a balanced muddle over HTTP, beside an endpoint that has the answer ready."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Row, row
from benchmarks.servers import APP, FLOOR, MUDDLE, Caller, served

CALLS, QUICK = 200, 40


def milliseconds(call: Callable[..., object], *data: object) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call(*data)
    return 1000 * (time.perf_counter() - began)


def measure(quick: bool) -> list[Row]:
    """Alternating calls of the two, by the queue (a call and its stream of events) and without it."""
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch, served(*APP) as app:
        payload = Path(scratch) / "answer.json"
        payload.write_text(json.dumps(Caller(app).call(*MUDDLE)))
        with served(*FLOOR, "--answer", str(payload)) as floor:
            ours, noop = Caller(app), Caller(floor)
            for i in range(-10, QUICK if quick else CALLS):  # the first ten warm up
                new, same = (i % 10, None, "balanced", 11, 1000 + i), MUDDLE
                spent = {
                    "call": milliseconds(ours.call, *new),
                    "call, floor": milliseconds(noop.call, *new),
                    "again": milliseconds(ours.call, *same),
                    "again, floor": milliseconds(noop.call, *same),
                    "run": milliseconds(ours.run, *(*new[:4], 5000 + i)),
                    "run, floor": milliseconds(noop.run, *new),
                }
                if i >= 0:
                    for name, value in spent.items():
                        times.setdefault(name, []).append(value)
    return [
        row("a new muddle, call and events; floor: a ready answer", "ms", times["call"], times["call, floor"], "≤ 3"),
        row("the same muddle again; the same floor", "ms", times["again"], times["again, floor"], "≤ 1.15"),
        row("a new muddle, one request; floor: a ready answer", "ms", times["run"], times["run, floor"]),
    ]
