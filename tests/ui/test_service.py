import asyncio
import os
import signal
import time

import numpy as np
import pytest
from support.loops import finished

from muddle.errors import BusyError, MuddleError
from muddle.export.serialize import as_json
from muddle.recipe import Recipe
from muddle.ui import service as services
from muddle.ui import worker
from muddle.ui.answers import shown
from muddle.ui.service import Service


def image_of(m, _):
    return m.image.tobytes()


def sleep(_, seconds):
    time.sleep(seconds)
    return seconds


def fail(_):
    raise ZeroDivisionError


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(_, mark):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "back"


@pytest.fixture
def fresh():
    """A service whose process a test may kill."""
    service = Service()
    service.start()
    service.wait(60)
    yield service
    service.close()


def together(*awaitables):
    async def gathered():
        return await asyncio.gather(*awaitables, return_exceptions=True)

    return finished(gathered())


def test_muddles_that_are_answered_together_are_those_that_are_made_alone(service, muddler):
    strategies = ("balanced", "midpoint", "farthest")
    recipes = [Recipe(i % 10, None, 100 + i, strategies[i % 3], 3 + i) for i in range(12)]
    recipes.append(Recipe(None, 3, image=muddler.bundle.exemplars.images[300].numpy()))
    answers = together(*(service.muddle(recipe, as_json) for recipe in recipes))
    assert answers == [as_json(recipe.make(muddler), muddler) for recipe in recipes]


def test_what_cannot_be_made_says_so_and_spoils_nothing_beside_it(service, muddler):
    good, wrong = Recipe(2, 3, 11), Recipe(4, None, 11, source=0)
    error, answer = together(service.muddle(wrong, image_of), service.muddle(good, image_of))
    assert (error.code, "a 0, not a 4" in str(error)) == ("bad-source", True)
    assert answer == good.make(muddler).image.tobytes()


def test_an_answer_is_remembered_and_the_memory_is_bounded(fresh, monkeypatch):
    recipe = Recipe(3, 5, 21)
    (first,) = together(fresh.muddle(recipe, shown))
    os.kill(fresh.pid, signal.SIGSTOP)  # nobody can answer now
    try:
        assert together(fresh.muddle(recipe, shown)) == [first]
    finally:
        os.kill(fresh.pid, signal.SIGCONT)
    monkeypatch.setattr(services, "MEMORY", 5_000)
    for seed in range(30):
        together(fresh.muddle(Recipe(3, 5, seed), image_of))
    assert fresh._remembered <= 5_000
    assert fresh._remembered == sum(map(len, fresh._known.values()))


def test_an_answer_that_is_known_waits_for_its_turn_behind_the_same_visitors_questions(service):
    known, new = Recipe(1, 7, 31), Recipe(7, 1, 32)
    together(service.muddle(known, image_of))
    order = []

    async def ask(name, recipe):
        await service.muddle(recipe, image_of, visitor="one")
        order.append(name)

    together(ask("new", new), ask("known", known))
    assert order == ["new", "known"]


def test_one_who_asks_for_much_does_not_starve_another(service):
    done = []

    async def ask(visitor, seed):
        await service.muddle(Recipe(5, 8, seed), image_of, visitor=visitor)
        done.append(visitor)

    together(*(ask("greedy", 1000 + i) for i in range(64)), ask("modest", 2000))
    assert done.index("modest") <= 2 * services.TOGETHER["quick"]


def test_more_than_can_wait_is_told_to_come_back(service):
    answers = together(*(service.muddle(Recipe(5, 8, 3000 + i), image_of, visitor="greedy") for i in range(100)))
    busy = [answer for answer in answers if isinstance(answer, BusyError)]
    assert 20 <= len(busy) < 100 - services.CAPACITY["quick"]
    assert all(1 <= error.seconds < 60 and f"in {error.seconds} s" in str(error) for error in busy)
    assert all(isinstance(answer, bytes) for answer in answers if answer not in busy)


def test_long_work_does_not_hold_up_a_muddle(service):
    service.wait(60)  # else both come when it is ready, the short one first

    async def both():
        long = asyncio.ensure_future(service.do(sleep, 3))
        await asyncio.sleep(0.1)
        await service.muddle(Recipe(6, 0, 41), image_of)
        held_up = long.done()
        await long
        return held_up

    assert not finished(both())


def test_a_fault_of_ours_is_a_sentence_and_the_next_request_is_answered(service):
    (error,) = together(service.do(fail))
    assert (error.code, error.status) == ("internal", 500)
    assert together(service.do(sleep, 0)) == [0]


def test_a_killed_process_is_started_again_and_what_it_was_asked_is_answered(fresh, tmp_path, muddler):
    before = fresh.pid
    lost, other = together(fresh.do(die_once, tmp_path / "mark"), fresh.muddle(Recipe(8, 3, 51), image_of))
    assert lost == "back"
    assert other == muddler.muddle(8, 3, seed=51).image.tobytes()
    assert fresh.pid != before
    assert fresh.status == "ready"


def test_what_kills_it_each_time_is_given_up(fresh):
    (error,) = together(fresh.do(die))
    assert error.code == "internal"
    assert together(fresh.do(sleep, 0)) == [0]


def test_a_bundle_that_cannot_be_loaded_is_said(tmp_path):
    service = Service(str(tmp_path))
    service.start()
    with pytest.raises(MuddleError, match="there is no bundle here"):
        service.wait(60)
    assert service.status != "ready"
    service.close()


def test_it_is_starting_until_it_is_ready():
    service = Service()
    assert service.status == "starting"
    service.start()
    service.wait(60)
    assert service.status == "ready"
    service.close()


def test_the_paths_probabilities_are_the_exact_ones_to_a_thousandth(muddler):
    rng = np.random.default_rng(0)
    for seed in rng.integers(0, 10**6, 6):
        m = muddler.muddle(int(seed) % 10, seed=int(seed), steps=21, strategy="midpoint")
        exact = np.stack([muddler.judge(frame) for frame in m.frames])
        np.testing.assert_array_equal(m.probabilities, exact.round(3))


def test_a_process_that_is_stuck_is_killed_and_what_it_was_asked_is_answered(fresh, muddler, monkeypatch):
    monkeypatch.setattr(services, "LOOK", 0.1)
    monkeypatch.setattr(services, "PATIENCE", {"quick": 3, "long": 3})
    before = fresh.pid
    os.kill(before, signal.SIGSTOP)
    (answer,) = together(fresh.muddle(Recipe(9, 4, 61), image_of))
    assert answer == muddler.muddle(9, 4, seed=61).image.tobytes()
    assert fresh.pid != before


def break_the_lane(_):
    worker.answers_to = None  # so that the lane's thread fails, and not the job


def test_a_lane_that_fails_takes_the_process_with_it_and_both_come_back(fresh):
    before = fresh.pid
    together(fresh.do(break_the_lane))
    assert together(fresh.do(sleep, 0)) == [0]
    assert fresh.pid != before


def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch):
    real, failures = services.multiprocessing.get_context, [OSError("too many open files")] * 2

    def get_context(method):
        if failures:
            raise failures.pop()
        return real(method)

    monkeypatch.setattr(services.multiprocessing, "get_context", get_context)
    monkeypatch.setattr(services, "MAX_DELAY", 0.1)
    service = Service()
    service.start()
    service.wait(60)
    assert not failures
    service.close()
