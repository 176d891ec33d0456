"""The page's callbacks: from the values of its controls to a recipe, and from the muddle back to what is shown."""

import asyncio
import base64
import dataclasses
import functools
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np

from muddle.errors import ArgumentError, MuddleError
from muddle.export.serialize import for_page, to_base64
from muddle.images.codecs import from_base64
from muddle.images.preprocess import prepare
from muddle.parameters import AUTO
from muddle.recipe import PARAMETERS, VERSION, Recipe
from muddle.result import MORPH_STEPS
from muddle.ui.about import bundle_line
from muddle.ui.http import client_of
from muddle.ui.log import log_request
from muddle.ui.networks import CACHED, Networks

Work = Callable[..., Awaitable[Any]]
TABS = ("muddle", "draw", "pairs", "guess", "about")  # their names in the address, the first of which it leaves out
MARK = "mine"  # the key of a friend's mark in a link
HARDEST = (  # digit, target and seed of muddles that tip to the eye too: chosen by it among 300, of ALGORITHM 3
    (2, 8, 1115), (3, 5, 1031), (4, 9, 1134), (7, 1, 1064), (3, 2, 1119), (5, 6, 1140),
    (3, 8, 1124), (7, 9, 1071), (0, 6, 1095), (2, 7, 1024), (8, 5, 1167), (3, 7, 1213),
)  # fmt: skip
TABLE_SEED = 7  # of the table of all pairs that is there at once
RESULT = "result"  # the component that shows a muddle, in answers beside the names of parameters


def as_gradio_error(work: Work, *, coded: bool = False) -> Work:
    """Wrap a callback: expected errors are raised as gradio's, which shows their sentence, and every call is logged.

    coded: the title of an error is its code, for programs.
    """

    @functools.wraps(work)  # keeps the signature, by which gradio knows who wants the event or the request
    async def run(*args: Any, **kwargs: Any) -> Any:
        began, outcome = time.monotonic(), "ok"
        try:
            return await work(*args, **kwargs)
        except MuddleError as error:
            outcome = error.code
            raise gr.Error(str(error), title=error.code if coded else "Error", print_exception=False) from error
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            log_request(work.__name__, time.monotonic() - began, outcome)

    return run


def recipe_of(controls: Mapping[str, Any]) -> Recipe:
    """The recipe of the controls' values: texts of radios, numbers, a drawing. Raises MuddleError."""
    values: dict[str, Any] = {}
    for name, value in controls.items():
        parameter = PARAMETERS[name]
        if name == "image":
            values[name] = _pixels(value)
        elif isinstance(value, str):
            values[name] = parameter.parse(name, value)
        else:
            values[name] = parameter.from_json(value)
    return Recipe(**values)


def controls_of(recipe: Recipe) -> dict[str, Any]:
    """The controls' values for a recipe; those of radios are texts."""
    labels = {name: PARAMETERS[name].format(getattr(recipe, name)) for name in ("digit", "target")}
    return {**vars(recipe), **labels}


def new_seed() -> int:
    """A random seed, short enough to be read out."""
    return random.randrange(1_000_000)


