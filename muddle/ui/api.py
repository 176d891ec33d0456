"""The API: three functions that programs call, and their parameters as gradio and MCP describe them."""

import functools
import inspect
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
import numpy as np

from muddle.errors import ArgumentError, MuddleError, RequestError
from muddle.export.serialize import as_json, data_uri, describe_bundle
from muddle.images.codecs import MAX_BASE64, from_base64
from muddle.images.preprocess import prepare
from muddle.parameters import Parameter
from muddle.recipe import EVEN, PARAMETERS, Recipe
from muddle.ui.http import client_of
from muddle.ui.log import log_request
from muddle.ui.networks import CACHED, Networks

EVENT = ("data", "session_hash", "fn_index", "event_data", "trigger_id")  # what gradio's clients say of a call
JOIN = re.compile(r"/gradio_api/queue/join/?")  # by which they call
CALL = re.compile(r"/gradio_api/call/(v2/)?([^/]*)/?")

Strategy = Literal["balanced", "midpoint", "farthest"]
Schemas = dict[str, dict[str, Any]]  # name -> JSON schema; without a default it is required


@dataclass(frozen=True)
class Picture:
    """Pictures in base64; a kind as in muddle.parameters."""

    span = (
        f"PNG, JPEG, WebP, GIF or BMP in base64 or as a data URI, at most {MAX_BASE64:,} characters. A grey one of "
        "28 x 28 pixels is taken as it is, white on black and centred as MNIST's are; any other is scaled and centred"
    )

    @property
    def schema(self) -> dict[str, Any]:
        """The values as JSON schema."""
        return {"type": "string", "maxLength": MAX_BASE64}


@dataclass(frozen=True)
class Flag:
    """True or false; a kind as in muddle.parameters."""

    span = allowed = "true or false"

    @property
    def schema(self) -> dict[str, Any]:
        """The values as JSON schema."""
        return {"type": "boolean"}

    def check(self, name: str, value: Any) -> bool:
        """The value. Raises ArgumentError."""
        if not isinstance(value, bool):
            raise ArgumentError(name, value, self.allowed)
        return value


PICTURE: Any = Picture()  # neither is read from links, so they are less than a Kind
ONLY_PICTURE: Any = Flag()
TABLE: Mapping[str, Parameter] = {
    **PARAMETERS,
    "image": Parameter(PICTURE, "A picture of one digit"),
    "only_picture": Parameter(ONLY_PICTURE, "Whether the answer is just the muddle, as a PNG data URI", False),
}
ANSWER = (
    "Returns JSON: digit, target, seed, strategy, steps and balance, as asked or found; t, how much of the way from "
    "source (0) to partner (1) lies before the muddle, and pick, the step that is the muddle; soft_label, the judges' "
    "ten probabilities; "
    "scores: p_digit and p_target (0 to 1), entropy (bits), likeness (percentile among real digits), grey (share of "
    "the ink); link and query, which show it again; bundle, which weights answered; probabilities, the judges' on each "
    "frame; and PNG data URIs: muddle, source, partner, frames. With only_picture: just the muddle's data URI."
)


