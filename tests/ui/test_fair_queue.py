from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from muddle.ui.fair_queue import FairQueue

CLIENTS = "abcd"


@given(st.lists(st.sampled_from(CLIENTS), max_size=60), st.integers(1, 20))
def test_turns_are_fair_orders_are_kept_and_no_more_than_fit_wait(clients, capacity):
    queue, kept = FairQueue(capacity), {client: [] for client in CLIENTS}
    for number, client in enumerate(clients):
        dropped = queue.put(client, (client, number))
        kept[client].append((client, number))
        if dropped is not None:
            assert kept[dropped[0]].pop() == dropped  # the last of the client
            waiting = Counter({other: len(jobs) for other, jobs in kept.items()})
            assert waiting[dropped[0]] + 1 >= max(waiting.values())  # that has the most
    assert len(queue) == sum(map(len, kept.values())) <= capacity
    taken = queue.take(100)
    assert not len(queue)
    for client, jobs in kept.items():
        assert [job for job in taken if job[0] == client] == jobs
    waiting = {client: len(jobs) for client, jobs in kept.items()}
    while taken:  # each round has one job of every client that has any left
        clients_left = sum(count > 0 for count in waiting.values())
        turn, taken = taken[:clients_left], taken[clients_left:]
        assert len({client for client, _ in turn}) == clients_left
        for client, _ in turn:
            waiting[client] -= 1


def test_a_newcomer_comes_in_where_another_fills_the_queue():
    queue = FairQueue(4)
    for number in range(4):
        assert queue.put("greedy", number) is None
    assert queue.put("greedy", 4) == 4
    assert queue.put("modest", "one") == 3
    assert queue.take(2) == [0, "one"]


def test_a_newcomer_is_dropped_where_everybody_has_as_few():
    queue = FairQueue(2)
    queue.put("a", 1)
    queue.put("b", 2)
    assert queue.put("c", 3) == 3
    assert queue.take(5) == [1, 2]
