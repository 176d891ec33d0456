"""How fast the app starts and answers, and the memory that it holds, each beside a baseline measured in turns with it.

The baseline is a gradio page with next to nothing in it or, with --against, the app of another checkout.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Row, Settings, milliseconds, row
from benchmarks.servers import APP, BARE, MUDDLE, ROOT, Caller, CallError, Server, call, resident, served

CALLERS = 32
MUDDLES = 2000  # after which memory is read
PICTURES, PICTURE = 30, "A" * 6_900_000  # refused pictures; each is base64 of no picture, just short enough to be read
NO_WORSE = {"a second": "≥ 0.9", "s": "≤ 1.11", "ms": "≤ 1.11", "MB": "≤ 1.11"}  # than the other checkout, nine tenths


def start(settings: Settings) -> list[Row]:
    """Seconds from the start to the page, and to the first muddle; each time in new processes."""
    if settings.against:
        programs = {"app": (APP, ROOT), "page": (APP, settings.against)}
    else:
        programs = {"app": (APP, ROOT), "page": (BARE, ROOT), "first": ((*BARE, "--torch"), ROOT)}
    pages, firsts = defaultdict(list), defaultdict(list)
    for number in range(-1, 3 if settings.quick else 9):  # the first round fills the disk's cache
        for name, (program, tree) in programs.items():
            began = time.perf_counter()
            with served(*program, tree=tree) as server:
                call(server, *MUDDLE)
                first = time.perf_counter() - began
            if number >= 0:
                pages[name].append(server.seconds)
                firsts[name].append(first)
    their_firsts = firsts["page" if settings.against else "first"]
    return [
        _row(settings, "start to the page", "gradio alone", "s", pages["app"], pages["page"], "≤ 1.25"),
        _row(settings, "start to the first `/muddle`", "gradio and torch", "s", firsts["app"], their_firsts, "≤ 1.3"),
    ]


def answer(settings: Settings) -> list[Row]:
    """Milliseconds that one caller waits for a muddle; the baseline has the answer ready."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    with pair(settings.against) as servers, contextlib.ExitStack() as stack:
        callers = {name: stack.enter_context(contextlib.closing(Caller(server))) for name, server in servers.items()}
        for i in range(-1 if settings.quick else -10, 3 if settings.quick else 200):  # the first warm up
            calls = {
                "new": (Caller.call, i % 10, None, "balanced", 11, 1000 + i),
                "again": (Caller.call, *MUDDLE),
                "request": (Caller.request, i % 10, None, "balanced", 11, 5000 + i),
            }
            for (kind, (way, *muddle)), (name, caller) in itertools.product(calls.items(), callers.items()):
                spent = milliseconds(way, caller, *muddle)
                times[kind, name] += [spent] if i >= 0 else []
    texts = {
        "new": ("a new muddle, call and events", "a ready answer", "≤ 3"),
        "again": ("the same muddle again", "a ready answer", "≤ 1.15"),
        "request": ("a new muddle, one request", "a ready answer", ""),
    }
    return [
        _row(settings, what, baseline, "ms", times[kind, "app"], times[kind, "baseline"], bar)
        for kind, (what, baseline, bar) in texts.items()
    ]


def throughput(settings: Settings) -> list[Row]:
    """Muddles a second that come back to many callers at once; the baseline has the answer ready."""
    seeds = itertools.count(10_000)
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    with pair(settings.against) as servers:
        for number in range(-1, 1 if settings.quick else 4):  # the first round warms up
            for way, (name, server) in itertools.product((Caller.call, Caller.request), servers.items()):
                rate = answers_a_second(server, way, 2 if settings.quick else 5, seeds)
                rates[way.__name__, name] += [rate] if number >= 0 else []
    texts = {
        "call": ("call and events", "a ready answer", "≥ 0.4"),
        "request": ("one request each", "a ready answer", ""),
    }
    return [
        _row(
            settings, f"{CALLERS} callers, {what}", baseline, "a second", rates[way, "app"], rates[way, "baseline"], bar
        )
        for way, (what, baseline, bar) in texts.items()
    ]


