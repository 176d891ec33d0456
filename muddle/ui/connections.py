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


class Connections:
    """Those of a running uvicorn server: from `watch` on no more than there is room for, and none silent too long."""

    def __init__(self, server: uvicorn.Server, room: int):
        self._server, self._room = server, room
        self._turned_away = 0
        self._since: dict[Any, float] = {}  # when each silence began

    def watch(self) -> None:
        """Begins to."""
        self._server.config.http_protocol_class = self._counted(self._server.config.http_protocol_class)
        threading.Thread(target=self._keep_closing, name="muddle-connections", daemon=True).start()

    def _counted(self, usual: Any) -> type:
        """uvicorn's own protocol, but for connections that are too many: without files, accepting fails in a loop."""
        owner = self

        class Counted(usual):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if len(self.connections) > owner._room:
                    owner._turned_away += 1
                    transport.abort()

        return Counted

    def _keep_closing(self) -> None:
        while not self._server.should_exit:
            time.sleep(LOOK)
            late = self._late(time.monotonic())
            for connection in late:
                connection.loop.call_soon_threadsafe(connection.transport.abort)
            if late:
                log.warning("closed %d connections that had sent no whole request for %d s", len(late), SILENT)
            if self._turned_away:
                log.warning("turned %d connections away: there is no room for more", self._turned_away)
                self._turned_away = 0

    def _late(self, now: float) -> list[Any]:
        """Connections that have waited too long for a request since the one that they answered last."""
        every = [(one, getattr(one, "cycle", ...)) for one in list(self._server.server_state.connections)]
        silent = [(one, last) for one, last in every if last is None or getattr(last, "response_complete", False)]
        self._since = {silence: self._since.get(silence, now) for silence in silent}
        return [one for (one, _), began in self._since.items() if now - began >= SILENT]
