import json
import time

import pytest
from support.hub_standin import TOKEN, black_hole, connect, hub, status
from support.voters import guess, query

from muddle.errors import DataError
from muddle.votes.hub import Uploads
from muddle.votes.read import DATA, read_votes
from muddle.votes.store import VoteStore, open_store

REPO = "somebody/votes"


def votes_on(server):
    """The lines of votes that the newest commit holds."""
    files = server.repos["dataset", REPO].commits[-1][1]
    return [json.loads(line) for path, data in files.items() if path.endswith(".jsonl") for line in data.splitlines()]


def opened(place=REPO):
    store = open_store(place)
    for seed in range(20):
        store.show(query(seed=seed))
    return store


def wait_until(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_votes_come_to_the_hub_and_the_next_server_begins_with_them(tmp_path, monkeypatch):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path, TOKEN)
        first = opened()
        for who in range(3):
            first.add(guess(who), "a")
        first.close()
        assert [vote["session"] for vote in votes_on(server)] == [guess(who).session for who in range(3)]
        card = server.repos["dataset", REPO].commits[-1][1]["README.md"].decode()
        assert "data_files: data/*.jsonl" in card
        second = opened()
        assert second.said(query())["guesses"] == {"4": 3}
        second.add(guess(3), "a")
        second.close()
        assert len(votes_on(server)) == 4  # a file of its own, beside the first one's
        assert len(read_votes(REPO)) == 4


def test_while_the_hub_is_away_votes_wait_and_none_comes_twice(tmp_path, monkeypatch):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path, TOKEN)
        server.fault = status(503)
        uploads = Uploads(REPO, tmp_path / "votes", every=0.002)
        store = VoteStore(tmp_path / "votes", (), uploads)
        store.show(query())
        assert store.add(guess(1), "a")
        time.sleep(0.5)
        assert ("dataset", REPO) not in server.repos
        server.fault = lambda handler, path: False
        wait_until(lambda: ("dataset", REPO) in server.repos and votes_on(server))
        server.fault = status(500, only="/commit/")  # in the middle of a commit
        store.add(guess(2), "a")
        time.sleep(0.5)
        server.fault = lambda handler, path: False
        wait_until(lambda: len(votes_on(server)) == 2)
        store.close()
        assert [vote["session"] for vote in votes_on(server)] == [guess(1).session, guess(2).session]


def test_a_token_without_rights_keeps_the_page_going(tmp_path, monkeypatch):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path, TOKEN)
        server.may_write = False
        store = opened()
        assert store.add(guess(1), "a")
        assert store.said(query())["guesses"] == {"4": 1}
        store.close()
        assert ("dataset", REPO) not in server.repos or not votes_on(server)


def test_a_hub_that_never_answers_does_not_hold_the_start_or_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("muddle.votes.store.CLOSING", 0.5)
    with black_hole() as address:
        connect(monkeypatch, address, tmp_path, TOKEN)
        began = time.monotonic()
        store = opened()
        store.add(guess(1), "a")
        store.close()
        assert time.monotonic() - began < 10


def test_a_data_set_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with hub() as server:
        connect(monkeypatch, server.address, tmp_path)
        with pytest.raises(DataError, match="cannot be read"):
            read_votes("nobody/nothing")
    assert not (tmp_path / DATA).exists()