def memory(settings: Settings) -> list[Row]:
    """Memory of all processes of the app after muddles, and after pictures that it refuses."""
    count = MUDDLES // 10 if settings.quick else MUDDLES
    ours = footprint(ROOT, count)
    if settings.against:
        theirs = footprint(settings.against, count)
    else:
        imported = memory_of_imports()
        theirs = Footprint(imported, imported, ours.unused, ours.unused)
    refused = f"memory after {PICTURES} refused pictures of 7 MB"
    baseline = "gradio and torch imported"
    return [
        _row(settings, f"memory after {count:,} muddles", baseline, "MB", [ours.many], [theirs.many], "≤ 1.15"),
        _row(settings, "memory after one muddle", baseline, "MB", [ours.one], [theirs.one]),
        _row(settings, refused, "before them", "MB", [ours.refused], [theirs.refused], "at most 110 MB more"),
    ]


@contextlib.contextmanager
def pair(against: Path | None) -> Iterator[dict[str, Server]]:
    """Run the app and its baseline: the other checkout's app, or a bare page that has the app's answer ready."""
    with tempfile.TemporaryDirectory() as scratch, served(*APP) as app:
        ready = Path(scratch) / "answer.json"
        ready.write_text(json.dumps(call(app, *MUDDLE)))
        program = APP if against else (*BARE, "--answer", str(ready))
        with served(*program, tree=against or ROOT) as baseline:
            yield {"app": app, "baseline": baseline}


def answers_a_second(server: Server, way: Callable[..., object], seconds: float, seeds: Iterator[int]) -> float:
    """The rate at which CALLERS are answered, each of which asks again at once, never twice for the same muddle."""
    counts = [0] * CALLERS
    end = time.perf_counter() + seconds

    def keep_asking(number: int) -> None:
        with contextlib.closing(Caller(server, f"10.0.0.{number}")) as caller:
            while time.perf_counter() < end:
                seed = next(seeds)
                way(caller, seed % 10, None, "balanced", 11, seed)
                counts[number] += time.perf_counter() < end

    in_threads(keep_asking, CALLERS)
    return sum(counts) / seconds


class Footprint(NamedTuple):
    """Memory in MB after one muddle, after many, and in another start before and after refused pictures."""

    one: float
    many: float
    unused: float
    refused: float


def footprint(tree: Path, count: int) -> Footprint:
    """The memory of a checkout's app."""

    def ask(number: int) -> None:
        with contextlib.closing(Caller(app)) as caller:
            for seed in range(number, count, 4):
                caller.call(seed % 10, None, "balanced", 11, seed)

    with served(*APP, tree=tree) as app:
        call(app, *MUDDLE)
        one = resident(app.pid)
        in_threads(ask, 4)
        many = resident(app.pid)
    with served(*APP, tree=tree) as app:
        call(app, endpoint="about")  # the networks are there
        unused = resident(app.pid)
        for _ in range(PICTURES):
            try:
                call(app, PICTURE, endpoint="muddle_image")
            except CallError as error:
                if error.code != "bad-image":
                    raise
        return Footprint(one, many, unused, resident(app.pid))


def memory_of_imports() -> float:
    """Memory in MB of a process that has imported gradio and torch and does nothing."""
    code = "import gradio, torch; print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    held = resident(child.pid)
    child.communicate(b"\n")
    return held


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run work(0), work(1), ... in threads of their own. Raises what one of them raises."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def _row(
    settings: Settings,
    what: str,
    baseline: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    bar: str = "",
) -> Row:
    if settings.against:
        baseline, bar = "the other checkout", NO_WORSE[unit]
    return row(f"{what}; baseline: {baseline}", unit, ours, theirs, bar)