class Api:
    """The three functions, on the networks of one bundle. Their signatures are what programs may give."""

    def __init__(self, networks: Networks):
        self._networks = networks
        self._as_json = functools.lru_cache(CACHED)(as_json)  # of muddles that are themselves remembered

    async def muddle(
        self,
        digit: int,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        source: int | None = None,
        balance: float = EVEN,
        only_picture: bool = False,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> dict[str, Any] | str:
        """Makes a digit that nobody can place between two labels, and that still looks like a digit, from a real
        handwritten one."""
        recipe = recipe_of(
            digit=digit, target=target, strategy=strategy, steps=steps, seed=seed, source=source, balance=balance
        )
        return await self._answer(recipe, only_picture, request)

    async def muddle_image(
        self,
        image: str,
        digit: int | None = None,
        target: int | None = None,
        strategy: Strategy = "balanced",
        steps: int = 11,
        seed: int = 0,
        balance: float = EVEN,
        only_picture: bool = False,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> dict[str, Any] | str:
        """Makes such a digit from a picture that is given."""
        pixels = await self._networks.in_thread(read_digit, image)
        recipe = recipe_of(
            image=pixels, digit=digit, target=target, strategy=strategy, steps=steps, seed=seed, balance=balance
        )
        return await self._answer(recipe, only_picture, request)

    async def about(self) -> dict[str, Any]:
        """Tells which weights answer here, how they were made, and how good the muddles were measured to be."""
        facts = await self._networks.facts()
        return {"bundle": describe_bundle(facts), "provenance": facts.provenance, "report": facts.report}

    async def _answer(self, recipe: Recipe, only_picture: bool, request: Any) -> dict[str, Any] | str:
        ONLY_PICTURE.check("only_picture", only_picture)
        client = client_of(request)
        if only_picture:
            return data_uri(await self._networks.picture(recipe, client))
        return self._as_json(await self._networks.muddle(recipe, client))


def read_digit(picture: Any) -> np.ndarray:
    """A picture in base64 as an image that can be a source, uint8 (28, 28). Raises ArgumentError."""
    pixels = from_base64(picture)
    return pixels if pixels.shape == (28, 28) else prepare(pixels)


def recipe_of(**arguments: Any) -> Recipe:
    """The recipe of a program's arguments. Raises ArgumentError."""
    return Recipe(**{name: PARAMETERS[name].from_json(value) for name, value in arguments.items()})


@functools.cache
def schemas() -> dict[str, Schemas]:
    """The parameters of each function, in the order of its signature, as JSON schema."""
    return {
        work.__name__: {
            name: TABLE[name].schema(required=parameter.default is inspect.Parameter.empty)
            for name, parameter in inspect.signature(work).parameters.items()
            if name in TABLE
        }
        for work in (Api.muddle, Api.muddle_image, Api.about)
    }


def descriptions() -> dict[str, str]:
    """The description of each function, for people and agents that choose one."""
    return {
        work.__name__: inspect.getdoc(work).replace("\n", " ") for work in (Api.muddle, Api.muddle_image, Api.about)
    }


def as_gradio_error(work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Wrap a function: expected errors are raised as gradio's, with their code as title, and every call is logged."""

    @functools.wraps(work)  # keeps the signature, by which gradio knows who wants the request
    async def run(*args: Any, **kwargs: Any) -> Any:
        began, outcome = time.monotonic(), "ok"
        try:
            return await work(*args, **kwargs)
        except MuddleError as error:
            outcome = error.code
            raise gr.Error(str(error), title=error.code, print_exception=False) from error
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            log_request(work.__name__, time.monotonic() - began, outcome)

    return run


def add_endpoints(page: gr.Blocks, api: Api) -> None:
    """Add /muddle, /muddle_image and /about to the page that is being built."""
    stroke = np.zeros((28, 28), np.uint8)
    stroke[5:23, 13:15] = 255  # a 1, more or less
    examples = {"digit": 4, "target": 9, "seed": 27, "image": data_uri(stroke)}
    for name, own in schemas().items():
        work = as_gradio_error(getattr(api, name))
        description = f"{descriptions()[name]} {ANSWER}" if own else descriptions()[name]
        event = gr.api(work, api_name=name, api_description=description, concurrency_limit=None)
        for key, (parameter, schema) in zip(event["inputs"], own.items(), strict=True):
            box = page.blocks[key]  # gr.api takes types from hints, but neither ranges, nor words, nor examples
            info = {**schema, "additional_description": schema["description"]}
            box.api_info = functools.partial(dict, info)
            box.example_payload = functools.partial(examples.get, parameter, schema.get("default"))


def check_call(match: re.Match[str], sent: Any) -> dict[str, Any]:
    """The JSON of a call as gradio expects it. Raises RequestError where gradio would not understand it."""
    named, name = bool(match[1]), match[2]
    if name not in (known := schemas()):
        endpoints = ", ".join(f"/{name}" for name in known)
        raise RequestError("unknown-endpoint", f"There is no endpoint {name[:40]!r}; there are {endpoints}.", 404)
    own = known[name]
    if not isinstance(sent, dict):
        raise RequestError("bad-body", "The request's body must be a JSON object.")
    if named:
        check_names(sent, own)
        return {key: scalar(value) for key, value in sent.items()}
    data = sent.get("data")
    if not isinstance(data, list):
        raise RequestError("bad-data", 'The request\'s body must be {"data": [...]}, the values in order.')
    if len(data) > len(own):
        raise RequestError("unknown-parameter", f"There are {len(data)} values, and {len(own)} parameters.")
    check_names(dict(zip(own, data, strict=False)), own)
    rest = [schema.get("default") for schema in list(own.values())[len(data) :]]
    return {"data": [*map(scalar, data), *rest]}


def join_check(page: gr.Blocks) -> Callable[[re.Match[str], Any], dict[str, Any]]:
    """The check of a call as gradio's own clients make it: by the number of a function. Raises RequestError."""
    known = {number: len(event.inputs) for number, event in page.fns.items() if event.fn}

    def check(_: re.Match[str], sent: Any) -> dict[str, Any]:
        number = sent.get("fn_index") if isinstance(sent, dict) else None
        if type(number) is not int or number not in known:
            raise RequestError("unknown-event", "The request must name a function of the API.")
        data, event_data = sent.get("data"), sent.get("event_data") or {}
        if not isinstance(data, list) or len(data) != known[number] or not isinstance(event_data, dict):
            raise RequestError("bad-data", f"The function takes {known[number]} values as data.")
        passed = {key: sent[key] for key in EVENT if key in sent}
        return {**passed, "data": [scalar(value) for value in data], "event_data": event_data}

    return check


def check_names(names: Mapping[str, Any], known: Schemas) -> None:
    """RequestError unless every name is known and those without a default are there."""
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    for name in names:
        if name not in known:
            raise RequestError("unknown-parameter", f"There is no parameter {str(name)[:40]!r}: {takes}.")
    for name, schema in known.items():
        if "default" not in schema and name not in names:
            raise RequestError("missing-parameter", f"The parameter {name!r} is missing. {schema['description']}")


def scalar(value: Any) -> Any:
    """A value as it is; a list or an object, which nothing here takes and gradio may take for a file, as mere text."""
    return "[...]" if isinstance(value, list) else "{...}" if isinstance(value, dict) else value
