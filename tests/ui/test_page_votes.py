"""Visitors' answers: asked for, kept if they agree, seen by others, and forged in vain."""

import contextlib
import json
import os
import random
import signal
import time

import psutil
import pytest
from support.browser import RESULT, SETTLED, another_muddle
from support.http import ask, post
from support.hub_standin import TOKEN, connect, hub
from support.processes import free_port, serving, serving_here
from support.voters import session

from muddle.cli import main
from muddle.recipe import Recipe
from muddle.votes.read import read_votes
from muddle.votes.store import HOURLY, open_store

MUDDLE = "/?digit=4&target=9&seed=7"
SAID, CONSENT = f"{RESULT} .hero .said", f"{RESULT} .consent"


@contextlib.contextmanager
def keeping(networks, place):
    """An app that keeps answers in a place, and its store."""
    store = open_store(str(place))
    with serving_here(networks, store) as (_, address):
        yield address, store
    store.close()


@pytest.fixture(scope="module")
def kept(networks, tmp_path_factory):
    """The address of an app that keeps answers, and the folder in which it does."""
    folder = tmp_path_factory.mktemp("votes")
    with keeping(networks, folder) as (address, _):
        yield address, folder


def mark(page, step):
    """Move the slider to a step and say that it is the other digit now."""
    page.locator(f"{RESULT} .melt").fill(str(step))
    page.locator(f"{RESULT} .decide").click()


def votes_in(folder, count):
    """The votes of a folder, once there are so many."""
    for _ in range(100):
        with contextlib.suppress(Exception):
            if len(found := read_votes(folder)) >= count:
                return found
        time.sleep(0.05)
    raise AssertionError("the votes did not come")


def play(page, rounds=10):
    """Answer riddles by what the networks say most, and say how each was answered."""
    answers = []
    for i in range(rounds):
        page.wait_for_selector(".guess .answers button:not([disabled])")
        answer = random.Random(i).randrange(10)
        page.locator(f'.guess .answers [value="{answer}"]').click()
        answers.append(answer)
        page.locator(".guess .reveal p").first.wait_for()
        if i < rounds - 1:
            page.locator(".guess .next").click()
    return answers


def test_where_nothing_is_kept_nothing_is_asked_and_nothing_sent(visit):
    page = visit(MUDDLE)
    posted = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    with page.expect_response("**/page/said*") as answer:
        mark(page, 17)
    assert answer.value.json() == {"kept": False}
    page.wait_for_timeout(200)
    assert page.locator(CONSENT).count() == 0
    assert page.inner_text(SAID) == ""
    assert not [url for url in posted if "/page/" in url]


def test_an_answer_is_kept_only_after_a_yes_which_is_asked_once(visit, kept):
    address, folder = kept
    page = visit(MUDDLE, at=address)
    mark(page, 17)
    page.get_by_text("May we keep your answers?").wait_for()
    assert not list(folder.glob("data/*"))
    page.get_by_role("button", name="Keep them").click()
    (vote,) = votes_in(folder, 1)
    assert (vote.kind, vote.step, vote.query) == ("switch", 17, "?digit=4&target=9&seed=7&strategy=balanced&steps=11")
    page.get_by_text("Thank you.").wait_for()
    page.reload()
    page.wait_for_selector(SETTLED)
    with another_muddle(page):
        page.get_by_role("button", name="Another pair").click()
    mark(page, 9)
    votes_in(folder, 2)
    assert page.locator(CONSENT).count() == 0  # it was asked once


def test_an_answer_that_comes_late_stays_with_its_digit(visit, kept):
    address, _ = kept
    page = visit("/?digit=5&target=6&seed=3", at=address)

    held = []
    page.route("**/page/said*", lambda route: held.append(route))
    with another_muddle(page):
        mark(page, 9)
        page.get_by_role("button", name="Another pair").click()
    with page.expect_response("**/page/said*"):
        held[0].continue_()
    page.wait_for_timeout(300)
    assert page.inner_text(SAID) == ""


