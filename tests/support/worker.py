"""A stand-in for the process with the networks, which does as a test says."""

import pickle
import threading
import time
from collections import deque
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np

from muddle.result import Origin
from muddle.ui import networks
from muddle.ui.networks import Facts, Networks

NOBODY = 99_999_999  # no process has this number
FACTS = Facts(
    pid=NOBODY,
    version="2-0123456",
    fingerprint="0123456789abcdef",
    origin=Origin("embedded"),
    provenance={"seed": 0},
    report={"data": {"name": "mnist"}},
    card="---\nlicense: mit\n---\n# A card",
    exemplars=np.arange(20 * 784, dtype=np.uint32).astype(np.uint8).reshape(20, 28, 28),
    labels=(np.arange(20) // 2).astype(np.uint8),
    places=np.zeros((20, 2), np.float32),
    coast=0.06,
    networks=b"weights",
)


class Worker:
    """Takes the place of ProcessPoolExecutor: answers in the caller's thread, and only while `go` is set.

    make: from recipes to muddles; others: other methods, of which one that is missing gives its argument. faults,
    start_faults: errors of the next calls, and of the next starts; pauses: the seconds between these, which end when
    `retry` is set. sent, returned: pickles of what crosses the border between the processes; batches: the recipes of
    each call.
    """

    def __init__(self, make=lambda recipes: [object() for _ in recipes], facts=FACTS, **others):
        self.make, self.others, self.facts = make, others, facts
        self.go, self.retry = threading.Event(), threading.Event()
        self.faults, self.start_faults, self.pauses = deque(), deque(), []
        self.sent, self.returned, self.batches, self.starts = [], [], [], 0
        self.go.set()

    def __call__(self, *_):
        return self

    def submit(self, function, *args):
        future = Future()
        self.sent.append(pickle.dumps((function, args)))
        try:
            reply = self._describe() if function is networks.describe else self._answer(*args)
            self.returned.append(pickle.dumps(reply))
            future.set_result(reply)
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_):
        self.go.set()

    def pause(self, seconds):
        self.pauses.append(seconds)
        assert self.retry.wait(30)

    def recipes(self):
        """All recipes in the order in which they came."""
        return [recipe for batch in self.batches for recipe in batch]

    def _describe(self):
        self.starts += 1
        if self.start_faults:
            raise self.start_faults.popleft()
        return self.facts

    def _answer(self, _, calls):
        if not calls:
            return []
        together = networks.TOGETHER_MADE
        self.batches.append([recipe for method, recipes in calls if method in together for recipe in recipes])
        assert self.go.wait(30)
        if self.faults:
            raise self.faults.popleft()
        methods = {"make": self.make, **self.others}
        return [methods.get(method, lambda same: same)(argument) for method, argument in calls]


def idle(monkeypatch, worker):
    """Networks whose process is this worker, not started yet."""
    monkeypatch.setattr(networks, "ProcessPoolExecutor", worker)
    monkeypatch.setattr(networks, "time", SimpleNamespace(monotonic=time.monotonic, sleep=worker.pause))
    return Networks()


def started(monkeypatch, worker):
    """The same, started."""
    running = idle(monkeypatch, worker)
    running.start()
    return running
