"""The page's own head: description, social picture and icon, in place of the ones that gradio gives every page."""

import gzip
import re
from html import escape

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muddle.errors import MuddleError
from muddle.recipe import Recipe

TITLE = "MNIST Muddle"
DESCRIPTION = "Pick a digit and get one that could be either of two, a 4 or a 9, and still looks like a digit."
THEIRS = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def tags(home: str, query: str) -> str:
    """The head's tags for a page at `home` (ends in a slash); the picture is the muddle of the query."""
    try:
        shown = Recipe.from_query(query).query()
    except MuddleError:
        shown = Recipe().query()
    picture = escape(f"{home}card.png{shown}")
    text = escape(DESCRIPTION)
    return (
        f'<meta name="description" content="{text}"><meta property="og:title" content="{TITLE}">'
        f'<meta property="og:type" content="website"><meta property="og:description" content="{text}">'
        f'<meta property="og:url" content="{escape(home + query)}"><meta property="og:image" content="{picture}">'
        f'<meta property="og:image:alt" content="Source, muddle and partner side by side">'
        f'<meta name="twitter:card" content="summary_large_image"><meta name="twitter:image" content="{picture}">'
        '<link rel="icon" type="image/svg+xml" href="favicon.svg">'
    )


class Head:
    """Middleware that puts the tags into the page's HTML and packs it, which gradio does for its scripts only.

    Every other answer is left alone.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; for the page itself the answer's head is rewritten on its way back."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        start: Message = {}
        body = bytearray()

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            html = bytes(body)
            if b"</head>" in html:
                html = THEIRS.sub(b"", html).replace(b"</head>", tags(*address(scope)).encode() + b"</head>", 1)
            headers = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
            headers.append((b"vary", b"accept-encoding"))
            if "gzip" in _headers(scope).get("accept-encoding", "") and start["status"] == 200:
                html = gzip.compress(html, 6, mtime=0)
                headers.append((b"content-encoding", b"gzip"))
            headers.append((b"content-length", str(len(html)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": html})

        return await self.app(scope, receive, rewrite)


def address(scope: Scope) -> tuple[str, str]:
    """Where the visitor sees this page, and the query: a proxy's word counts before our own."""
    headers = _headers(scope)
    scheme = headers.get("x-forwarded-proto", scope["scheme"]).split(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "localhost")).split(",")[0].strip()
    query = scope["query_string"].decode("latin-1")
    return f"{scheme}://{host}{scope.get('root_path', '')}/", f"?{query}" if query else ""


def _headers(scope: Scope) -> dict[str, str]:
    return {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
