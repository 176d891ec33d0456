"""A bounded queue that is fair among clients: they take turns, however many jobs each of them has."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Job = TypeVar("Job")


class FairQueue(Generic[Job]):
    """Room for `capacity` jobs; the jobs of one client keep their order. Not thread-safe."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()  # by client; whose turn is next comes first

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, client: str, job: Job) -> Job | None:
        """Add a job. If that is one too many, drop and return the last job of the client that has the most."""
        self._waiting.setdefault(client, deque()).append(job)
        if len(self) <= self.capacity:
            return None
        greediest = max(self._waiting, key=lambda other: (len(self._waiting[other]), other == client))
        dropped = self._waiting[greediest].pop()
        if not self._waiting[greediest]:
            del self._waiting[greediest]
        return dropped

    def take(self, count: int) -> list[Job]:
        """Remove and return the next jobs, at most `count`: one of each client in turn."""
        taken = []
        while self._waiting and len(taken) < count:
            client, jobs = self._waiting.popitem(last=False)
            taken.append(jobs.popleft())
            if jobs:
                self._waiting[client] = jobs  # to the end
        return taken
