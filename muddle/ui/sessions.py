"""What gradio remembers of a visitor between two requests: nothing, since this page keeps all it needs in the browser.

gradio itself would copy the configuration of the whole page for each new session, of which every call of the API is
one: 6 ms and 50 KB each.
"""

from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder


class Sessions(StateHolder):
    """The same memory for all sessions, and it takes nothing in."""

    def __init__(self, page: gr.Blocks):
        super().__init__()
        self._nothing = Nothing(page)

    def __getitem__(self, session_id: str) -> SessionState:
        return self._nothing

    def __contains__(self, session_id: str) -> bool:
        return False


class Nothing(SessionState):
    """The page as it was built, whatever is written to it."""

    def __setitem__(self, key: int, value: Any) -> None:
        pass

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def forget_sessions(page: gr.Blocks) -> None:
    """Lets a launched page remember nothing."""
    sessions = Sessions(page)
    sessions.set_blocks(page)
    page.app.state_holder = sessions