def test_one_can_change_ones_mind(visit, kept):
    page = visit("/?digit=5&target=6&seed=4", at=kept[0])
    mark(page, 9)
    page.get_by_role("button", name="No", exact=True).click()
    assert "decide" in page.evaluate("document.activeElement.className")  # where one was
    page.get_by_role("button", name="Change my mind").click()
    page.get_by_role("button", name="Keep them").click()
    page.get_by_text("Thank you.").wait_for()


def test_after_a_no_the_game_is_the_same_and_nothing_is_kept(visit, kept):
    address, folder = kept
    before = len(read_votes(folder)) if list(folder.glob("data/*")) else 0
    page = visit("/?digit=3&target=5&seed=11", at=address)
    mark(page, 20)
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_text("nothing of yours is kept").wait_for()
    posted = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.goto(f"{address}/?tab=guess")
    play(page, 3)
    assert page.locator(".guess .consent").count() == 0
    assert not [url for url in posted if "/page/vote" in url]
    assert (len(read_votes(folder)) if before else 0) == before


def test_nobody_is_asked_about_a_drawing_and_it_goes_nowhere(visit, kept, muddler):
    address, _ = kept
    drawing = Recipe(image=muddler.bundle.exemplars.images[1200].numpy(), digit=4, target=9).query()
    page = visit(f"/{drawing}&tab=muddle", at=address)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    mark(page, 17)
    page.wait_for_timeout(300)
    assert not [url for url in asked if "/page/said" in url or "/page/vote" in url]
    vote = {"about": drawing, "kind": "switch", "step": 3, "session": session(1)}
    assert post(f"{address}/page/vote", vote)[0] == 400


def test_ten_answers_go_to_the_hub_and_another_server_shows_them(visit, networks, tmp_path, monkeypatch, capsys):
    """From a visitor's yes over commits to a second Space, and to the command that reads them."""
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path, TOKEN)
        with keeping(networks, "somebody/votes") as (address, _):
            page = visit("/?tab=guess", at=address, ready=".guess .answers button:not([disabled])")
            answers = play(page, 1)
            page.locator(".guess .consent").get_by_role("button", name="Keep them").click()
            page.get_by_text("Thank you.").wait_for()
            page.locator(".guess .next").click()
            answers += play(page, 9)
            page.goto(f"{address}{MUDDLE}")
            page.wait_for_selector(SETTLED)
            mark(page, 12)
            page.get_by_text("You are the first to mark this one.").wait_for()
        files = server.repos["dataset", "somebody/votes"].commits[-1][1]
        (data,) = (data for name, data in files.items() if name.endswith(".jsonl"))
        votes = [json.loads(line) for line in data.splitlines()]
        guesses = [vote for vote in votes if vote["kind"] == "guess"]
        assert [vote["answer"] for vote in guesses] == answers
        assert sum(vote["real"] is not None for vote in guesses) == 2  # the attention checks
        assert len({vote["session"] for vote in guesses}) == 1
        with keeping(networks, "somebody/votes") as (address, _):
            page = visit(MUDDLE, at=address)
            mark(page, 20)
            page.get_by_text("One other mark here, at step 13.").wait_for()
        (tmp_path / "figure").mkdir()
        assert main(["votes", "somebody/votes", "--diagram", str(tmp_path / "figure/votes.png")]) == 0
        told = capsys.readouterr().out
        assert "Attention checks passed" in told or "dropped: " in told
        assert (tmp_path / "figure/votes.png").read_bytes().startswith(b"\x89PNG")


