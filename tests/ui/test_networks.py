import asyncio
import io
import json
import os
import pickle
import signal
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import pytest
from starlette.requests import Request
from support.loops import finished, together
from support.processes import output
from support.worker import FACTS, Worker, idle, started

from muddle.errors import BundleError, BusyError, RequestError
from muddle.export.serialize import as_json
from muddle.recipe import STRATEGIES, Recipe
from muddle.ui import networks as module
from muddle.ui.networks import CAPACITY, TOGETHER


def recipe(seed, **more):
    return Recipe(**{"digit": 5, "target": 8, "seed": seed, **more})


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def fake(monkeypatch, worker):
    """Networks that need no process."""
    running = started(monkeypatch, worker)
    running.wait(10)
    yield running
    worker.go.set()
    running.close()


async def ask_at_once(networks, *jobs):
    """Put jobs, pairs of a client and a recipe, into the queue in this order; their tasks."""
    tasks = [asyncio.ensure_future(networks.muddle(recipe, client)) for client, recipe in jobs]
    await asyncio.sleep(0)  # each has come to its first wait
    return tasks


async def hold(networks, worker):
    """Let the worker be busy with one job, until `go` is set; its task."""
    worker.go.clear()
    (task,) = await ask_at_once(networks, ("first", recipe(0)))
    while not worker.batches:
        await asyncio.sleep(0.001)
    return task


# In the process with the networks.


def test_muddles_that_are_made_together_are_those_that_are_made_alone(networks, muddler):
    recipes = [Recipe(digit=i % 10, seed=100 + i, strategy=STRATEGIES[i % 3], steps=3 + i) for i in range(12)]
    recipes.append(Recipe(target=3, image=muddler.bundle.exemplars.images[300].numpy()))
    answers = together(*map(networks.muddle, recipes))
    assert list(map(as_json, answers)) == list(map(as_json, muddler.make(recipes)))


def test_a_picture_alone_is_that_of_the_muddle(networks, muddler):
    recipes = [recipe(60), recipe(61), Recipe(digit=4, source=0)]
    one, other, error, muddle = together(*map(networks.picture, recipes), networks.muddle(recipe(62)))
    for picture, own in zip((one, other), muddler.make(recipes[:2]), strict=True):
        assert (picture == own.image).all()
    assert error.code == "bad-source"
    (again,) = together(networks.picture(recipe(62)))
    assert again is muddle.image, "what is remembered is not made again"


def test_a_wrong_recipe_says_so_and_spoils_nothing_beside_it(networks, muddler):
    wrong, other = Recipe(digit=4, seed=11, source=0), Recipe(digit=4, source=10**6 - 1)
    error, muddle, outside = together(*map(networks.muddle, (wrong, recipe(11), other)))
    assert (error.code, error.name, error.value) == ("bad-source", "source", 0)
    assert outside.code == "bad-source"
    assert (muddle.image == muddler.make([recipe(11)])[0].image).all()


def test_the_judges_are_asked_there_too(networks, muddler):
    image = muddler.bundle.exemplars.images[1200].numpy()
    (probabilities,) = together(networks.judge(image))
    assert (probabilities == muddler.judge(image)).all()


IN_ITS_PROCESS = """
import json, sys
from muddle.bundle.files import EMBEDDED
from muddle.recipe import Recipe
from muddle.ui.networks import answer, describe
source = (str(EMBEDDED), None)
version = describe(source).version
good, wrong = Recipe(digit=4), Recipe(digit=4, source=0)
image = answer(source, [("make", (good,))])[0][0].image
calls = [("make", (good, good)), ("make", (good, wrong)), ("nothing", None), ("judge", image), ("judge", image[:9])]
replies = answer(source, calls)
codes = [getattr(reply, "code", None) for reply in replies]
loaded = {"torch", "gradio", "starlette", "uvicorn", "fastapi"} & {name.split(".")[0] for name in sys.modules}
print(json.dumps({"codes": codes, "loaded": sorted(loaded), "status": replies[2].status, "version": version}))
"""


