"""Answers what takes the networks: asks the process that has them, lets visitors take turns, remembers, restarts."""

import asyncio
import contextlib
import math
import multiprocessing
import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from muddle.errors import BusyError, MuddleError, RequestError
from muddle.recipe import Recipe
from muddle.ui.disk import need_none
from muddle.ui.line import Line
from muddle.ui.log import begin, log
from muddle.ui.worker import LANES, Job, run

CAPACITY = {"quick": 64, "long": 16}  # requests that wait in each lane; more are told to come back
TOGETHER = {"quick": 8, "long": 1}  # requests that are answered together: more would make the first wait longer
MEMORY = 4_000_000  # bytes of answers that are remembered
LARGEST = 100_000  # bytes of an answer that is
TRIES = 2  # times a request is asked before it is given up, as when it kills who answers
MAX_DELAY = 30  # seconds between two starts of a process that does not come up
PATIENCE = {"quick": 60, "long": 600}  # seconds of work after which a process is taken for stuck, and killed
LOOK = 5  # seconds between two looks at whether it is


@dataclass(eq=False)
class Asked:
    """A request on its way."""

    visitor: str
    lane: str
    job: Job
    key: tuple[Any, ...] | None  # by which its answer is remembered
    answer: bytes | None  # known already, and waiting for its turn only
    future: Future[Any] = field(default_factory=Future)
    tries: int = 0


