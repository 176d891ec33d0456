"""Wait for coroutines, and for what becomes true elsewhere."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor


def finished(coroutine, seconds=60):
    """The result of a coroutine; in a thread of its own, since playwright keeps an event loop in the main one."""

    async def bounded():
        return await asyncio.wait_for(coroutine, seconds)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, bounded()).result()


def together(*awaitables):
    """The results of several, or their errors."""

    async def gathered():
        return await asyncio.gather(*awaitables, return_exceptions=True)

    return finished(gathered())


def until(condition, seconds=20):
    """The first true value of condition(), which is asked again and again, but not for ever."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"still {value!r} after {seconds} s"
        time.sleep(0.01)
    return value