def test_forged_votes_are_refused_one_and_all(kept):
    """A thousand: of muddles that were not shown, of other versions, again, huge, and of other types."""
    address, folder = kept
    ask(f"{address}/page/muddle?digit=2&target=7&seed=3")
    query = "?digit=2&target=7&seed=3&strategy=balanced&steps=11"
    good = {"about": query, "kind": "switch", "step": 3, "session": session(77)}
    before = len(votes_in(folder, 0)) if list(folder.glob("data/*")) else 0
    assert post(f"{address}/page/vote", good)[0] == 200
    assert post(f"{address}/page/vote", {**good, "session": session(78)}, kind="text/plain")[:2] == (415, "bad-vote")
    kinds = [
        lambda i: {**good, "about": f"?digit=2&target=7&seed={10**6 + i}", "session": session(i)},
        lambda i: {**good, "about": f"{query}&v=3-{i:07x}", "session": session(i)},
        lambda i: good,
        lambda i: {**good, "step": 10**i if i < 300 else -1, "session": session(i)},
        lambda i: {**good, "session": "x" * i},
        lambda i: {**good, "more": "x" * 1000},
        lambda i: [good] * i,
        lambda i: {**good, "kind": "guess", "answer": 4, "seconds": 1, "session": session(i)},  # with a step
        lambda i: {**good, "about": {"query": query}},
        lambda i: b"\xff" * i + b"{}",
    ]
    codes = set()
    for i in range(1000):
        status, code, _ = post(f"{address}/page/vote", kinds[i % len(kinds)](i))
        assert status in (400, 409, 413, 429), (i, status, code)
        codes.add(code)
    assert {"not-shown", "other-version", "said-before", "bad-session", "bad-vote", "bad-step"} <= codes
    assert len(read_votes(folder)) == before + 1
    status, _, _ = post(f"{address}/page/vote", {**good, "about": "x" * 10**7})
    assert status == 413


def test_so_many_in_an_hour_and_no_more(kept):
    address, _ = kept
    codes = []
    for i in range(HOURLY + 20):
        digit, target, seed = i % 10, (i + 1) % 10, 500 + i
        about = f"?digit={digit}&target={target}&seed={seed}"
        if len(codes) < 3 or codes[-1] is None:
            ask(f"{address}/page/muddle{about}&steps=2")
        vote = {"about": about, "kind": "switch", "step": 3, "session": session(5)}
        codes.append(post(f"{address}/page/vote", vote)[1])
        if codes[-1] == "too-many":
            break
    assert codes[-1] == "too-many"


def test_what_is_asked_about_nothing_is_a_sentence(kept):
    address, _ = kept
    for about, code in (
        ("", "bad-query"),
        ("?digit=4", "bad-query"),
        ("real:x", "bad-query"),
        ("x" * 999, "bad-query"),
    ):
        status, headers, _ = ask(f"{address}/page/said?about={about.replace('?', '%3F').replace('&', '%26')}")
        assert (status, headers["X-Error-Code"]) == (400, code), about


SERVE = ("-m", "muddle", "serve")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["asked to end", "killed"])
def test_the_end_of_a_server_commits_what_was_said_unless_it_is_killed(end, tmp_path):
    with hub() as server:
        changes = {
            "HF_ENDPOINT": server.address,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_XET": "1",
        }
        port = free_port()
        program = (*SERVE, "--port", str(port))
        with serving(port=port, program=program, MUDDLE_VOTES="somebody/votes", **changes) as app:
            ask(f"{app.address}/page/muddle?digit=2&target=7&seed=3")
            for _ in range(100):  # until its first commit, of the card, after which the next is minutes away
                if ("dataset", "somebody/votes") in server.repos:
                    break
                time.sleep(0.1)
            time.sleep(1)
            vote = {"about": "?digit=2&target=7&seed=3", "kind": "switch", "step": 3, "session": session(1)}
            assert post(f"{app.address}/page/vote", vote)[0] == 200
            os.kill(app.pid, end)
            with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                psutil.Process(app.pid).wait(30)
        repo = server.repos["dataset", "somebody/votes"]
        lines = [line for name, data in repo.commits[-1][1].items() if name.endswith("l") for line in data.splitlines()]
        assert len(lines) == (1 if end == signal.SIGTERM else 0)
