"""The API as tools for agents: MCP, one JSON answer to each POST, with nothing kept in between.

Of our own, since only tools are offered: the official SDK would be a dependency with two incompatible majors, 1.30 as
gradio's extra pins it and 2.x as clients have it, and would have to be imported at every start.
Source: modelcontextprotocol.io, "Streamable HTTP" and "Tools" of 2025-11-25.
"""

import base64
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from muddle.errors import MuddleError, RequestError
from muddle.export.serialize import summary
from muddle.images.codecs import png
from muddle.ui.api import Api, check_names, descriptions, read_digit, recipe_of, schemas
from muddle.ui.http import client_of, parse_json
from muddle.ui.networks import Networks
from muddle.ui.page import TITLE
from muddle.ui.routes import home_of

PATHS = ("/mcp", "/gradio_api/mcp", "/gradio_api/mcp/")  # the latter two: gradio's, where the Hub's MCP server calls
SCHEMA = "/gradio_api/mcp/schema"  # and where it asks which tools there are
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # of the protocol, the newest first
SCALE = 10  # of the picture: agents see little in 28 x 28 pixels
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602  # JSON-RPC 2.0
UNSUPPORTED_VERSION = -32022
ANSWER = (
    f"Returns the muddle as a PNG, {28 * SCALE} pixels wide, and JSON: its arguments as asked or found; t, how much of "
    "the way from source (0) to partner (1) lies before it; soft_label, the judges' ten probabilities; scores: p_digit "
    "and p_target (0 to 1), entropy (bits), likeness (percentile among real digits), grey (share of the ink); verdict, "
    "a sentence; link, which shows it again; bundle, which weights answered."
)
ABOUT_ANSWER = "Returns JSON: bundle, provenance, and the report's main figures."
KEPT = ("data", "autoencoder", "judges", "strategies", "all_pairs")  # of the report: what an agent can read in one go


class RpcError(Exception):
    """An error of JSON-RPC: its code, and data beside the message."""

    def __init__(self, code: int, text: str, **data: Any):
        super().__init__(text)
        self.content = {"code": code, "message": text, **({"data": data} if data else {})}


def mcp_routes(networks: Networks) -> list[Route]:
    """The routes. A tool's expected error is a result that names its code and says what is wrong."""
    tools = Tools(networks)

    async def answer(request: Request) -> Response:
        number = None
        try:
            message = parse_json(await request.body())
            method, params, number = _parsed(message)
            version = request.headers.get("mcp-protocol-version", VERSIONS[0])
            if version not in VERSIONS:
                supported, text = list(VERSIONS), "This version of MCP is not spoken here."
                raise RpcError(UNSUPPORTED_VERSION, text, supported=supported, requested=version[:40])
            if "id" not in message:
                return Response(status_code=202)
            return _reply(number, result=await tools.handle(method, params, request))
        except RequestError as error:
            content = {"code": PARSE_ERROR, "message": str(error), "data": {"code": error.code}}
            return _reply(number, error.status, error=content)
        except RpcError as error:
            known = error.content["code"] in (METHOD_NOT_FOUND, INVALID_PARAMS)
            return _reply(number, 200 if known else 400, error=error.content)

    async def schema(_: Request) -> Response:
        return JSONResponse(list_tools())

    return [*(Route(path, answer, methods=["POST"]) for path in PATHS), Route(SCHEMA, schema)]


class Tools:
    """The methods of MCP that concern tools."""

    def __init__(self, networks: Networks):
        self._networks, self._api = networks, Api(networks)

    async def handle(self, method: str, params: dict[str, Any], request: Request) -> dict[str, Any]:
        """The result of a request. Raises RpcError."""
        match method:
            case "initialize":
                version = params.get("protocolVersion")
                return {
                    "protocolVersion": version if version in VERSIONS else VERSIONS[0],
                    "capabilities": {"tools": {}},
                    "serverInfo": {
                        "name": "mnist-muddle", "title": TITLE, "version": (await self._networks.facts()).version
                    },
                }  # fmt: skip
            case "ping":
                return {}
            case "tools/list":
                return {"tools": list_tools()}
            case "tools/call":
                name, arguments = params.get("name"), params.get("arguments", {})
                if not isinstance(name, str) or name not in schemas() or not isinstance(arguments, dict):
                    text = f"Name one of the tools {', '.join(schemas())}, and its arguments as an object."
                    raise RpcError(INVALID_PARAMS, text)
                try:
                    return {"content": await self.call(name, arguments, request), "isError": False}
                except MuddleError as error:
                    return {"content": [{"type": "text", "text": f"{error.code}: {error}"}], "isError": True}
        raise RpcError(METHOD_NOT_FOUND, "There is no such method: only tools are offered here.")

    async def call(self, name: str, arguments: dict[str, Any], request: Request) -> list[dict[str, Any]]:
        """The content of a tool's result. Raises MuddleError."""
        check_names(arguments, _parameters(name))
        if name == "about":
            about = await self._api.about()
            return [_text({**about, "report": {key: about["report"][key] for key in KEPT if key in about["report"]}})]
        if "image" in arguments:
            arguments = {**arguments, "image": await self._networks.in_thread(read_digit, arguments["image"])}
        muddle = await self._networks.muddle(recipe_of(**arguments), client_of(request))
        picture = base64.b64encode(png(muddle.image, scale=SCALE)).decode()
        details = _text(summary(muddle, home_of(request.scope)))
        return [{"type": "image", "data": picture, "mimeType": "image/png"}, details]


def list_tools() -> list[dict[str, Any]]:
    """The tools: their descriptions, and their arguments as JSON schema."""
    return [
        {
            "name": name,
            "description": _docstring(f"{text} {ABOUT_ANSWER if name == 'about' else ANSWER}", _parameters(name)),
            "inputSchema": {
                "type": "object",
                "properties": _parameters(name),
                "required": [key for key, schema in _parameters(name).items() if "default" not in schema],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
        }
        for name, text in descriptions().items()
    ]


def _parameters(name: str) -> dict[str, dict[str, Any]]:
    """Those of the API but for the one that an answer in two parts does not need."""
    return {key: schema for key, schema in schemas()[name].items() if key != "only_picture"}


def _parsed(message: Any) -> tuple[str, dict[str, Any], int | str | None]:
    """Method, parameters and id of a request or a notification. Raises RpcError."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        raise RpcError(INVALID_REQUEST, "Send one JSON-RPC 2.0 request or notification.")
    number, params = message.get("id"), message.get("params", {})
    if "id" in message and (isinstance(number, bool) or not isinstance(number, int | str)):
        raise RpcError(INVALID_REQUEST, "The id of a request must be a whole number or a text.")
    if not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "The params of a request must be an object.")
    return message["method"], params, number


def _reply(number: int | str | None, status: int = 200, **content: Any) -> Response:
    return Response(json.dumps({"jsonrpc": "2.0", "id": number, **content}), status, media_type="application/json")


def _text(content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": json.dumps(content)}


def _docstring(text: str, parameters: dict[str, dict[str, Any]]) -> str:
    """A tool's description with its arguments, for clients that show nothing else."""
    if not parameters:
        return text
    return "\n".join([text, "", "Args:", *(f"    {name}: {s['description']}" for name, s in parameters.items())])