def test_its_process_loads_no_web_framework_and_each_fault_is_its_own(muddler):
    told = json.loads(output(IN_ITS_PROCESS))
    assert told["loaded"] == ["torch"]
    assert told["codes"] == [None, "bad-source", "internal", None, "bad-image"]
    assert told["status"] == 500
    assert told["version"] == muddler.version


class Reader(pickle.Unpickler):
    """Unpickles, and records from which modules."""

    def __init__(self, pickled):
        super().__init__(io.BytesIO(pickled))
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


def modules_in(pickles):
    """The modules but for NumPy's from which unpickling takes anything."""
    modules = set()
    for pickled in pickles:
        reader = Reader(pickled)
        reader.load()
        modules |= reader.modules
    return {module for module in modules if not module.startswith("numpy")}


def test_only_recipes_images_and_muddles_cross_the_border(monkeypatch, muddler):
    """Also where only a picture or a tool's content is wanted, which are made on this side."""
    from muddle.ui.api import Api
    from muddle.ui.mcp import Tools

    worker = Worker(muddler.make, pictures=muddler.pictures)
    running = started(monkeypatch, worker)
    running.wait(10)
    request = SimpleNamespace(client=None, scope=Request({"type": "http", "scheme": "http", "headers": []}).scope)
    api, tools = Api(running), Tools(running)
    picture, content, whole = together(
        api.muddle(4, only_picture=True, request=request),
        tools.call("muddle", {"digit": 4, "seed": 1}, request),
        api.muddle(4, seed=2, request=request),
    )
    assert picture.startswith("data:image/png;base64,")
    assert [part["type"] for part in content] == ["image", "text"]
    assert whole["seed"] == 2
    assert [made.seed for made in worker.recipes()] == [0, 1, 2]
    assert modules_in(worker.sent) == {"muddle.ui.networks", "muddle.recipe"}  # describe and answer; Recipe
    assert modules_in(worker.returned) == {"muddle.ui.networks", "muddle.result", "muddle.recipe"}  # Facts; Muddle
    running.close()


def test_a_process_that_is_stuck_is_killed_and_its_jobs_are_answered(networks, muddler, monkeypatch):
    pid = networks.wait(60).pid
    monkeypatch.setattr(module, "PATIENCE", 2)
    os.kill(pid, signal.SIGSTOP)
    (muddle,) = together(networks.muddle(recipe(61)))
    assert (muddle.image == muddler.make([recipe(61)])[0].image).all()
    assert networks.status == "ready"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# On this side, with a stand-in for the process.


def test_a_muddle_is_remembered_and_the_least_recently_used_one_is_forgotten(fake, worker, monkeypatch):
    monkeypatch.setattr(module, "CACHED", 3)

    async def ask(*seeds):
        return [await fake.muddle(recipe(seed)) for seed in seeds]

    first = finished(ask(1, 2, 3))
    assert [made.seed for made in worker.recipes()] == [1, 2, 3]
    again = finished(ask(1, 2, 3, 1, 4))
    assert all(one is other for one, other in zip(first, again, strict=False))
    assert [made.seed for made in worker.recipes()] == [1, 2, 3, 4]
    finished(ask(1, 3, 4, 2))
    assert [made.seed for made in worker.recipes()] == [1, 2, 3, 4, 2]


def test_muddles_of_one_job_are_remembered_each(fake, worker):
    both = finished(fake.muddles([recipe(1), recipe(2)]))
    assert finished(fake.muddle(recipe(2))) is both[1]
    assert len(worker.batches) == 1


def test_an_answer_that_is_remembered_does_not_overtake_the_same_clients_jobs(fake, worker):
    order = []

    async def ask(client, seed):
        await fake.muddle(recipe(seed), client)
        order.append((client, seed))

    async def scene():
        await ask("one", 1)
        worker.go.clear()
        waiting = [asyncio.ensure_future(ask(*job)) for job in (("one", 2), ("one", 1), ("other", 1))]
        await waiting[2]
        worker.go.set()
        await asyncio.gather(*waiting)

    finished(scene())
    assert order == [("one", 1), ("other", 1), ("one", 2), ("one", 1)]


