"""The networks of one bundle in a process of their own: recipes go in, muddles come out.

A process of its own, since importing torch takes seconds, for which the page need not wait; since in one process the
threads of server and search would hinder each other (half the muddles a second, as measured); and since a crash of the
one leaves the other alive. This module imports neither gradio nor, outside of that process, torch.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from muddle.errors import BusyError, MuddleError, RequestError
from muddle.processes import end_with_parent
from muddle.recipe import Recipe
from muddle.result import Morph, Muddle, Origin
from muddle.ui.fair_queue import FairQueue
from muddle.ui.log import log, start_log

CAPACITY = 64  # jobs that wait; more are told to come back
TOGETHER = 8  # jobs that are done in one go: more would make the first wait longer
CACHED = 100  # muddles that are remembered, 15 KB each with 11 steps, and as much again as JSON
HEARTBEAT = 5  # seconds without a job after which it is checked that the process is there
PATIENCE = 60  # seconds after which the process is taken for stuck, and killed
TOGETHER_MADE = ("make", "pictures")  # methods that take the recipes of several jobs at once
TRIES = 2  # of a job, in case that it is what kills the process
LEAVE = 3  # seconds that the end may take
MAX_DELAY = 30  # seconds between two starts of a process that does not come up

Source = tuple[str | None, str | None]  # what Muddler.from_pretrained takes


@dataclass(frozen=True, eq=False)
class Facts:
    """What the page tells of the bundle without asking again. N exemplars, K = 10 classes."""

    pid: int  # of the process that has it
    version: str
    fingerprint: str
    origin: Origin
    provenance: dict[str, Any]
    report: dict[str, Any]
    card: str
    exemplars: np.ndarray  # uint8 (N, 28, 28)
    labels: np.ndarray  # uint8 (N,)
    places: np.ndarray  # float32 (N, 2): on the latent map
    coast: float  # how far from the nearest exemplar's place there is still land
    networks: bytes  # that the atlas runs in a browser


@dataclass(eq=False)
class Job:
    """One call of a method of the Muddler, and its answer to come."""

    client: str
    method: str
    argument: Any
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class Networks:
    """The networks as the page asks for them, whether they are loading, at work, or being started again.

    source, revision: as `Muddler.from_pretrained` takes them. May be used from any thread and any event loop.
    """

    def __init__(self, source: str | None = None, revision: str | None = None):
        self._source: Source = (source, revision)
        self._queue: FairQueue[Job] = FairQueue(CAPACITY)
        self._changed = threading.Condition()  # guards everything below, and the queue
        self._pending: Counter[str] = Counter()  # jobs of each client that are not answered yet
        self._cache: OrderedDict[str, Muddle] = OrderedDict()
        self._seconds = 0.05  # that a job takes, of late
        self._facts: Future[Facts] = Future()
        self._pid: int | None = None  # None while no process has the networks
        self._closed = False
        self._thread: threading.Thread | None = None
        self._threads = ThreadPoolExecutor(2, "pictures")  # more at once would take much memory

    def start(self) -> None:
        """Start the process, and return at once; jobs wait for it."""
        start_log()
        self._thread = threading.Thread(target=self._run, name="networks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the process, and wait for the end of its pool, whose closed pipe Python's own exit might else meet."""
        with self._changed:
            self._closed, pid = True, self._pid
            self._pid = None
            self._changed.notify()
        _kill(pid)
        if self._thread:
            self._thread.join(LEAVE)

    @property
    def status(self) -> str:
        """ "starting", "ready", or "restarting" when the process has died and is on its way again."""
        return "ready" if self._pid else "restarting" if self._facts.done() else "starting"

    def wait(self, seconds: float | None = None) -> Facts:
        """The facts, once the bundle is loaded. Raises MuddleError when it cannot be."""
        while True:
            try:
                return self._facts.result(seconds)
            except BusyError:  # it will be tried again
                continue

    async def facts(self) -> Facts:
        """The same without blocking. Raises BusyError when it cannot be loaded just now."""
        return await asyncio.shield(asyncio.wrap_future(self._facts))

    async def muddle(self, recipe: Recipe, client: str = "") -> Muddle:
        """The muddle of a recipe, the very same object again while it is remembered. Raises MuddleError."""
        (muddle,) = await self.muddles([recipe], client)
        return muddle

    async def muddles(self, recipes: Sequence[Recipe], client: str = "") -> list[Muddle]:
        """The muddles of some recipes as one job. Raises MuddleError."""
        return await self._ask("make", tuple(recipes), client)

    async def picture(self, recipe: Recipe, client: str = "") -> np.ndarray:
        """The muddle of a recipe, uint8 (28, 28), without its path, which nobody judges then. Raises MuddleError."""
        with self._changed:
            known = self._known("make", [recipe])
        return known[0].image if known else (await self._ask("pictures", (recipe,), client))[0]

    async def judge(self, image: np.ndarray, client: str = "") -> np.ndarray:
        """The judges' mean probabilities of an image: (28, 28) uint8 -> (10,). Raises MuddleError."""
        return await self._ask("judge", image, client)

    async def judge_each(self, image: np.ndarray, client: str = "") -> np.ndarray:
        """Each judge's probabilities of an image: (28, 28) uint8 -> (J, 10). Raises MuddleError."""
        return await self._ask("judge_each", image, client)

    async def nearest_digits(self, image: np.ndarray, client: str = "") -> np.ndarray:
        """The digits, the most similar to an image first: (28, 28) uint8 -> (10,). Raises MuddleError."""
        return await self._ask("nearest_digits", image, client)

    async def morph(self, codes: np.ndarray, client: str = "") -> Morph:
        """The way over three codes, (3, D): source, muddle and partner. Raises MuddleError."""
        return await self._ask("morph", codes, client)

    async def in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        """work(*args) of pictures and files, in one of two threads of this process."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    async def _ask(self, method: str, argument: Any, client: str) -> Any:
        with self._changed:
            if self._closed:
                raise BusyError(1, "The app is being stopped.")
            known = self._known(method, argument)
            if known is not None and not self._pending[client]:  # else answers would overtake earlier ones
                return known
            self._pending[client] += 1
        job = Job(client, method, argument)
        self._enqueue(job)
        return await asyncio.wrap_future(job.future)

    def _known(self, method: str, argument: Any) -> list[Muddle] | None:
        """The remembered muddles of a job, if all of them are. Under the lock."""
        if method != "make":
            return None
        queries = [recipe.query() for recipe in argument]
        if not all(query in self._cache for query in queries):
            return None
        for query in queries:
            self._cache.move_to_end(query)
        return [self._cache[query] for query in queries]

    def _run(self) -> None:
        """Keep a process with the networks, and give it jobs, until closed."""
        delay = 1
        while not self._closed:
            began = time.monotonic()
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent)
            try:
                facts = pool.submit(describe, self._source).result()
                log.info("ready after %.1f s: %s, version %s", time.monotonic() - began, facts.origin, facts.version)
                self._pid, delay = facts.pid, 1
                if not self._facts.done():
                    self._facts.set_result(facts)
                self._work(pool)
            except MuddleError as error:  # the bundle cannot be used
                if not self._facts.done():
                    self._facts.set_exception(error)
                    return
                self._pause(error, delay)
            except Exception as error:  # the process has ended, or there is no memory for it
                if isinstance(error, BrokenProcessPool) and self._pid:
                    log.warning("the process with the networks has ended; it is started again")
                else:
                    self._pause(error, delay)
            finally:
                self._pid, delay = None, min(2 * delay, MAX_DELAY)
                pool.shutdown(wait=self._closed, cancel_futures=True)

    def _pause(self, error: Exception, delay: int) -> None:
        """Answer everybody that waits, since nothing can be answered just now, and wait a little."""
        if self._closed:
            return
        log.error("the networks cannot be loaded just now, again in %d s: %s", delay, type(error).__name__)
        text = "The networks cannot be loaded just now."
        with self._changed:
            waiting, facts = self._queue.take(CAPACITY), self._facts
            if not facts.done():
                self._facts = Future()
        for job in waiting:
            self._finish(job, BusyError(delay, text))
        if not facts.done():
            facts.set_exception(BusyError(delay, text))
        time.sleep(delay)

    def _work(self, pool: ProcessPoolExecutor) -> None:
        """Give the process jobs until closed. Raises BrokenProcessPool when it ends before."""
        while not self._closed:
            jobs = self._next()
            began = time.monotonic()
            try:
                answers = self._call(pool, answer, self._source, [(job.method, job.argument) for job in jobs])
            except BrokenProcessPool:
                self._put_back(jobs)
                raise
            for job, reply in zip(jobs, answers, strict=True):
                self._finish(job, reply)
            if jobs:
                self._seconds += 0.2 * ((time.monotonic() - began) / len(jobs) - self._seconds)

    def _next(self) -> list[Job]:
        """The next jobs in turn, or none for a while; those that nobody waits for any more are dropped."""
        with self._changed:
            if not len(self._queue):
                self._changed.wait(HEARTBEAT)
            jobs = self._queue.take(TOGETHER)
        abandoned = [job for job in jobs if job.future.cancelled()]
        for job in abandoned:
            self._finish(job, None)
        return [job for job in jobs if job not in abandoned]

    def _call(self, pool: ProcessPoolExecutor, function: Callable[..., Any], *args: Any) -> Any:
        """function(*args) in the process, which is killed if it does not answer. Raises BrokenProcessPool."""
        try:
            return pool.submit(function, *args).result(PATIENCE)
        except TimeoutError as error:
            log.warning("no answer for %d s: the process with the networks is stuck, and killed", PATIENCE)
            _kill(self._pid)
            raise BrokenProcessPool from error

    def _put_back(self, jobs: Sequence[Job]) -> None:
        """Let jobs wait again that the process took with it, but not for ever: they may be what ends it."""
        for job in jobs:
            job.tries += 1
            if job.tries >= TRIES:
                self._finish(job, RequestError("internal", "This request could not be answered.", 500))
            else:
                self._enqueue(job)

    def _enqueue(self, job: Job) -> None:
        """Add a job to the queue; if that is one too many, the client with the most jobs is told to come back."""
        with self._changed:
            dropped = self._queue.put(job.client, job)
            self._changed.notify()
            seconds = round(len(self._queue) * self._seconds) or 1
        if dropped:
            self._finish(dropped, BusyError(seconds))

    def _finish(self, job: Job, reply: Any) -> None:
        """Give a job its reply, which may be an error, and remember muddles."""
        with self._changed:
            self._pending[job.client] -= 1
            if not self._pending[job.client]:
                del self._pending[job.client]
            if job.method == "make" and isinstance(reply, list):
                for recipe, muddle in zip(job.argument, reply, strict=True):
                    self._cache[recipe.query()] = muddle
                while len(self._cache) > CACHED:
                    self._cache.popitem(last=False)
        if job.future.cancelled() or not job.future.set_running_or_notify_cancel():
            return
        if isinstance(reply, MuddleError):
            job.future.set_exception(reply)
        else:
            job.future.set_result(reply)


def _kill(pid: int | None) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows knows no SIGKILL


# From here on: in the process with the networks.


@lru_cache(1)
def _muddler(source: Source) -> Any:
    """The Muddler of this process, loaded with the first call."""
    import torch

    from muddle.bundle.hub import DEADLINE
    from muddle.muddler import Muddler

    start_log()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches both processes; the other one decides
    torch.set_num_threads(1)  # networks this small are faster so
    return Muddler.from_pretrained(*source, deadline=DEADLINE)


def describe(source: Source) -> Facts:
    """Load the bundle, if it is not, and describe it. Raises MuddleError."""
    from muddle.bundle.browser import browser_networks
    from muddle.search.atlas import COAST

    muddler = _muddler(source)
    bundle = muddler.bundle
    return Facts(
        pid=os.getpid(),
        version=muddler.version,
        fingerprint=bundle.fingerprint,
        origin=bundle.origin,
        provenance=bundle.provenance,
        report=bundle.report,
        card=bundle.card,
        exemplars=bundle.exemplars.images.numpy(),
        labels=bundle.exemplars.labels.numpy().astype(np.uint8),
        places=muddler.project(bundle.exemplars.codes.numpy()).astype(np.float32),
        coast=COAST,
        networks=browser_networks(bundle),
    )


def answer(source: Source, calls: Sequence[tuple[str, Any]]) -> list[Any]:
    """The answers to calls (method, argument) of the Muddler, each an error of its own where it has one.

    Muddles are made together, which gives the same bytes as one by one and takes less time.
    """
    muddler = _muddler(source)
    recipes = {name: [r for method, argument in calls if method == name for r in argument] for name in TOGETHER_MADE}
    try:
        made = {name: iter(getattr(muddler, name)(of)) for name, of in recipes.items()}
        return [
            [next(made[method]) for _ in argument] if method in made else getattr(muddler, method)(argument)
            for method, argument in calls
        ]
    except Exception:  # one of them cannot be answered: each says so for itself
        return [_alone(muddler, method, argument) for method, argument in calls]


def _alone(muddler: Any, method: str, argument: Any) -> Any:
    try:
        return getattr(muddler, method)(argument)
    except MuddleError as error:
        return error
    except Exception:
        log.exception("%s failed", method)
        return RequestError("internal", "Something went wrong here, which is not your fault.", 500)
