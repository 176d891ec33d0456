"""How the page is served: what stands before gradio, and what it remembers."""

import gc
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from muddle.ui.bodies import Bodies
from muddle.ui.component import read
from muddle.ui.connections import Connections, make_room
from muddle.ui.doors import Doors
from muddle.ui.gate import Gate
from muddle.ui.head import Head
from muddle.ui.headers import Headers
from muddle.ui.log import Log, log
from muddle.ui.mcp import mcp_route
from muddle.ui.page import build
from muddle.ui.routes import routes
from muddle.ui.service import Service
from muddle.ui.sessions import forget_calls, forget_events
from muddle.ui.theme import theme
from muddle.ui.zero import ask_for_nothing

MOST_AT_ONCE = 256  # events that gradio lets run; fewer get past the service's own line, which says when it is busy


def launch(service: Service, **overrides: Any) -> tuple[gr.Blocks, str]:
    """Serves the page from a thread; returns it and its address. `overrides` go to gradio's launch."""
    ask_for_nothing()
    room = make_room()
    page = build(service).queue(max_size=MOST_AT_ONCE, default_concurrency_limit=None)
    forget_events(page)
    controls = {number: event.inputs for number, event in page.fns.items() if event.fn}
    bodies = Bodies()
    own = [*routes(service), mcp_route(service, bodies)]
    paths = frozenset(route.path for route in own)
    options = {
        "theme": theme(),
        "css": read("theme.css"),
        "js": read("radios.js"),
        "footer_links": ["api"],
        "state_session_capacity": 200,
        "max_file_size": "5mb",
        "max_threads": MOST_AT_ONCE,  # else gradio's own queue, which knows no turns, would come before ours
        "enable_monitoring": False,
        "run_history": False,  # it would save runs with the operator's own token
        "quiet": True,  # what it prints would end the start where the output is on a full disk
        "app_kwargs": {
            "routes": own,
            "middleware": [
                Middleware(Log, routes=paths | {"/"}),
                Middleware(Headers),
                Middleware(Doors, own=paths),
                Middleware(Head),
                Middleware(Gate, controls=controls, bodies=bodies),
            ],
        },
    }
    _, url, _ = page.launch(**{"prevent_thread_lock": True, **options, **overrides})
    forget_calls(page)
    Connections(page.server, room).watch()
    log.info("the page is at %s", url)
    gc.collect()
    gc.freeze()  # all that is there stays: looking for what can go is quick from now on
    return page, url


def serve(service: Service, **overrides: Any) -> None:
    """Serves the page until it is interrupted. Raises MuddleError when the service's bundle cannot be loaded."""
    try:
        page, _ = launch(service, **overrides)
        service.wait()
        page.block_thread()
    finally:
        service.close()
