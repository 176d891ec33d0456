"""Serve the page: every option of gradio and uvicorn that it is served with."""

import gc
import os
import re
import signal
import sys
from typing import Any

from muddle.ui.log import log
from muddle.ui.networks import Networks
from muddle.votes.store import VARIABLE, VoteStore, open_store

EVENTS = 256  # that gradio runs at once; the networks' own queue, which is fair, is shorter
PROXIES = "127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"  # whose word on a client's address counts


def serve(source: str | None = None, revision: str | None = None, **overrides: Any) -> None:
    """Serve the page until it is interrupted. `overrides` go to gradio's launch.

    source, revision: as Muddler.from_pretrained takes them. Raises MuddleError when that bundle cannot be loaded.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # which leaves as an interruption does: cleaned up
    networks = Networks(source, revision)
    votes = open_store(os.environ.get(VARIABLE))
    networks.start()  # before gradio is imported, which takes seconds: the two go on side by side
    try:
        page, _ = launch(networks, votes, **overrides)
        networks.wait()
        page.block_thread()
    finally:
        networks.close()
        if votes:
            votes.close()


def launch(networks: Networks, votes: VoteStore | None = None, **overrides: Any) -> tuple[Any, str]:
    """Serve the page from a thread; returns it and its address. votes: where answers are kept."""
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware

    from muddle.errors import MuddleError
    from muddle.ui import STATIC
    from muddle.ui.api import CALL, JOIN, check_call, join_check
    from muddle.ui.http import Gate, on_http_error, on_muddle_error, security_headers
    from muddle.ui.mcp import mcp_routes
    from muddle.ui.page import build, theme
    from muddle.ui.page_data import page_routes
    from muddle.ui.routes import PageHead, routes

    ask_for_no_gpu()
    raise_file_limit()
    os.environ.setdefault("FORWARDED_ALLOW_IPS", PROXIES)  # uvicorn's option
    page = build(networks).queue(api_open=False, max_size=EVENTS, default_concurrency_limit=None)
    own = [*routes(networks), *page_routes(networks, votes), *mcp_routes(networks)]
    checks = {CALL: check_call, JOIN: join_check(page)}
    gate = {"own": frozenset(route.path for route in own), "checks": checks, "headers": security_headers(on_space())}
    options = {
        "ssr_mode": False,  # else a Space puts a server of gradio's before this one, which knows no addresses of ours
        "theme": theme(),
        "favicon_path": str(STATIC / "favicon.svg"),  # and the icon of the page as an app
        "footer_links": ["api"],
        "state_session_capacity": 200,
        "max_file_size": "5mb",
        "max_threads": EVENTS,
        "enable_monitoring": False,
        "run_history": False,  # it would save runs with the operator's own token
        "quiet": True,  # the log says where the page is
        "prevent_thread_lock": True,
        "app_kwargs": {
            "routes": own,
            "middleware": [Middleware(Gate, **gate), Middleware(PageHead)],
            "exception_handlers": {MuddleError: on_muddle_error, HTTPException: on_http_error},
        },
    }
    _, url, _ = page.launch(**{**options, **overrides})
    share_session_of_calls(page)
    gc.collect()
    gc.freeze()  # all that is there stays, so looking for garbage is quick from now on
    log.info("the page is at %s", url)
    return page, url


def share_session_of_calls(page: Any) -> None:
    """Let all calls of the API use one session, since none depends on another.

    gradio 6.31 would copy the configuration of the whole page for each, which takes 4 to 8 ms and 50 KB. It offers no
    option for that, so the launched app's `state_holder` is replaced.
    """
    from gradio.state_holder import SessionState, StateHolder

    class SharedSession(StateHolder):
        def __getitem__(self, session_id: str) -> SessionState:
            is_call = re.fullmatch("[0-9a-f]{32}", session_id)  # gradio's own name for it; the page's are shorter
            return super().__getitem__("calls" if is_call else session_id)

    sessions = SharedSession()
    sessions.set_blocks(page)
    page.app.state_holder = sessions


def on_space() -> bool:
    """Whether this is a Space of the Hugging Face Hub, as the platform's variables say."""
    return bool(os.environ.get("SPACE_ID"))


def ask_for_no_gpu() -> Any:
    """On ZeroGPU, which starts only an app in which something asks for a GPU, a function that does and is never called.

    Elsewhere None, and `spaces` is not imported.
    """
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("true", "1"):
        return None
    import spaces  # there, and only there, the platform installs it

    return spaces.GPU(lambda: None)


def raise_file_limit() -> None:
    """Allow as many open connections as the system does, instead of 1,024."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:  # where there is none, some systems refuse the largest numbers
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
