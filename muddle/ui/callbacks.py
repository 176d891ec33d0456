"""The page's callbacks: from the values of gradio's controls to a recipe, and from its answer back to the controls."""

import dataclasses
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from muddle.errors import MuddleError
from muddle.export.serialize import text_of
from muddle.recipe import AUTO, Recipe, parse
from muddle.ui import answers
from muddle.ui.about import bundle_line, texts
from muddle.ui.endpoints import whole
from muddle.ui.log import log_request
from muddle.ui.service import Service
from muddle.ui.visitor import visitor

Work = Callable[..., Awaitable[Any]]


def in_sentences(work: Work, *, coded: bool = False) -> Work:
    """The function with its expected errors turned into ones that visitors are shown as their text; it is logged.

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


def chosen(radio: str) -> int | None:
    """The label that a radio with a choice "auto" says, None for that."""
    return None if radio == AUTO else int(radio)


def radio(label: int | None) -> str:
    """What such a radio shows for a label."""
    return AUTO if label is None else str(label)


class Callbacks:
    """What the page does with one Service; holds nothing else, so visitors share nothing.

    Every answer sets all the controls that it came from, so that they agree with the result that is shown, whatever
    was clicked meanwhile.
    """

    def __init__(self, service: Service):
        self.service = service

    async def _shown(self, recipe: Recipe) -> dict[str, Any]:
        return {**await self.service.muddle(recipe, answers.shown, visitor=visitor()), "note": ""}

    @in_sentences
    async def by_digit(
        self, digit: str, target: str, source: float | None, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """The Muddle button, or another target -> the same controls, result."""
        recipe = Recipe(int(digit), chosen(target), whole(seed), strategy, whole(steps), whole(source))
        return digit, target, source, seed, strategy, steps, await self._shown(recipe)

    async def by_choice(
        self, digit: str, target: str, _source: float | None, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Another digit: a source of the old one goes, and a target that it would equal -> as by_digit."""
        return await self.by_digit(digit, AUTO if target == digit else target, None, seed, strategy, steps)

    async def by_digit_again(
        self, digit: str, target: str, _source: float | None, _seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Again: a new seed draws another source -> as by_digit."""
        return await self.by_digit(digit, target, None, answers.new_seed(), strategy, steps)

    @in_sentences
    async def by_drawing(
        self, drawing: str | None, its: str, target: str, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """The Muddle button below the drawing pad -> its controls but the pad, result."""
        image = answers.drawing(drawing)
        recipe = Recipe(chosen(its), chosen(target), whole(seed), strategy, whole(steps), image=image)
        return its, target, seed, strategy, steps, await self._shown(recipe)

    async def by_drawing_again(
        self, drawing: str | None, its: str, target: str, _seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Again, from the same drawing -> as by_drawing."""
        return await self.by_drawing(drawing, its, target, answers.new_seed(), strategy, steps)

    @in_sentences
    async def by_click(
        self, event: gr.EventData, target: str, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """An exemplar on the map, a cell of the table, a riddle -> the Muddle tab, its controls, the result."""
        data = event._data if isinstance(event._data, dict) else {}
        clicked = {key: str(value) for key, value in data.items()}
        kept = {"target": AUTO if target == clicked.get("digit") else target, "strategy": strategy}
        numbers = {"seed": str(whole(seed)), "steps": str(whole(steps))}
        recipe, wrong = parse({**kept, **numbers, **clicked})
        if wrong:
            raise wrong[0]
        shown = await self._shown(recipe)
        controls = (str(recipe.digit), radio(recipe.target), recipe.source, recipe.seed, recipe.strategy, recipe.steps)
        return gr.Tabs(selected="muddle"), *controls, shown

    @in_sentences
    async def by_link(self, request: gr.Request) -> tuple[Any, ...]:
        """What the address asks for when the page opens: the tab, all controls, the result, whose bundle it is."""
        facts = await self.service.facts()
        recipe, notes = answers.understood(dict(request.query_params), facts["version"])
        try:
            shown = await self._shown(recipe)
        except MuddleError as error:  # readable, but not of this bundle: an exemplar that is another digit here
            if error.code != "bad-source":
                raise
            notes.append(answers.unread(error))
            recipe = dataclasses.replace(recipe, source=None)
            shown = await self._shown(recipe)
        shown["note"] = " ".join(notes)
        unusual = facts["bundle"]["name"] != "embedded" or facts["bundle"]["note"]  # the one that ships needs no word
        bundle = gr.Markdown(bundle_line(facts), visible=True) if unusual else gr.skip()
        label, target = str(shown["digit"]), radio(recipe.target)
        if recipe.image is None:
            way, controls = "muddle", (label, target, gr.skip(), gr.skip(), gr.skip())
        else:
            way, controls = "draw", (gr.skip(), gr.skip(), text_of(recipe.image), label, target)
        settings = (recipe.source, recipe.seed, recipe.strategy, recipe.steps)
        return gr.Tabs(selected=way), *controls, *settings, shown, bundle

    @in_sentences
    async def open_about(self) -> tuple[str, ...]:
        """The About tab, when it is opened: results, this copy, the model card."""
        return texts(await self.service.facts())
