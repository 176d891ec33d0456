from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from muddle.ui.line import Line

JOINS = st.lists(st.sampled_from("abcd"), max_size=60)


@given(JOINS, st.integers(1, 20))
def test_turns_are_fair_orders_are_kept_and_no_more_than_fit_wait(visitors, capacity):
    line, kept = Line(capacity), {visitor: [] for visitor in "abcd"}
    for number, visitor in enumerate(visitors):
        gone = line.join(visitor, (visitor, number))
        kept[visitor].append((visitor, number))
        if gone is not None:
            assert kept[gone[0]].pop() == gone  # the last of whoever
            others = Counter({v: len(jobs) for v, jobs in kept.items()})
            assert others[gone[0]] + 1 >= max(others.values())  # has the most
    assert len(line) == sum(map(len, kept.values())) <= capacity
    taken = line.take(100)
    assert not len(line)
    for visitor, jobs in kept.items():
        assert [job for job in taken if job[0] == visitor] == jobs
    waiting = {visitor: len(jobs) for visitor, jobs in kept.items()}
    while taken:  # each round has one job of everybody who has any left
        among = sum(count > 0 for count in waiting.values())
        some, taken = taken[:among], taken[among:]
        assert len({visitor for visitor, _ in some}) == among
        for visitor, _ in some:
            waiting[visitor] -= 1


def test_a_newcomer_comes_in_where_another_fills_the_line():
    line = Line(4)
    for number in range(4):
        assert line.join("greedy", number) is None
    assert line.join("greedy", 4) == 4
    assert line.join("modest", "one") == 3
    assert line.take(2) == [0, "one"]


def test_what_comes_back_is_next():
    line = Line(4)
    line.join("a", 1)
    line.join("a", 3)
    line.join("b", 2)
    (first,) = line.take(1)
    line.rejoin("a", first)
    assert line.take(5) == [1, 2, 3]
