"""Two threads for all that is computed without gradio's queue: others wait, and memory does not grow with them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Workers:
    """A few threads of our own. Each keeps some memory of what it computed, so a crowd of them would keep much."""

    def __init__(self, count: int = 2):
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="muddle")

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """work(*args) in one of the threads, when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
