"""The process with the networks: it loads them once and answers what the page's process sends, and knows no gradio.

On its own, because torch takes seconds to import and the page need not wait for it; because requests are served while
muddles are computed, which threads of one process hinder each other at; and because what kills it kills no page.
"""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NamedTuple

from muddle.errors import MuddleError
from muddle.recipe import Recipe
from muddle.ui.disk import need_none
from muddle.ui.log import begin, log

if TYPE_CHECKING:
    from muddle.muddler import Muddler

LANES = ("quick", "long")  # a thread each, so that long work never blocks a single muddle


class Job(NamedTuple):
    """With a recipe: work(muddle, muddler, *args), the muddles of jobs that come together made together. Without one:
    work(muddler, *args)."""

    work: Callable[..., Any]
    args: tuple[Any, ...]
    recipe: Recipe | None


def run(connection: Connection, source: str | None, revision: str | None) -> None:
    """Loads the bundle and says so, then answers (lane, jobs) with (lane, answers) until the page's process is gone."""
    begin()
    need_none()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches both processes; the other one decides
    sys.setswitchinterval(0.001)  # the lanes' threads give way to each other sooner
    try:
        muddler = _load(source, revision)
    except MuddleError as error:
        connection.send((None, str(error)))
        return
    one_at_a_time = threading.Lock()

    def answer(lane: str, jobs: Sequence[Job]) -> None:
        try:
            answers = answers_to(muddler, jobs)
            with one_at_a_time:
                connection.send((lane, answers))
        except BaseException:  # else the lane would be silent for ever; so the process is started again
            log.exception("the %s lane failed, and the process with it", lane)
            os._exit(1)

    connection.send((None, facts(muddler)))
    pools = {lane: ThreadPoolExecutor(1, lane) for lane in LANES}
    while True:
        try:
            lane, jobs = connection.recv()
        except (EOFError, OSError):
            return
        pools[lane].submit(answer, lane, jobs)


def answers_to(muddler: "Muddler", jobs: Sequence[Job]) -> list[tuple[bool, bytes]]:
    """For each job whether it went well, and its answer pickled: what the work returned, or the error's parts."""
    recipes = [job.recipe for job in jobs if job.recipe is not None]
    muddles: dict[int, Any] = {}
    try:
        muddles = dict(zip(map(id, recipes), muddler.make(recipes), strict=True))
    except MuddleError:
        pass  # one of them cannot be made; each says so for itself
    except Exception:
        log.exception("a batch of %d failed, so each is tried alone", len(recipes))
    return [_answer(muddler, job, muddles) for job in jobs]


def facts(muddler: "Muddler") -> dict[str, Any]:
    """What the page's process tells of the bundle without asking again."""
    from muddle.export.serialize import about_bundle

    bundle = muddler.bundle
    return {
        "version": muddler.version,
        "fingerprint": bundle.fingerprint,
        "bundle": about_bundle(muddler),
        "provenance": bundle.provenance,
        "report": bundle.report,
        "card": bundle.card,
    }


def _answer(muddler: "Muddler", job: Job, muddles: dict[int, Any]) -> tuple[bool, bytes]:
    try:
        subject: tuple[Any, ...] = (muddler,)
        if job.recipe is not None:
            subject = (muddles.get(id(job.recipe)) or muddler.make([job.recipe])[0], muddler)
        return True, pickle.dumps(job.work(*subject, *job.args))
    except MuddleError as error:
        return False, pickle.dumps((error.code, str(error)))
    except Exception:
        log.exception("%s failed", getattr(job.work, "__name__", "work"))
        return False, pickle.dumps(("internal", "Something went wrong here, which is not your fault."))


def _load(source: str | None, revision: str | None) -> "Muddler":
    import torch

    from muddle.muddler import Muddler

    torch.set_num_threads(1)  # networks this small are faster so, and two lanes much faster
    return Muddler.from_pretrained(source, revision)
