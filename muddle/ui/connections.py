"""Connections: room for many of them, never more than there is room for, and an end to those that say nothing, for
which uvicorn would wait for ever."""

import threading
import time
from typing import Any

import uvicorn

from muddle.ui.log import log

try:
    import resource
except ImportError:  # Windows, which has no such limits
    resource = None  # type: ignore[assignment]

ROOM = 65_536  # files and connections that may be open at once, where the system allows it
KEPT = 100  # of them for all that is no connection
SILENT = 30  # seconds after which a connection without a whole request is closed
LOOK = 5  # seconds between two looks at which they are


def make_room() -> int:
    """Raises this process's limit of open files, which is often 1,024; how many connections it leaves room for."""
    if resource is None:
        return ROOM - KEPT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = ROOM if hard == resource.RLIM_INFINITY else min(ROOM, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, room), hard))
    except (OSError, ValueError):  # macOS allows less than it says
        room = soft
    return max(room - KEPT, room // 2)


def watch(server: uvicorn.Server, room: int) -> None:
    """From now on no more connections than there is room for, and none that is silent too long."""
    usual: Any = server.config.http_protocol_class
    turned_away = [0]

    class Counted(usual):
        """uvicorn's own, but for the ones that are too many: without files, accepting fails in a loop."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > room:
                turned_away[0] += 1
                transport.abort()

    server.config.http_protocol_class = Counted
    threading.Thread(target=_keep_closing, args=(server, turned_away), name="muddle-connections", daemon=True).start()


def _keep_closing(server: uvicorn.Server, turned_away: list[int]) -> None:
    since: dict[Any, float] = {}  # when each silence began
    while not server.should_exit:
        time.sleep(LOOK)
        now = time.monotonic()
        since = {silence: since.get(silence, now) for silence in _silences(server)}
        late = [connection for (connection, _), began in since.items() if now - began >= SILENT]
        for connection in late:
            connection.loop.call_soon_threadsafe(connection.transport.abort)
        if late:
            log.warning("closed %d connections that had sent no whole request for %d s", len(late), SILENT)
        if turned_away[0]:
            log.warning("turned %d connections away: as many are open as there is room for", turned_away[0])
            turned_away[0] = 0


def _silences(server: uvicorn.Server) -> list[tuple[Any, Any]]:
    """Connections that wait for a request, each with the one that it answered last."""
    every = [(one, getattr(one, "cycle", ...)) for one in list(server.server_state.connections)]
    return [(one, last) for one, last in every if last is None or getattr(last, "response_complete", False)]
