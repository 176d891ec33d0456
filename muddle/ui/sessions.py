"""What gradio remembers of a caller between two requests: nothing, since no call of the API depends on another.

gradio itself would copy the configuration of the whole page for each of them: 6 ms and 50 KB. The page's own sessions
are left as they are.
"""

import re
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder
from gradio.utils import LRUCache

MOST_SESSIONS = 2000  # whose events are known: as many as gradio keeps messages for
CALL = re.compile(r"[0-9a-f]{32}")  # gradio's name for the session of a call; those of the page are shorter


class Sessions(StateHolder):
    """The same memory for all calls, and it takes nothing in."""

    def __init__(self, page: gr.Blocks):
        super().__init__()
        self._nothing = Nothing(page)

    def __getitem__(self, session_id: str) -> SessionState:
        return self._nothing if CALL.fullmatch(session_id) else super().__getitem__(session_id)


class Nothing(SessionState):
    """The page as it was built, whatever is written to it."""

    def __setitem__(self, key: int, value: Any) -> None:
        pass

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def forget_events(page: gr.Blocks) -> None:
    """Before the launch: of calls that are over gradio would keep a set of events each, for good."""
    page._queue.pending_event_ids_session = LRUCache(MOST_SESSIONS)


def forget_calls(page: gr.Blocks) -> None:
    """Lets a launched page remember nothing of calls."""
    sessions = Sessions(page)
    sessions.set_blocks(page)
    page.app.state_holder = sessions
