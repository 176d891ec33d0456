"""Whose turn it is: visitors take turns, however much each of them asks, and only so many requests wait."""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Line(Generic[Job]):
    """A queue with room for `capacity` jobs, fair among visitors; the jobs of each keep their order."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()  # whose turn is next comes first

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def join(self, visitor: str, job: Job) -> Job | None:
        """Places a job. When that is one too many, returns the job that has to go: the last of whoever has the most."""
        self._waiting.setdefault(visitor, deque()).append(job)
        if len(self) <= self.capacity:
            return None
        greediest = max(self._waiting, key=lambda other: (len(self._waiting[other]), other == visitor))
        gone = self._waiting[greediest].pop()
        if not self._waiting[greediest]:
            del self._waiting[greediest]
        return gone

    def rejoin(self, visitor: str, job: Job) -> None:
        """Places a job that has had its turn before all others."""
        self._waiting.setdefault(visitor, deque()).appendleft(job)
        self._waiting.move_to_end(visitor, last=False)

    def take(self, count: int) -> list[Job]:
        """Removes and returns the next jobs, at most so many: one of each visitor in turn."""
        taken = []
        while self._waiting and len(taken) < count:
            visitor, jobs = self._waiting.popitem(last=False)
            taken.append(jobs.popleft())
            if jobs:
                self._waiting[visitor] = jobs  # to the end
        return taken
