"""How soon the page is there, and the first muddle, beside gradio with nothing in it."""

import time

from benchmarks.measure import Row, row
from benchmarks.servers import APP, FLOOR, MUDDLE, Caller, Server, served

ROUNDS, QUICK = 9, 3


def first_answer(server: Server, began: float) -> float:
    """Seconds from the start to the first answered call of /muddle."""
    Caller(server).call(*MUDDLE)
    return time.perf_counter() - began


def measure(quick: bool) -> list[Row]:
    """Alternating, each of them started anew."""
    pages: dict[str, list[float]] = {"app": [], "gradio": [], "torch": []}
    firsts: dict[str, list[float]] = {"app": [], "gradio": [], "torch": []}
    kinds = {"app": APP, "gradio": FLOOR, "torch": (*FLOOR, "--torch")}
    for number in range(-1, QUICK if quick else ROUNDS):  # the first round fills the disk's cache
        for name, arguments in kinds.items():
            began = time.perf_counter()
            with served(*arguments) as server:
                first = first_answer(server, began)
            if number >= 0:
                pages[name].append(server.seconds)
                firsts[name].append(first)
    return [
        row("start to the page; floor: gradio alone", "s", pages["app"], pages["gradio"], "≤ 1.25"),
        row("start to the first `/muddle`; floor: gradio and torch", "s", firsts["app"], firsts["torch"], "≤ 1.3"),
    ]
