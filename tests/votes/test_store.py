import json
import os
import subprocess
import sys
import threading

import pytest
from support.processes import environment
from support.voters import guess, query, switch

from muddle.errors import DataError, RequestError
from muddle.votes.read import DATA, read_votes
from muddle.votes.store import ENOUGH, HOURLY, VoteStore, is_repository, open_store
from muddle.votes.vote import Vote


@pytest.fixture
def store(tmp_path):
    store = VoteStore(tmp_path)
    for seed in range(200):
        store.show(query(seed=seed))
    store.show("real:17")
    return store


def test_a_vote_is_kept_in_the_folder_and_counted(store, tmp_path):
    assert store.add(guess(1, 4), "a")
    assert store.add(guess(2, None), "a")
    assert store.add(switch(1, 17), "a")
    assert store.add(guess(1, 7, 17), "a")
    assert read_votes(tmp_path) == [guess(1, 4), guess(2, None), switch(1, 17), guess(1, 7, 17)]
    assert store.said(query()) == {"guesses": {"4": 1, "none": 1}, "steps": [17]}
    assert store.said(query(seed=5)) == {"guesses": {}, "steps": []}


def test_only_what_was_shown_only_once_and_only_so_much_is_kept(store, tmp_path):
    with pytest.raises(RequestError) as caught:
        store.add(guess(1, about=query(seed=999)), "a")
    assert caught.value.code == "not-shown"
    store.add(guess(1), "a")
    with pytest.raises(RequestError) as caught:
        store.add(guess(1, 9), "a")
    assert caught.value.code == "said-before"
    for seed in range(1, HOURLY):
        store.add(guess(1, about=query(seed=seed)), "b" * seed)
    with pytest.raises(RequestError) as caught:
        store.add(guess(1, about=query(seed=HOURLY)), "c")
    assert caught.value.code == "too-many"
    assert len(read_votes(tmp_path)) == HOURLY


def test_a_client_that_changes_its_session_is_limited_too(store):
    for who in range(HOURLY):
        store.add(guess(who), "a")
    with pytest.raises(RequestError) as caught:
        store.add(guess(HOURLY), "a")
    assert (caught.value.code, caught.value.status) == ("too-many", 429)
    assert store.add(guess(HOURLY), "another")


def test_what_is_refused_counts_against_nobody(store):
    for _ in range(HOURLY + 5):
        with pytest.raises(RequestError, match="not shown"):
            store.add(guess(1, about=query(seed=999)), "a")
    for who in range(HOURLY):
        store.add(guess(who), "a")
    for who in range(HOURLY, 2 * HOURLY):
        with pytest.raises(RequestError, match="in an hour"):
            store.add(guess(who), "a")
    assert store.add(guess(HOURLY), "another")


def test_an_hour_later_there_is_room_again(store, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("muddle.votes.store.time.monotonic", lambda: now[0])
    for who in range(HOURLY):
        store.add(guess(who), "a")
    now[0] = 3601
    assert store.add(guess(HOURLY), "a")


def test_a_full_disk_keeps_the_page_going_and_the_file_readable(store, tmp_path, monkeypatch):
    store.add(guess(1), "a")
    real_open = open

    def full(path, *arguments, **options):
        file = real_open(path, *arguments, **options)
        if str(path).endswith(".jsonl"):
            file.write(guess(2).to_line()[:30])  # what there was room for
            file.close()
            raise OSError(28, "No space left on device")
        return file

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", full)
        assert not store.add(guess(2), "a")
    assert store.said(query())["guesses"] == {"4": 1}
    assert store.add(guess(3), "a")
    assert store.add(guess(2), "a")  # it was not kept, so it may be said again
    assert [vote.session for vote in read_votes(tmp_path)] == [guess(i).session for i in (1, 3, 2)]


def test_many_at_once_lose_nothing_and_mix_nothing(store, tmp_path):
    def work(who):
        for seed in range(20):
            store.add(guess(who, about=query(seed=seed)), f"client {who}")

    threads = [threading.Thread(target=work, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_votes(tmp_path)) == 160


def test_the_hardest_are_those_on_which_people_split(tmp_path):
    votes = [guess(i, 4 if i % 2 else 9, query(seed=1)) for i in range(6)]
    votes += [guess(i, 4, query(seed=2)) for i in range(6)]
    votes += [guess(i, 4 if i < 2 else 9, query(seed=3)) for i in range(6)]
    votes += [guess(i, 4 if i % 2 else 9, query(seed=4)) for i in range(ENOUGH - 1)]
    others = (
        query(seed=5).replace("balanced", "farthest"),
        query(seed=6) + "&source=1020",
        query(seed=7) + "&balance=0.3",
    )
    votes += [guess(i, 4 if i % 2 else 9, other) for i in range(6) for other in others]
    assert VoteStore(tmp_path, votes).hardest(10) == [query(seed=1), query(seed=3)]


def test_a_store_of_a_folder_begins_with_what_is_there(tmp_path):
    first = open_store(str(tmp_path / "votes"))
    first.show(query())
    first.add(guess(1), "a")
    again = open_store(str(tmp_path / "votes"))
    assert again.said(query())["guesses"] == {"4": 1}
    again.show(query())
    with pytest.raises(RequestError):
        again.add(guess(1), "a")  # none twice, though another process kept the first
    assert "annotations_creators: [crowdsourced]" in (tmp_path / "votes/README.md").read_text()
    assert len(list((tmp_path / "votes" / DATA).iterdir())) == 1


def test_without_a_place_nothing_is_kept_and_a_wrong_one_is_a_sentence(tmp_path):
    assert open_store(None) is None
    assert open_store("") is None
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        open_store(str(tmp_path / "file"))


def test_a_repository_is_told_from_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_repository("somebody/votes")
    for folder in ("votes", "./votes/x", "/a/b", "~/votes", "a/b/c", ""):
        assert not is_repository(folder), folder
    os.makedirs("somebody/votes")
    assert not is_repository("somebody/votes")


OPEN = """
import json, sys
from datasets import load_dataset
data = load_dataset(sys.argv[1], split="train", cache_dir=sys.argv[2])
print(json.dumps([{**row, "day": str(row["day"].date())} for row in data]))
"""


def test_the_datasets_library_opens_files_of_one_kind_of_votes_and_of_the_other(tmp_path):
    """A column that is empty in one file and not in the next: the card says what it holds."""
    votes = [[switch(1), switch(2)], [guess(1, 4, 17), guess(3, None)]]
    for part in votes:
        store = open_store(str(tmp_path / "votes"))
        for vote in part:
            store.show(vote.about)
            store.add(vote, "a")
    command = [sys.executable, "-c", OPEN, str(tmp_path / "votes"), str(tmp_path / "cache")]
    child = environment(HF_DATASETS_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    done = subprocess.run(command, env=child, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    rows = [Vote(**row) for row in json.loads(done.stdout)]
    assert sorted(rows, key=repr) == sorted([*votes[0], *votes[1]], key=repr)
