"""Plain addresses for what people keep, such as GET /muddle.png, and the page's head, whose social picture is one."""

import contextlib
import functools
import gzip
import hashlib
import re
from html import escape
from urllib.parse import parse_qs

import numpy as np
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from muddle.errors import MuddleError
from muddle.export.files import to_file
from muddle.export.serialize import TAGLINE, to_base64
from muddle.images.codecs import png
from muddle.recipe import PARAMETERS, VERSION, Recipe
from muddle.result import SCALE
from muddle.ui import OPENING, asset, assets, read_static
from muddle.ui.http import client_of
from muddle.ui.networks import Facts, Networks
from muddle.ui.page import TITLE

FILES = {  # the kind of file that each address gives, and its media type
    "/muddle.png": ("png", "image/png"),
    "/muddle.gif": ("gif", "image/gif"),
    "/muddle.webp": ("webp", "image/webp"),
    "/strip.png": ("strip", "image/png"),
    "/muddle.json": ("json", "application/json"),
    "/judges.json": ("judges", "application/json"),
    "/card.png": ("card", "image/png"),
}
FIRST_SCRIPTS = ("shared.js", "address.js", "jury.js", "result.js")  # there before gradio's, each after what it needs
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
PACKED = [Middleware(GZipMiddleware, compresslevel=6)]  # of a route whose answers are texts
HOUR = {"Cache-Control": "max-age=3600"}
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)  # a card's metadata, for the Hub
GRADIOS_TAGS = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def routes(networks: Networks) -> list[Route]:
    """The routes, each a pure function of its query. They raise MuddleError, which http.on_muddle_error answers."""

    async def muddle(request: Request) -> Response:
        kind, media_type = FILES[path_of(request)]
        version = (await networks.facts()).version
        tag = f'"{version}-{hashlib.sha1(str(request.url).encode()).hexdigest()[:16]}"'
        forever = request.query_params.get(VERSION) == version  # else another bundle may answer it one day
        age = "31536000, immutable" if forever else "3600"
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={age}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        recipe, client = Recipe.from_query(request.url.query), client_of(request)
        if kind == "png":
            data = await networks.in_thread(png, await networks.picture(recipe, client), SCALE)
        else:
            data = await networks.in_thread(to_file, await networks.muddle(recipe, client), kind)
        return Response(data, media_type=media_type, headers=headers)

    async def own_asset(request: Request) -> Response:
        address = path_of(request)[1:]
        kind = "text/css" if address.endswith(".css") else "text/javascript"
        return Response(assets()[address], media_type=kind, headers=FOREVER)

    async def browser_networks(request: Request) -> Response:
        facts = await networks.facts()
        same = request.query_params.get(VERSION) == fingerprint_of(facts)
        kind = "application/octet-stream"
        return Response(facts.networks, media_type=kind, headers=FOREVER if same else HOUR)

    async def latent_map(_: Request) -> Response:
        return JSONResponse(map_points(await networks.facts()), headers=HOUR)

    async def model_card(_: Request) -> Response:
        return PlainTextResponse(FRONT_MATTER.sub("", (await networks.facts()).card), headers=HOUR)

    async def health(_: Request) -> Response:
        content, ready = {"status": networks.status}, networks.status == "ready"
        if ready:
            facts = await networks.facts()
            content |= {"version": facts.version, "fingerprint": facts.fingerprint}
        return JSONResponse(content, 200 if ready else 503, {"Cache-Control": "no-store"})

    return [
        *(Route(path, muddle) for path in FILES),
        *(Route(f"/{address}", own_asset, middleware=PACKED) for address in assets()),
        Route("/networks.safetensors", browser_networks),
        Route("/map.json", latent_map, middleware=PACKED),
        Route("/model-card.md", model_card),
        Route("/healthz", health),
    ]


def path_of(request: Request) -> str:
    """A request's path from the page's folder on, with a slash at its begin."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


@functools.lru_cache(1)
def fingerprint_of(facts: Facts) -> str:
    """Of the networks that a browser runs."""
    return hashlib.sha256(facts.networks).hexdigest()[:12]


def map_points(facts: Facts) -> dict[str, object]:
    """The atlas's ground: float32 (N, 2) places and uint8 (N,) labels of the exemplars, base64; how far from them there
    is land; what the axes of a code do; and where its networks are."""
    return {
        "places": to_base64(facts.places),
        "labels": to_base64(facts.labels.astype(np.uint8)),
        "coast": facts.coast,
        "midpoint": facts.report["strategies"]["midpoint"]["split"]["value"],
        "axes": facts.report["atlas"].get("axes", []),
        "networks": f"networks.safetensors?{VERSION}={fingerprint_of(facts)}",
    }


def home_of(scope: Scope) -> str:
    """The page's address as its visitor sees it, with a slash at its end: a proxy's word counts before our own."""
    headers = Headers(scope=scope)
    scheme = headers.get("x-forwarded-proto", scope["scheme"]).split(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "localhost")).split(",")[0].strip()
    return f"{scheme}://{host}{scope.get('root_path', '')}/"


@functools.cache
def opening_script() -> str:
    """The script that asks for the first muddle."""
    return read_static("opening.js")


def head_tags(home: str, query: str) -> str:
    """The head's tags for a page at `home`; the social picture is the muddle of the query.

    Nothing else of the query is in them: on a private Space it holds a token.
    """
    own = ""
    with contextlib.suppress(MuddleError):
        if PARAMETERS.keys() & parse_qs(query.removeprefix("?")).keys():
            own = Recipe.from_query(query).query()
    picture, text = escape(f"{home}card.png{own or OPENING.query()}"), escape(TAGLINE)
    return (
        f'<meta name="description" content="{text}"><meta property="og:title" content="{TITLE}">'
        f'<meta property="og:type" content="website"><meta property="og:description" content="{text}">'
        f'<meta property="og:url" content="{escape(home + own)}"><meta property="og:image" content="{picture}">'
        f'<meta property="og:image:alt" content="A question, and below it a digit, a muddle and another digit">'
        f'<meta name="twitter:card" content="summary_large_image"><meta name="twitter:image" content="{picture}">'
        '<link rel="icon" type="image/svg+xml" href="favicon.ico">'  # as gradio names it
        f"<script>{opening_script()}</script>"
        f'<link rel="stylesheet" href="{asset("theme.css")}">'
        + "".join(f'<script type="module" src="{asset(name)}"></script>' for name in FIRST_SCRIPTS)
    )


class PageHead:
    """Middleware that puts our tags into the page's HTML and packs it, which gradio does for its scripts only."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; for the page itself the answer is rewritten on its way back."""
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
            query = scope["query_string"].decode("latin-1")
            tags = head_tags(home_of(scope), f"?{query}" if query else "").encode()
            html = GRADIOS_TAGS.sub(b"", bytes(body)).replace(b"</head>", tags + b"</head>", 1)
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["vary"] = "accept-encoding"
            if "gzip" in Headers(scope=scope).get("accept-encoding", "") and start["status"] == 200:
                html = gzip.compress(html, 6, mtime=0)
                headers["content-encoding"] = "gzip"
            headers["content-length"] = str(len(html))
            await send({**start, "headers": headers.raw})
            await send({"type": "http.response.body", "body": html})

        await self.app(scope, receive, rewrite)
