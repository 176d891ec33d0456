"""Tasks for the engines of data sets, in a module that other processes can import."""

import os
import signal

from muddle.errors import DataError


def square(shard):
    """A file that only this shard has."""
    return {f"{shard}.txt": str(shard * shard).encode()}


def square_but_die_at_2(shard):
    """The same, from a process that is killed at shard 2."""
    if shard == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(shard)


def square_but_refuse_2(shard):
    """The same, but shard 2 cannot be made."""
    if shard == 2:
        raise DataError("shard 2 cannot be made")
    return square(shard)
