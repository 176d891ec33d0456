"""The page's callbacks: from the values of gradio's controls to a recipe, and from its answer back to the controls."""

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr

from muddle.errors import MuddleError
from muddle.pipeline import Muddler
from muddle.present import text_of
from muddle.recipe import AUTO, Recipe, parse
from muddle.ui import answers
from muddle.ui.endpoints import whole


def in_sentences(work: Callable[..., Any], *, coded: bool = False) -> Callable[..., Any]:
    """The function with its expected errors turned into ones that visitors are shown as their text.

    coded: the title is the error's code, for programs.
    """

    @functools.wraps(work)  # keeps the signature, by which gradio knows who wants the event or the request
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return work(*args, **kwargs)
        except MuddleError as error:
            raise gr.Error(str(error), title=error.code if coded else "Error", print_exception=False) from error

    return run


def chosen(radio: str) -> int | None:
    """The label that a radio with a choice "auto" says, None for that."""
    return None if radio == AUTO else int(radio)


def radio(label: int | None) -> str:
    """What such a radio shows for a label."""
    return AUTO if label is None else str(label)


class Callbacks:
    """What the page does with one Muddler; holds nothing else, so visitors share nothing.

    Every answer sets all the controls that it came from, so that they agree with the result that is shown, whatever
    was clicked meanwhile.
    """

    def __init__(self, muddler: Muddler):
        self.muddler = muddler

    @in_sentences
    def by_digit(
        self, digit: str, target: str, source: float | None, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """The Muddle button, or another target -> the same controls, result."""
        recipe = Recipe(int(digit), chosen(target), whole(seed), strategy, whole(steps), whole(source))
        return digit, target, source, seed, strategy, steps, answers.shown(self.muddler, recipe)

    def by_choice(
        self, digit: str, target: str, _source: float | None, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Another digit: a source of the old one goes, and a target that it would equal -> as by_digit."""
        return self.by_digit(digit, AUTO if target == digit else target, None, seed, strategy, steps)

    def by_digit_again(
        self, digit: str, target: str, _source: float | None, _seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Again: a new seed draws another source -> as by_digit."""
        return self.by_digit(digit, target, None, answers.new_seed(), strategy, steps)

    @in_sentences
    def by_drawing(
        self, drawing: str | None, its: str, target: str, seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """The Muddle button below the drawing pad -> its controls but the pad, result."""
        image = answers.drawing(drawing)
        digit = int(self.muddler.judge(image).argmax()) if chosen(its) is None else int(its)
        recipe = Recipe(digit, chosen(target), whole(seed), strategy, whole(steps), image=image)
        return its, target, seed, strategy, steps, answers.shown(self.muddler, recipe)

    def by_drawing_again(
        self, drawing: str | None, its: str, target: str, _seed: float, strategy: str, steps: float
    ) -> tuple[Any, ...]:
        """Again, from the same drawing -> as by_drawing."""
        return self.by_drawing(drawing, its, target, answers.new_seed(), strategy, steps)

    @in_sentences
    def by_click(self, event: gr.EventData, target: str, seed: float, strategy: str, steps: float) -> tuple[Any, ...]:
        """An exemplar on the map, a cell of the table, a riddle -> the Muddle tab, its controls, the result."""
        data = event._data if isinstance(event._data, dict) else {}
        clicked = {key: str(value) for key, value in data.items()}
        kept = {"target": AUTO if target == clicked.get("digit") else target, "strategy": strategy}
        numbers = {"seed": str(whole(seed)), "steps": str(whole(steps))}
        recipe, wrong = parse({**kept, **numbers, **clicked})
        if wrong:
            raise wrong[0]
        shown = answers.shown(self.muddler, recipe)
        controls = (str(recipe.digit), radio(recipe.target), recipe.source, recipe.seed, recipe.strategy, recipe.steps)
        return gr.Tabs(selected="muddle"), *controls, shown

    def by_link(self, request: gr.Request) -> tuple[Any, ...]:
        """What the address asks for when the page opens: the tab, all controls, the result."""
        recipe, shown = answers.opened(self.muddler, dict(request.query_params))
        label, target = str(shown["digit"]), radio(recipe.target)
        if recipe.image is None:
            way, controls = "muddle", (label, target, gr.skip(), gr.skip(), gr.skip())
        else:
            way, controls = "draw", (gr.skip(), gr.skip(), text_of(recipe.image), label, target)
        return gr.Tabs(selected=way), *controls, recipe.source, recipe.seed, recipe.strategy, recipe.steps, shown
