"""Plain addresses for what people keep, such as GET /muddle.png: pure functions of a recipe's query."""

import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muddle.errors import MuddleError
from muddle.recipe import Recipe
from muddle.ui import answers
from muddle.ui.component import WEB
from muddle.ui.sentences import in_a_sentence
from muddle.ui.service import Service
from muddle.ui.visitor import visitor_of
from muddle.export.files import write

KINDS = {  # which file of a muddle each address gives, and whether that is long work
    "/muddle.png": ("png", "image/png", False),
    "/muddle.gif": ("gif", "image/gif", True),
    "/muddle.webp": ("webp", "image/webp", True),
    "/strip.png": ("strip", "image/png", False),
    "/muddle.json": ("json", "application/json", False),
    "/card.png": ("card", "image/png", False),
}


def routes(service: Service) -> list[Route]:
    """The routes, each answering a recipe's query; what is wrong with it is status 400, a sentence and a code."""

    async def muddle(request: Request) -> Response:
        kind, media_type, long = KINDS[request.url.path.removeprefix(request.scope.get("root_path", ""))]
        version = (await service.facts())["version"]
        tag = f'"{version}-{hashlib.sha1(str(request.url).encode()).hexdigest()[:16]}"'
        forever = request.query_params.get("v") == version  # else another bundle may answer it one day
        age = "31536000, immutable" if forever else "3600"
        headers = {"ETag": tag, "Cache-Control": f"public, max-age={age}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        recipe = Recipe.from_query(request.url.query)
        data = await service.muddle(recipe, write, kind, visitor=visitor_of(request), long=long)
        return Response(data, media_type=media_type, headers=headers)

    async def exemplars(request: Request) -> Response:
        data = await service.do(answers.exemplar_sheet, visitor=visitor_of(request), keep=True)
        return Response(data, media_type="image/png", headers={"Cache-Control": "max-age=3600"})

    async def ground(request: Request) -> Response:
        data = await service.do(answers.map_points, visitor=visitor_of(request), keep=True)
        return JSONResponse(data, headers={"Cache-Control": "max-age=3600"})

    async def health(_: Request) -> Response:
        status = service.status
        told = {"status": status}
        if status == "ready":
            facts = await service.facts()
            told |= {"version": facts["version"], "fingerprint": facts["fingerprint"]}
        return JSONResponse(told, 200 if status == "ready" else 503, {"Cache-Control": "no-store"})

    async def icon(_: Request) -> Response:
        return Response((WEB / "favicon.svg").read_bytes(), media_type="image/svg+xml")

    return [
        *(Route(path, in_sentences(muddle)) for path in KINDS),
        Route("/exemplars.png", in_sentences(exemplars)),
        Route("/map.json", in_sentences(ground)),
        Route("/favicon.svg", icon),
        Route("/healthz", health),
    ]


def in_sentences(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint with its expected errors as a text, a code, and when to try again if that is the matter."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except MuddleError as error:
            return in_a_sentence(error)

    return answer