class Service:
    """The networks of one bundle, wherever they are just now: not loaded yet, at work, or being loaded again.

    source, revision: as `Muddler.from_pretrained` takes them. May be asked from any thread and any event loop.
    """

    def __init__(self, source: str | None = None, revision: str | None = None):
        self._bundle = (source, revision)
        self._lock = threading.RLock()
        self._lines = {lane: Line[Asked](CAPACITY[lane]) for lane in LANES}
        self._out: dict[str, list[Asked]] = {lane: [] for lane in LANES}  # what the process is working on
        self._each = dict.fromkeys(LANES, 0.05)  # seconds that a request takes, of late
        self._sent = dict.fromkeys(LANES, 0.0)
        self._pending: dict[str, int] = {}  # requests of each visitor that are not answered yet
        self._known: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._remembered = 0
        self._connection: Connection | None = None  # None: nobody to ask
        self._outbox: SimpleQueue[tuple[Connection, bytes] | None] = SimpleQueue()
        self._facts: Future[dict[str, Any]] = Future()
        self._closed = False
        self._process: Any = None

    def start(self) -> None:
        """Starts the process, and goes on at once; what is asked meanwhile waits."""
        begin()
        need_none()
        for work in (self._keep_running, self._keep_sending):
            threading.Thread(target=work, name="muddle-service", daemon=True).start()

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._closed = True
            self._outbox.put(None)
            if self._process is not None:
                self._process.terminate()

    @property
    def status(self) -> str:
        """ "starting", "ready", or "restarting" when the process has died and is on its way again."""
        if self._connection is not None:
            return "ready"
        return "restarting" if self._facts.done() else "starting"

    @property
    def pid(self) -> int | None:
        """Of the process with the networks."""
        return self._process.pid if self._process else None

    def wait(self, seconds: float | None = None) -> dict[str, Any]:
        """What `worker.facts` tells of the bundle, once it is loaded. Raises MuddleError when it cannot be."""
        while True:
            try:
                return self._facts.result(seconds)
            except BusyError:  # it will be tried again
                continue

    async def facts(self) -> dict[str, Any]:
        """The same without blocking. Raises BusyError when the process does not come up."""
        return await asyncio.shield(asyncio.wrap_future(self._facts))

    async def muddle(
        self, recipe: Recipe, work: Callable[..., Any], *args: Any, visitor: str = "", long: bool = False
    ) -> Any:
        """work(muddle, muddler, *args), which must be a pure function, with the recipe's muddle. Raises MuddleError."""
        key = (work.__qualname__, args, recipe.query(), recipe.digit)
        return await self._ask(Job(work, args, recipe), visitor, "long" if long else "quick", key)

    async def do(self, work: Callable[..., Any], *args: Any, visitor: str = "", keep: bool = False) -> Any:
        """work(muddler, *args), which takes longer than a muddle; keep: it is a pure function. Raises MuddleError."""
        key = (work.__qualname__, args) if keep else None
        return await self._ask(Job(work, args, None), visitor, "long", key)

    async def _ask(self, job: Job, visitor: str, lane: str, key: tuple[Any, ...] | None) -> Any:
        with self._lock:
            answer = self._known.get(key) if key else None
            if answer is not None:
                self._known.move_to_end(key)
                if not self._pending.get(visitor):  # else the answers would come in another order than the questions
                    return pickle.loads(answer)
            asked = Asked(visitor, lane, job, key, answer)
            self._pending[visitor] = self._pending.get(visitor, 0) + 1
            gone = self._lines[lane].join(visitor, asked)
            if gone:
                self._finish(gone, error=self._busy(lane))
            self._send(lane)
        future = asyncio.wrap_future(asked.future)
        del asked, job  # else an error would refer to what was asked, and that to the error
        return await future

    def _busy(self, lane: str) -> BusyError:
        return BusyError(math.ceil(len(self._lines[lane]) * self._each[lane]) or 1)

    def _send(self, lane: str) -> None:
        """Gives the lane its next jobs, if it is idle and somebody is there. Under the lock."""
        while self._connection is not None and not self._out[lane]:
            taken = [asked for asked in self._lines[lane].take(TOGETHER[lane]) if not self._left(asked)]
            if not taken:
                if not len(self._lines[lane]):
                    return
                continue
            self._out[lane], self._sent[lane] = taken, time.monotonic()
            jobs = [asked.job for asked in taken if asked.answer is None]
            if not jobs:
                self._deliver(lane, [])
                continue
            self._outbox.put((self._connection, pickle.dumps((lane, jobs))))

    def _left(self, asked: Asked) -> bool:
        """Whether nobody waits for it any more."""
        if not asked.future.cancelled():
            return False
        self._forget(asked)
        return True

    def _deliver(self, lane: str, answers: list[tuple[bool, bytes]]) -> None:
        """Answers what the lane was given, in its order. Under the lock."""
        done, self._out[lane] = self._out[lane], []
        new = iter(answers)
        for asked in done:
            if asked.answer is not None:
                self._finish(asked, asked.answer)
                continue
            good, answer = next(new)
            if good:
                self._remember(asked.key, answer)
                self._finish(asked, answer)
            else:
                code, text = pickle.loads(answer)
                self._finish(asked, error=RequestError(code, text, 500 if code == "internal" else 400))
        if answers:
            spent = (time.monotonic() - self._sent[lane]) / len(answers)
            self._each[lane] += 0.2 * (max(spent, 0) - self._each[lane])

    def _finish(self, asked: Asked, answer: bytes | None = None, error: MuddleError | None = None) -> None:
        self._forget(asked)
        if not asked.future.set_running_or_notify_cancel():
            return
        if error:
            asked.future.set_exception(error)
        else:
            asked.future.set_result(pickle.loads(answer or b""))

    def _forget(self, asked: Asked) -> None:
        self._pending[asked.visitor] -= 1
        if not self._pending[asked.visitor]:
            del self._pending[asked.visitor]

    def _remember(self, key: tuple[Any, ...] | None, answer: bytes) -> None:
        if key is None or len(answer) > LARGEST or key in self._known:
            return
        self._known[key] = answer
        self._remembered += len(answer)
        while self._remembered > MEMORY:
            self._remembered -= len(self._known.popitem(last=False)[1])

    def _keep_sending(self) -> None:
        """In a thread of its own, since a process that does not read holds up whoever writes to it."""
        while (letter := self._outbox.get()) is not None:
            connection, jobs = letter
            with contextlib.suppress(OSError):  # it has just died; who listens to it will put the jobs back
                connection.send_bytes(jobs)

    def _keep_running(self) -> None:
        """Starts the process, listens to it, and starts it again when it has died."""
        delay = 0
        while not self._closed:
            began, came_up = time.monotonic(), False
            try:
                came_up, code = self._run_once()
                ended = f"ended after {time.monotonic() - began:.0f} s (exit code {code})"
            except Exception as error:  # no memory for it, too many open files
                ended = f"cannot be started: {error}"
            if self._closed or (self._facts.done() and self._facts.exception()):
                return
            delay = 0 if came_up else min(MAX_DELAY, 2 * delay + 1)
            log.warning("the process with the networks %s; starting it again in %d s", ended, delay)
            if not came_up:
                self._turn_away(BusyError(delay, "The networks cannot be loaded just now."))
            time.sleep(delay)

    def _turn_away(self, error: BusyError) -> None:
        """Tells everybody who waits."""
        with self._lock:
            for line in self._lines.values():
                for asked in line.take(len(line)):
                    self._finish(asked, error=error)
            waited_for = self._facts
            if not waited_for.done():
                self._facts = Future()
                waited_for.set_exception(error)

    def _run_once(self) -> tuple[bool, int | None]:
        """One process from its start to its end: whether it came up, and its exit code. OSError: there is none."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        began, came_up = time.monotonic(), False
        process = context.Process(target=run, args=(theirs, *self._bundle), name="muddle-worker", daemon=True)
        with ours:
            with theirs, self._lock:
                if self._closed:
                    return False, None
                process.start()
                self._process = process
            try:
                while True:
                    self._kill_if_stuck()
                    if not ours.poll(LOOK):
                        continue
                    lane, said = ours.recv()
                    with self._lock:
                        if lane is not None:
                            self._deliver(lane, said)
                            self._send(lane)
                        elif isinstance(said, dict):
                            came_up = True
                            self._up(ours, said, time.monotonic() - began)
                        else:
                            self._down(MuddleError(said))
            except (EOFError, ConnectionError):
                pass
            finally:
                with self._lock:
                    self._connection = None
                    self._put_back()
        process.join()
        return came_up, process.exitcode

    def _kill_if_stuck(self) -> None:
        """Without the lock, which a process that does not even read may hold up."""
        for lane, out in list(self._out.items()):
            spent = time.monotonic() - self._sent[lane]
            if out and spent > PATIENCE[lane]:
                log.warning("no answer for %.0f s: the process with the networks is stuck, and killed", spent)
                self._process.kill()

    def _up(self, connection: Connection, facts: dict[str, Any], seconds: float) -> None:
        self._connection = connection
        log.info("ready after %.1f s, with %s at version %s", seconds, facts["bundle"]["name"], facts["version"])
        if not self._facts.done():
            self._facts.set_result(facts)
        for lane in LANES:
            self._send(lane)

    def _down(self, error: MuddleError) -> None:
        """The bundle cannot be loaded. At the first start that is the end; later it is tried again."""
        log.error("the bundle cannot be loaded: %s", error)
        if not self._facts.done():
            self._facts.set_exception(error)

    def _put_back(self) -> None:
        """What the dead process was asked is asked again before all others, but not for ever."""
        for lane, out in self._out.items():
            for asked in reversed(out):
                asked.tries += 1
                if asked.tries < TRIES:
                    self._lines[lane].rejoin(asked.visitor, asked)
                else:
                    self._finish(asked, error=RequestError("internal", "This request could not be answered.", 500))
            if out:
                log.warning("%d requests were lost with it", len(out))
            self._out[lane] = []
