import pytest
from support.voters import guess, query, session, switch

from muddle.errors import DataError
from muddle.votes.read import CROWD, DATA, read_votes, sort_out

LABELS = [number % 10 for number in range(50)]


def write(folder, *lines):
    (folder / DATA).mkdir(exist_ok=True)
    with open(folder / DATA / "votes-1.jsonl", "a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def test_votes_are_read_and_what_is_none_is_passed_over(tmp_path):
    write(tmp_path, guess().to_line(), "junk", guess(1).to_line()[:-20], "", switch(2).to_line())
    (tmp_path / DATA / "votes-0.jsonl").write_bytes(b"\xff\xfe" + guess(3).to_line().encode() + b"\n")
    assert read_votes(tmp_path) == [guess(), switch(2)]


def test_a_place_without_votes_is_a_sentence(tmp_path):
    for place in (tmp_path, "nowhere"):
        with pytest.raises(DataError, match="no"):
            read_votes(place)


def ten(who, right=True):
    """What a visitor says in a game: eight muddles and two real digits."""
    muddles = [guess(who, 4 + 5 * (i % 2), query(seed=i)) for i in range(8)]
    return [*muddles, *(guess(who, LABELS[i] if right else 9 - LABELS[i], i) for i in (3, 17))]


def test_visits_that_meant_it_count_and_their_checks_too():
    visits = sort_out([*ten(1), *ten(2), switch(3)], LABELS)
    assert len(visits.votes) == 21
    assert (visits.dropped, visits.doubles, visits.checks) == ({}, 0, (4, 4))


def test_a_second_vote_on_the_same_counts_once():
    visits = sort_out([guess(1, 4), guess(1, 9), guess(2, 9), switch(1), switch(1, 20)], LABELS)
    assert [vote.answer for vote in visits.votes] == [4, None, 9]
    assert visits.doubles == 2


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        (ten(7, right=False), "attention checks"),
        ([guess(7, 3, query(seed=i)) for i in range(100)], "the same answer"),
        ([guess(7, i % 10, query(seed=i), 0.1) for i in range(100)], "less than"),
        ([guess(7, i % 10, query(seed=i)) for i in range(100)], "none of them an attention check"),
        ([switch(7, 17, query(seed=i)) for i in range(100)], "the same step"),
        ([switch(7, i % 33, query(seed=i)) for i in range(CROWD + 1)], "votes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_session_of_nonsense_is_recognised_and_leaves_the_others(votes, reason):
    visits = sort_out([*ten(1), *votes], LABELS)
    assert visits.votes == ten(1)
    assert list(visits.dropped) == [session(7)]
    assert reason in visits.dropped[session(7)]
