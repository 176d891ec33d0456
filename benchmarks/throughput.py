"""How many muddles a second come back to 32 callers at once, beside an endpoint that has the answer ready."""

import itertools
import json
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.measure import Row, row
from benchmarks.servers import APP, FLOOR, MUDDLE, Caller, Server, served

CALLERS, SECONDS, QUICK = 32, 5, 2
ROUNDS = 4


def rate(server: Server, way: str, seconds: float, seeds: "itertools.count[int]") -> float:
    """Answers a second to CALLERS callers, each of which asks again as soon as it is answered, never twice the same."""
    answered = 0
    lock = threading.Lock()
    end = time.perf_counter() + seconds

    def keep_asking(number: int) -> None:
        nonlocal answered
        caller = Caller(server, f"10.0.0.{number}")
        while time.perf_counter() < end:
            with lock:
                seed = next(seeds)
            getattr(caller, way)(seed % 10, None, "balanced", 11, seed)
            with lock:
                answered += time.perf_counter() < end

    callers = [threading.Thread(target=keep_asking, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return answered / seconds


def measure(quick: bool) -> list[Row]:
    """Alternating spells of some seconds."""
    seeds = itertools.count(10_000)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch, served(*APP) as app:
        payload = Path(scratch) / "answer.json"
        payload.write_text(json.dumps(Caller(app).call(*MUDDLE)))
        with served(*FLOOR, "--answer", str(payload)) as floor:
            for number in range(-1, 1 if quick else ROUNDS):  # the first round warms up
                for way, (name, server) in itertools.product(("call", "run"), (("ours", app), ("floor", floor))):
                    found = rate(server, way, QUICK if quick else SECONDS, seeds)
                    if number >= 0:
                        rates.setdefault(f"{way} {name}", []).append(found)
    return [
        row("32 callers, call and events; floor: a ready answer", "a second", rates["call ours"], rates["call floor"],
            "≥ 0.4"),
        row("32 callers, one request each; the same floor", "a second", rates["run ours"], rates["run floor"]),
    ]  # fmt: skip