def test_a_crowd_gets_one_fair_answer(fake, worker):
    """As many wait as there is room for; the others are told to come back, and they are the greediest client's."""

    async def scene():
        first = await hold(fake, worker)
        greedy = await ask_at_once(fake, *(("greedy", recipe(i)) for i in range(1, CAPACITY + 11)))
        modest = await ask_at_once(fake, ("modest", recipe(1000)))
        worker.go.set()
        return await asyncio.gather(first, *modest, *greedy, return_exceptions=True)

    _, modest, *greedy = finished(scene())
    busy = [answer for answer in greedy if isinstance(answer, BusyError)]
    assert len(busy) == 11
    assert all(error.code == "busy" and 1 <= error.seconds < 60 for error in busy)
    assert not isinstance(modest, Exception)
    assert greedy[CAPACITY - 1 :] == busy
    assert 1000 in [made.seed for made in worker.batches[1]]  # the first batch in which there was room for it
    assert max(map(len, worker.batches)) == TOGETHER


def test_a_job_that_nobody_waits_for_any_more_is_not_done(fake, worker):
    async def scene():
        first = await hold(fake, worker)
        left, *stayed = await ask_at_once(fake, ("a", recipe(1)), ("a", recipe(2)), ("b", recipe(3)))
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        worker.go.set()
        await asyncio.gather(first, *stayed)
        return await fake.muddle(recipe(2), "a")  # nothing of a's is pending, so it is remembered

    finished(scene())
    assert [made.seed for made in worker.recipes()] == [0, 3, 2]


def test_the_jobs_of_a_process_that_has_ended_are_done_by_the_next(fake, worker):
    worker.faults.append(BrokenProcessPool())
    assert not isinstance(finished(fake.muddle(recipe(1))), Exception)
    assert [made.seed for made in worker.recipes()] == [1, 1]
    assert (worker.starts, fake.status) == (2, "ready")


def test_a_job_that_ends_each_process_is_given_up(fake, worker):
    worker.faults += [BrokenProcessPool(), BrokenProcessPool()]
    (error,) = together(fake.muddle(recipe(1)))
    assert (error.code, error.status) == ("internal", 500)
    assert len(worker.batches) == 2
    assert not isinstance(finished(fake.muddle(recipe(2))), Exception)


def test_an_error_comes_to_whoever_asked_and_is_not_remembered(fake, worker):
    replies = iter([RequestError("internal", "Something went wrong.", 500), ["a muddle"]])
    worker.make = lambda _: next(replies)
    (error,) = together(fake.muddle(recipe(1)))
    assert error.code == "internal"
    assert finished(fake.muddle(recipe(1))) == "a muddle"


def test_networks_that_cannot_be_loaded_are_tried_again_and_whoever_waits_is_told(monkeypatch, worker):
    worker.start_faults += [OSError("too many open files"), MemoryError(), *[BrokenProcessPool()] * 5]
    running = idle(monkeypatch, worker)
    assert running.status == "starting"

    async def scene():
        waiting = [asyncio.ensure_future(running.facts()), *await ask_at_once(running, ("", recipe(1)))]
        running.start()
        return await asyncio.gather(*waiting, return_exceptions=True)

    errors = finished(scene())
    assert [(error.code, error.seconds) for error in errors] == [("busy", 1), ("busy", 1)]
    assert running.status == "starting"
    worker.retry.set()
    assert running.wait(10) is FACTS
    assert worker.pauses == [1, 2, 4, 8, 16, 30, 30]
    assert running.status == "ready"
    running.close()


def test_a_bundle_that_cannot_be_used_is_the_error_of_whoever_waits(monkeypatch, worker):
    worker.start_faults.append(BundleError("here", "there is nothing", "Look elsewhere."))
    running = started(monkeypatch, worker)
    with pytest.raises(BundleError):
        running.wait(10)
    (error,) = together(running.facts())
    assert error.code == "bad-bundle"
    assert running.status != "ready"
    running.close()


def test_closed_networks_take_no_jobs(fake):
    fake.close()
    (error,) = together(fake.muddle(recipe(1)))
    assert error.code == "busy"
