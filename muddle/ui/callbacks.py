"""The page's callbacks: from the values of its controls to a recipe, and from the muddle back to what is shown."""

import base64
import dataclasses
import functools
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import gradio as gr
import numpy as np

from muddle.errors import ArgumentError, MuddleError
from muddle.export.serialize import for_page, to_base64
from muddle.images.codecs import from_base64
from muddle.images.preprocess import prepare
from muddle.parameters import AUTO, Integer
from muddle.recipe import PARAMETERS, VERSION, Recipe
from muddle.ui.about import bundle_line
from muddle.ui.http import client_of
from muddle.ui.log import log_request
from muddle.ui.networks import Networks

Work = Callable[..., Awaitable[Any]]
RESULT = "result"  # the name of the component that shows a muddle, beside the names of parameters


def as_gradio_error(work: Work, *, coded: bool = False) -> Work:
    """The function with its expected errors raised as gradio's, which are shown as their text; every call is logged.

    coded: the title is the error's code, for programs.
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
            values[name] = _drawing(value)
        elif isinstance(value, str):
            values[name] = parameter.parse(name, value)
        else:
            whole = isinstance(parameter.kind, Integer) and isinstance(value, float) and value.is_integer()
            values[name] = int(value) if whole else value
    return Recipe(**values)


def controls_of(recipe: Recipe) -> dict[str, Any]:
    """The values by which the controls say a recipe: the labels are texts of radios."""
    labels = {name: PARAMETERS[name].format(getattr(recipe, name)) for name in ("digit", "target")}
    return {**vars(recipe), **labels}


def new_seed() -> int:
    """A seed that has probably not been seen before."""
    return random.randrange(1_000_000)


class Callbacks:
    """The page's callbacks on the networks of one bundle. Holds nothing of a visitor, so visitors share nothing.

    Every callback takes its controls by the names of their parameters, and its answer sets them all, so that they agree
    with the result that is shown, whatever was clicked meanwhile.
    """

    def __init__(self, networks: Networks, opening: Recipe):
        self._networks, self._opening = networks, opening
        self._for_page = functools.lru_cache(256)(for_page)  # of muddles that are themselves remembered

    async def _shown(self, recipe: Recipe, request: Any, notes: list[str] = []) -> dict[str, Any]:  # noqa: B006
        muddle = await self._networks.muddle(recipe, client_of(request))
        return {**self._for_page(muddle), "note": " ".join(notes)}

    @as_gradio_error
    async def show(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """A Muddle button, or another target: the muddle of the controls."""
        return {**controls, RESULT: await self._shown(recipe_of(controls), request)}

    async def another_digit(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """Another digit: a source of the old one goes, and a target that it would equal."""
        target = AUTO if controls["target"] == controls["digit"] else controls["target"]
        return await self.show(request, **{**controls, "target": target, "source": None})

    async def again(self, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """Again: a new seed draws another source, or for a drawing another partner."""
        gone = {"source": None} if "source" in controls else {}
        return await self.show(request, **{**controls, **gone, "seed": new_seed()})

    @as_gradio_error
    async def by_click(self, event: gr.EventData, request: gr.Request, **controls: Any) -> dict[str, Any]:
        """An exemplar on the map, a cell of the table, a riddle: its muddle, in the Muddle tab."""
        clicked = {name: str(getattr(event, name)) for name in PARAMETERS if hasattr(event, name)}
        target = AUTO if controls["target"] == clicked.get("digit") else controls["target"]
        recipe = recipe_of({**controls, "target": target, "source": None, **clicked})
        return {"tabs": gr.Tabs(selected="muddle"), **controls_of(recipe), RESULT: await self._shown(recipe, request)}

    @as_gradio_error
    async def by_link(self, request: gr.Request) -> dict[str, Any]:
        """The muddle that the address asks for when the page opens, in its tab, with all controls."""
        facts = await self._networks.facts()
        recipe, notes = understood(dict(request.query_params), facts.version, self._opening)
        try:
            shown = await self._shown(recipe, request, notes)
        except MuddleError as error:  # readable, but not of this bundle: an exemplar that is another digit here
            if error.code != "bad-source":
                raise
            recipe = dataclasses.replace(recipe, source=None)
            shown = await self._shown(recipe, request, [*notes, unread(error)])
        controls = controls_of(dataclasses.replace(recipe, digit=shown["digit"]))
        if recipe.image is not None:
            drawing = {"drawing": to_base64(recipe.image), "its": controls["digit"], "its_target": controls["target"]}
            controls = {**drawing, **{name: controls[name] for name in ("seed", "strategy", "steps", "balance")}}
        answer = {"tabs": gr.Tabs(selected="draw" if recipe.image is not None else "muddle"), **controls, RESULT: shown}
        if facts.origin.name != "embedded" or facts.origin.note:  # the one that ships needs no word
            answer["bundle"] = gr.Markdown(bundle_line(facts), visible=True)
        return answer

    async def look(self, picture: Any, request: Any) -> dict[str, Any]:
        """A picture in base64 as the network and the judges see it. Raises ArgumentError."""
        image = await self._networks.in_thread(_prepared, picture)
        opinion = await self._networks.judge(image, client_of(request))
        digit = int(opinion.argmax())
        return {"pixels": to_base64(image), "digit": digit, "share": float(opinion[digit])}

    async def row(self, asked: Any, request: Any) -> dict[str, Any]:
        """One row of the table of all pairs: the source and nine muddles. Raises ArgumentError."""
        if not isinstance(asked, dict):
            raise ArgumentError("row", asked, "a digit and a seed")
        digit, seed = (PARAMETERS[name].parse(name, str(asked.get(name))) for name in ("digit", "seed"))
        recipes = [Recipe(digit=digit, target=target, seed=seed, steps=2) for target in range(10) if target != digit]
        muddles = await self._networks.muddles(recipes, client_of(request))
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

    async def riddle(self, _: Any, request: Any) -> dict[str, Any]:
        """A muddle to guess, and what the judges think of it."""
        recipe = Recipe(digit=random.randrange(10), seed=new_seed(), steps=2)
        m = await self._networks.muddle(recipe, client_of(request))
        soft_label = m.soft_label.round(4).tolist()
        return {
            "pixels": to_base64(m.image), "digit": m.digit, "target": m.target, "seed": m.seed, "soft_label": soft_label
        }  # fmt: skip


def understood(fields: Mapping[str, str], version: str, opening: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe of a link as far as it can be read here, and sentences on the rest; without a parameter, `opening`."""
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
    """A sentence on what is wrong with a link."""
    reasons = " ".join(str(error) for error in errors)
    return f"Part of the link could not be read, so the usual value is shown instead. {reasons}"


def _drawing(value: Any) -> np.ndarray:
    """The drawing pad's value as uint8 (28, 28). Raises MuddleError."""
    if not value:
        raise MuddleError("Draw a digit or upload a photo first.")
    try:
        return np.frombuffer(base64.b64decode(value, validate=True), np.uint8).reshape(28, 28)
    except (ValueError, TypeError) as error:
        raise ArgumentError("image", str(value)[:20], "28 x 28 grey levels in base64") from error


def _prepared(picture: Any) -> np.ndarray:
    return prepare(from_base64(picture))
