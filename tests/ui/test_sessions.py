import subprocess
import sys

from support.processes import ROOT, environment

# In a process of its own, for gradio leaves an event loop open in one that has built a page and never served it.
SCRIPT = """
from types import SimpleNamespace
from uuid import uuid4
import gradio as gr
from muddle.ui.sessions import forget_calls, forget_events

with gr.Blocks(analytics_enabled=False) as page:
    box = gr.Textbox("as built")
page.app, page.state_session_capacity = SimpleNamespace(), 10
forget_events(page)
forget_calls(page)
sessions = page.app.state_holder
one, other = sessions[uuid4().hex], sessions[uuid4().hex]
assert one is other
one[box._id] = gr.Textbox("a caller's")
one._update_value_in_config(box._id, "a caller's")
assert other[box._id].value == "as built"
assert "a caller's" not in str(other.config_values)
assert len(sessions.session_data) == 0
assert sessions["ab12cd34ef"] is not sessions["another"]
assert len(sessions.session_data) == 2
for call in range(5000):
    page._queue.pending_event_ids_session[str(call)] = set()
assert len(page._queue.pending_event_ids_session) == 2000
"""


def test_calls_share_one_memory_that_takes_nothing_in_and_the_page_keeps_its_own():
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
