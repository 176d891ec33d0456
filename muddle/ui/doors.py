"""Which of gradio's addresses are open: those that the page and its callers need. The others lead to the disk, to other
sites or to the operator's own account, none of which has to do with a muddle."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from muddle.errors import RequestError
from muddle.ui.sentences import in_a_sentence

NAME = r"[\w.@-]{1,100}"
OPEN = re.compile(
    rf"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/pwa_icon(/{NAME})?"
    rf"|/(assets|static|svelte)(/{NAME}){{1,4}}"
    rf"|/gradio_api/(info|openapi\.json|app_id|startup-events|queue/(join|data|status)|cancel|reset|component_server)/?"
    rf"|/gradio_api/heartbeat/{NAME}"
    r"|/gradio_api/(call|call/v2|run|api)/[^/]{1,100}/?"
    rf"|/gradio_api/call/[^/]{{1,100}}(/v2)?/{NAME}",
    re.ASCII,
)


class Doors:
    """Middleware that answers 404 for every other address but `own`, and refuses a request that names two kinds of
    content, of which whoever looks next might believe the other."""

    def __init__(self, app: ASGIApp, own: frozenset[str]):
        self.app, self.own = app, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when its door is open."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] not in self.own and not OPEN.fullmatch(scope["path"]):
            answer = in_a_sentence(RequestError("not-found", "There is nothing here.", 404))
        elif sum(name.lower() == b"content-type" for name, _ in scope["headers"]) > 1:
            answer = in_a_sentence(RequestError("bad-request", "A request has one kind of content."))
        else:
            return await self.app(scope, receive, send)
        await answer(scope, receive, send)
