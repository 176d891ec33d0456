"""The same functions as tools for agents: MCP at /mcp, one JSON answer to each POST, with nothing kept in between.

Of our own, since it is small: the `mcp` package that gradio's extra wants and the one that clients use today are of
different major versions, gradio's server writes pictures to the disk, and a start would wait for either.
Source: modelcontextprotocol.io, "Streamable HTTP" and "Tools" of 2025-11-25.
"""

import base64
import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from muddle import render
from muddle.errors import MuddleError, RequestError
from muddle.export.serialize import summary
from muddle.ui import endpoints
from muddle.ui.api import MANY_STEPS
from muddle.ui.bodies import Bodies, parse
from muddle.ui.head import TITLE, address
from muddle.ui.service import Service
from muddle.ui.visitor import visitor_of

if TYPE_CHECKING:
    from muddle.muddler import Muddle, Muddler

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # of the protocol, the newest first
SCALE = 10  # of the picture: agents see little in 28 x 28 pixels
PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS, NO_SUCH_VERSION = -32700, -32600, -32601, -32602, -32022
ANSWER = {
    "about": "Returns JSON: bundle, provenance, and the report's main figures.",
    None: f"Returns the muddle as a PNG, {28 * SCALE} pixels wide, and JSON: its arguments as asked or found; t, its "
    "place between source (0) and partner (1); soft_label, the judges' ten probabilities; scores: p_digit and p_target "
    "(0 to 1), entropy (bits), likeness (percentile among real digits), grey (share of the ink); verdict, a sentence; "
    "link, which shows it again; bundle, which weights answered.",
}
KEPT = ("data", "autoencoder", "judges", "strategies", "all_pairs")  # of the report: what an agent can read in one go


class Refused(Exception):
    """What JSON-RPC calls an error: its number, and data beside the message."""

    def __init__(self, number: int, text: str, **data: Any):
        super().__init__(text)
        self.error = {"code": number, "message": text, **({"data": data} if data else {})}


def mcp_route(service: Service, bodies: Bodies) -> Route:
    """The route. A tool's expected error is a result that says so in a sentence, its code before it."""

    async def answer(request: Request) -> Response:
        number = None
        try:
            message = parse(await bodies.read(request.receive))
            method, params, number = _understood(message)
            wanted = request.headers.get("mcp-protocol-version", VERSIONS[0])
            if wanted not in VERSIONS:
                supported, text = list(VERSIONS), "This version of MCP is not spoken here."
                raise Refused(NO_SUCH_VERSION, text, supported=supported, requested=wanted[:40])
            if "id" not in message:
                return Response(status_code=202)
            result = await _do(service, method, params, request)
        except RequestError as error:
            return _failed(
                number, {"code": PARSE_ERROR, "message": str(error), "data": {"code": error.code}}, error.status
            )
        except Refused as refused:
            known = refused.error["code"] in (NO_SUCH_METHOD, INVALID_PARAMS)
            return _failed(number, refused.error, 200 if known else 400)
        return _json({"id": number, "result": result})

    return Route("/mcp", answer, methods=["POST"])


def tools() -> list[dict[str, Any]]:
    """The tools: their descriptions, and their arguments as JSON schema."""
    words = endpoints.descriptions()
    return [
        {
            "name": name,
            "description": _docstring(f"{words[name]} {ANSWER.get(name, ANSWER[None])}", parameters),
            "inputSchema": {
                "type": "object",
                "properties": parameters,
                "required": [key for key, schema in parameters.items() if "default" not in schema],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
        }
        for name, parameters in endpoints.parameters().items()
    ]


async def call(
    service: Service, name: str, arguments: dict[str, Any], home: str, visitor: str = ""
) -> list[dict[str, Any]]:
    """What a tool answers: the content of its result. `home` is the page's address. Raises MuddleError."""
    endpoints.check_names(arguments, endpoints.parameters()[name])
    if name == "about":
        told = await endpoints.about(service)
        return [_text({**told, "report": {key: told["report"][key] for key in KEPT if key in told["report"]}})]
    if name == "muddle":
        recipe = endpoints.recipe(**arguments)
    else:
        pixels = await endpoints.picture_of(service, arguments.pop("image"), visitor)
        recipe = endpoints.recipe_from(pixels, **arguments)
    return await service.muddle(recipe, content, home, visitor=visitor, long=recipe.steps > MANY_STEPS)


def content(m: "Muddle", muddler: "Muddler", home: str) -> list[dict[str, Any]]:
    """A muddle as a tool's answer: the picture, and JSON about it."""
    picture = base64.b64encode(render.png(m.image, scale=SCALE)).decode()
    return [{"type": "image", "data": picture, "mimeType": "image/png"}, _text(summary(m, muddler, home))]


async def _do(service: Service, method: str, params: dict[str, Any], request: Request) -> dict[str, Any]:
    """The result of a request. Raises Refused."""
    if method == "initialize":
        wanted = params.get("protocolVersion")
        version = (await service.facts())["version"]
        return {
            "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "mnist-muddle", "title": TITLE, "version": version},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": tools()}
    if method != "tools/call":
        raise Refused(NO_SUCH_METHOD, "There is no such method: only tools are offered here.")
    name, arguments = params.get("name"), params.get("arguments", {})
    if name not in list(endpoints.parameters()) or not isinstance(arguments, dict):
        known = ", ".join(endpoints.parameters())
        raise Refused(INVALID_PARAMS, f"Name one of the tools {known}, and its arguments as an object.")
    try:
        home = address(request.scope)[0]
        return {"content": await call(service, name, arguments, home, visitor_of(request)), "isError": False}
    except MuddleError as error:
        return {"content": [{"type": "text", "text": f"{error.code}: {error}"}], "isError": True}


def _understood(message: Any) -> tuple[str, dict[str, Any], int | str | None]:
    """Method, parameters and id of a request or a notification. Raises Refused."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise Refused(INVALID_REQUEST, "Send one JSON-RPC 2.0 request or notification.")
    number, params = message.get("id"), message.get("params", {})
    if "id" in message and (isinstance(number, bool) or not isinstance(number, int | str)):
        raise Refused(INVALID_REQUEST, "The id of a request must be a whole number or a text.")
    if not isinstance(params, dict):
        raise Refused(INVALID_REQUEST, "The params of a request must be an object.")
    return message["method"], params, number


def _failed(number: int | str | None, error: dict[str, Any], status: int) -> Response:
    return _json({"id": number, "error": error}, status)


def _json(content: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps({"jsonrpc": "2.0", **content}), status, media_type="application/json")


def _text(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": json.dumps(content)}


def _docstring(text: str, parameters: endpoints.Parameters) -> str:
    """A tool's description with its arguments, for clients that show nothing else."""
    if not parameters:
        return text
    return "\n".join([text, "", "Args:", *(f"    {name}: {s['description']}" for name, s in parameters.items())])
