"""Plain addresses for what people keep, such as GET /muddle.png: pure functions of a recipe's query."""

import hashlib
import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from muddle import render
from muddle.errors import MuddleError
from muddle.pipeline import Muddle, Muddler
from muddle.present import as_json
from muddle.recipe import Recipe
from muddle.ui.component import WEB
from muddle.ui.workers import Workers

SHEET_COLUMNS = 50  # of the exemplars' sheet, as web/map.js cuts it


def routes(muddler: Muddler, workers: Workers) -> list[Route]:
    """The routes, each answering a recipe's query; what is wrong with it is status 400, a sentence and a code."""

    def give(media_type: str, write: Callable[[Muddle], bytes]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            tag = f'"{muddler.version}-{hashlib.sha1(str(request.url).encode()).hexdigest()[:16]}"'
            forever = request.query_params.get("v") == muddler.version  # else another bundle may answer it one day
            age = "31536000, immutable" if forever else "3600"
            headers = {"ETag": tag, "Cache-Control": f"public, max-age={age}"}
            if tag in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            try:
                data = await workers.run(lambda: write(Recipe.from_query(request.url.query).make(muddler)))
            except MuddleError as error:
                return PlainTextResponse(str(error), 400, {"X-Error-Code": error.code})
            return Response(data, media_type=media_type, headers=headers)

        return answer

    async def exemplars(_: Request) -> Response:
        sheet = render.tiled(muddler.bundle.exemplars.images.numpy(), SHEET_COLUMNS, gap=0)
        data = await workers.run(render.png, sheet)
        return Response(data, media_type="image/png", headers={"Cache-Control": "max-age=3600"})

    def health(_: Request) -> Response:
        told = {"status": "ready", "version": muddler.version, "fingerprint": muddler.bundle.fingerprint}
        return JSONResponse(told, headers={"Cache-Control": "no-store"})

    def closed(_: Request) -> Response:
        return PlainTextResponse("Nothing is stored here.", 404)

    def icon(_: Request) -> Response:
        return Response((WEB / "favicon.svg").read_bytes(), media_type="image/svg+xml")

    return [
        Route("/muddle.png", give("image/png", lambda m: render.png(m.image, scale=10))),
        Route("/muddle.gif", give("image/gif", lambda m: render.gif(m.frames, scale=10))),
        Route("/muddle.webp", give("image/webp", lambda m: render.webp(m.frames, scale=10))),
        Route("/strip.png", give("image/png", lambda m: render.strip(m.frames, scale=4))),
        Route("/muddle.json", give("application/json", lambda m: json.dumps(as_json(m, muddler)).encode())),
        Route("/card.png", give("image/png", lambda m: render.card(m.source, m.image, m.partner))),
        Route("/exemplars.png", exemplars),
        Route("/favicon.svg", icon),
        Route("/healthz", health),
        # gradio's doors to the disk, which this page does not use
        Route("/gradio_api/deep_link", closed),
        Route("/gradio_api/upload", closed, methods=["POST"]),
    ]