class Callbacks:
    """The page's callbacks on the networks of one bundle. They hold nothing of a visitor, so visitors share nothing.

    Each takes its controls by the names of their parameters. Its answer sets them all, so that they agree with the
    result that is shown, whatever was clicked meanwhile.
    """

    def __init__(self, networks: Networks, opening: Recipe):
        self._networks, self._opening = networks, opening
        self._pages: dict[str, dict[str, Any]] = {}  # what is shown of a muddle, by its query; the oldest goes first
        self._table: dict[int, dict[str, Any]] = {}  # rows of TABLE_SEED, by digit
        self._hardest: list[dict[str, Any]] = []

    @as_gradio_error
    async def show(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """The muddle of the controls, for a Muddle button or another target."""
        return {**controls, RESULT: await self._result(recipe_of(controls), request)}

    async def another_digit(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """The muddle of another digit: without the old one's source, and without a target that it would equal."""
        return await self.show(request, **{**_with_possible_target(controls), "source": None})

    async def again(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """The muddle of another seed, which draws another source."""
        seed = new_seed()
        while seed == controls["seed"]:
            seed = new_seed()
        return await self.show(request, **{**controls, "source": None, "seed": seed})

    @as_gradio_error
    async def by_click(self, event: gr.EventData, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """The muddle of an exemplar of the map, a cell of the table, a riddle, or a step back in the browser's history.

        It is shown in the tab that the event names, else in the first.
        """
        fields = getattr(event, "recipe", None)  # as the scripts of the components send it
        clicked = {name: str(fields[name]) for name in PARAMETERS if name in fields} if isinstance(fields, dict) else {}
        tab = tab_of(getattr(event, "tab", None))
        if tab:  # the address of a step of the history, which names all that is not usual
            recipe, _ = Recipe.from_fields(clicked)
        else:
            tab = TABS[0]
            recipe = recipe_of({**_with_possible_target({**controls, **clicked}), "source": clicked.get("source")})
        result = await self._result(recipe, request)
        return {"tabs": gr.Tabs(selected=tab), **controls_of(recipe), RESULT: {**result, "tab": tab}}

    @as_gradio_error
    async def by_drawing(self, event: gr.EventData, request: gr.Request, **settings: Any) -> dict[str, Any]:
        """The muddle of a drawing, with its digit and its target as the pad sends them."""
        drawing = getattr(event, "drawing", None)
        sent = {name: drawing.get(name) if isinstance(drawing, dict) else None for name in ("image", "digit", "target")}
        return {RESULT: await self._result(recipe_of({**settings, **sent}), request)}

    @as_gradio_error
    async def by_link(self, request: gr.Request) -> dict[str, Any]:
        """The muddle of the address with which the page opens, in its tab, with all controls."""
        facts = await self._networks.facts()
        recipe, notes = understood(dict(request.query_params), facts.version, self._opening)
        try:
            result = await self._result(recipe, request, notes)
        except MuddleError as error:
            if error.code != "bad-source":  # an exemplar that is another digit in this bundle
                raise
            recipe = dataclasses.replace(recipe, source=None)
            result = await self._result(recipe, request, [*notes, unread(error)])
        controls = controls_of(dataclasses.replace(recipe, digit=result["digit"]))
        tab = tab_of(request.query_params.get("tab"))
        if recipe.image is not None:
            tab = tab or "draw"
            controls["drawing"] = to_base64(recipe.image)
        tab, friend = tab or TABS[0], mark_of(request.query_params.get(MARK))
        answer = {"tabs": gr.Tabs(selected=tab), **controls, RESULT: {**result, "tab": tab, "friend": friend}}
        if facts.origin.name != "embedded" or facts.origin.note:  # the one that ships needs no word
            answer["bundle"] = gr.Markdown(bundle_line(facts), visible=True)
        return answer

    async def _result(self, recipe: Recipe, request: Any, notes: Sequence[str] = ()) -> dict[str, Any]:
        """What the page shows of the muddle of a recipe, remembered like the muddle itself."""
        muddle = await self._networks.muddle(recipe, client_of(request))
        if muddle.query not in self._pages:
            codes = np.stack([muddle.codes[0], muddle.code, muddle.codes[-1]])
            morph = await self._networks.morph(codes, client_of(request))
            self._pages[muddle.query] = for_page(muddle, morph)
            while len(self._pages) > CACHED:
                del self._pages[next(iter(self._pages))]
        return {**self._pages[muddle.query], "note": " ".join(notes)}

    async def pair(self, wanted: Any, request: Any) -> dict[str, Any]:
        """The muddle of two digits and a seed, ahead of its being shown. Raises ArgumentError."""
        if not isinstance(wanted, dict):
            raise ArgumentError("pair", wanted, "an object")
        recipe, errors = Recipe.from_fields({k: str(wanted[k]) for k in PARAMETERS if k in wanted and k != "image"})
        if errors:
            raise errors[0]
        return await self._result(recipe, request)

    async def look(self, picture: Any, request: Any) -> dict[str, Any]:
        """A picture in base64 as the network sees it, and how sure the judges are of what they read in it.

        order: all digits, first that one, then the most similar. Raises ArgumentError.
        """
        image = await self._networks.in_thread(_prepared, picture)
        client = client_of(request)
        probabilities = await self._networks.judge(image, client)
        digit = int(probabilities.argmax())
        others = [d for d in (await self._networks.nearest_digits(image, client)).tolist() if d != digit]
        return {"pixels": to_base64(image), "order": [digit, *others], "share": float(probabilities[digit])}

    async def example(self, _: Any, __: Any) -> dict[str, Any]:
        """A real digit, for those who cannot draw."""
        facts = await self._networks.facts()
        return {"pixels": to_base64(facts.exemplars[random.randrange(len(facts.labels))])}

    async def row(self, wanted: Any, request: Any) -> dict[str, Any]:
        """A row of the table of all pairs, for a digit and a seed: source and nine muddles. Raises ArgumentError."""
        if not isinstance(wanted, dict):
            raise ArgumentError("row", wanted, "a digit and a seed")
        digit, seed = (PARAMETERS[name].parse(name, str(wanted.get(name))) for name in ("digit", "seed"))
        return await self._row(digit, seed, client_of(request))

    async def table(self, _: Any, request: Any) -> dict[str, Any]:
        """The whole table of TABLE_SEED, which is made once."""
        rows = [self._table_row(digit, client_of(request)) for digit in range(10)]
        return {"seed": TABLE_SEED, "rows": await asyncio.gather(*rows)}

    async def _table_row(self, digit: int, client: str) -> dict[str, Any]:
        if digit not in self._table:
            self._table[digit] = await self._row(digit, TABLE_SEED, client)
        return self._table[digit]

    async def _row(self, digit: int, seed: int, client: str) -> dict[str, Any]:
        recipes = [Recipe(digit=digit, target=target, seed=seed, steps=2) for target in range(10) if target != digit]
        muddles = await self._networks.muddles(recipes, client)
        return {
            "source": to_base64(muddles[0].source),
            "cells": [
                {
                    "target": m.target,
                    "pixels": to_base64(m.image),
                    "p_digit": round(m.scores.p_digit, 4),
                    "p_target": round(m.scores.p_target, 4),
                }
                for m in muddles
            ],
        }

    async def hardest(self, _: Any, request: Any) -> dict[str, Any]:
        """The muddles of HARDEST, which are made once."""
        if not self._hardest:
            recipes = [Recipe(digit=digit, target=target, seed=seed, steps=2) for digit, target, seed in HARDEST]
            muddles = await self._networks.muddles(recipes, client_of(request))
            self._hardest = [
                {"digit": m.digit, "target": m.target, "seed": m.seed, "pixels": to_base64(m.image)} for m in muddles
            ]
        return {"muddles": self._hardest}

    async def riddle(self, wanted: Any, request: Any) -> dict[str, Any]:
        """A digit to guess, with how many judges take it for each digit, from 0 to 9.

        A muddle of two digits, each pair as likely, or if `real` is wanted a real image, which has neither target nor
        seed. Raises ArgumentError.
        """
        if not isinstance(wanted, dict):
            raise ArgumentError("riddle", wanted, "an object")
        if wanted.get("real") is True:
            facts = await self._networks.facts()
            i = random.randrange(len(facts.labels))
            image, digit, target, seed = facts.exemplars[i], int(facts.labels[i]), None, None
            opinions = await self._networks.judge_each(image, client_of(request))
        else:
            (digit, target), seed = random.sample(range(10), 2), new_seed()
            recipe = Recipe(digit=digit, target=target, seed=seed, steps=2)
            m = await self._networks.muddle(recipe, client_of(request))
            image, opinions = m.image, m.judge_soft_labels
        votes = np.bincount(opinions.argmax(1), minlength=10).tolist()
        return {"pixels": to_base64(image), "digit": digit, "target": target, "seed": seed, "votes": votes}


def mark_of(text: str | None) -> int | None:
    """A step of a morph from a link, at which a friend took the digit for the other one, or one more: never."""
    return int(text) if text and re.fullmatch("[0-9]{1,2}", text) and int(text) <= MORPH_STEPS else None


def tab_of(name: Any) -> str | None:
    """A tab by its name, if there is one."""
    return name if name in TABS else None


def understood(fields: Mapping[str, str], version: str, opening: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe of a link's fields and notes on what is wrong with them; without a parameter, `opening`."""
    recipe, errors = Recipe.from_fields(fields) if PARAMETERS.keys() & fields.keys() else (opening, [])
    notes = [unread(*errors)] if errors else []
    made_with = fields.get(VERSION, version)
    if made_with != version:
        notes.append(
            f"This link was made with another version ({made_with[:20]}; this is {version}), "
            "so the picture may differ from the one that was shared."
        )
    return recipe, notes


def unread(*errors: MuddleError) -> str:
    """A note on the parts of a link that take their usual values."""
    reasons = " ".join(str(error) for error in errors)
    return f"Part of this link cannot be used, so the usual value is shown instead: {reasons}"


def _with_possible_target(controls: Mapping[str, Any]) -> dict[str, Any]:
    """The controls with the target left open if it equals the digit."""
    return {**controls, "target": AUTO if controls["target"] == controls["digit"] else controls["target"]}


def _pixels(drawing: Any) -> np.ndarray:
    """The drawing pad's value as uint8 (28, 28). Raises MuddleError."""
    if not drawing:
        raise MuddleError("Write a digit or use a photo first.")
    try:
        return np.frombuffer(base64.b64decode(drawing, validate=True), np.uint8).reshape(28, 28)
    except (ValueError, TypeError) as error:
        raise ArgumentError("image", str(drawing)[:20], "28 x 28 grey levels in base64") from error


def _prepared(picture: Any) -> np.ndarray:
    return prepare(from_base64(picture))
