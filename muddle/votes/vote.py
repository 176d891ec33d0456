"""One vote: what a visitor said of one image, and nothing of the visitor but a random number for one visit."""

import datetime
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from muddle.errors import ArgumentError
from muddle.parameters import Choice, Integer
from muddle.recipe import PARAMETERS, Recipe
from muddle.result import MORPH_STEPS

KINDS = Choice({"switch": "the step from which on it is the other digit", "guess": "which digit it is"})
STEPS = Integer(0, MORPH_STEPS)  # the last: it never became the other
ANSWERS = Integer(0, 9)
REAL = Integer(0, 10**6 - 1)
LONGEST = 600.0  # seconds; whoever took longer was away
SESSION, VERSION = re.compile("[0-9a-f]{32}"), re.compile(r"\d{1,4}-[0-9a-f]{7}")
QUERY_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class Vote:
    """A vote. Raises ArgumentError for what cannot be.

    kind: see KINDS. query: the recipe of the muddle, as `muddle_id` writes it; None where a real image was asked about,
    whose exemplar is `real`. version: of algorithm and bundle. step: of a switch, 0 to MORPH_STEPS. answer: of a guess,
    a digit, or None for "no digit". seconds: that a guess took, to a tenth. day: such as 2026-11-30. session: 32
    random hexadecimal digits, for one visit.
    """

    kind: str
    query: str | None = None
    real: int | None = None
    version: str
    step: int | None = None
    answer: int | None = None
    seconds: float | None = None
    day: str
    session: str

    def __post_init__(self):
        guess = KINDS.check("kind", self.kind) == "guess"
        if guess and self.query is None:
            REAL.check("real", self.real)
        else:
            if not isinstance(self.query, str) or self.query != muddle_id(self.query):
                raise ArgumentError("query", self.query, "a muddle's, as it was shown")
            _refuse("real", self.real)
        if guess:
            if self.answer is not None:
                ANSWERS.check("answer", self.answer)
            _refuse("step", self.step)
            if isinstance(self.seconds, bool) or not _is_time(self.seconds):
                raise ArgumentError("seconds", self.seconds, f"0 to {LONGEST:g}")
            object.__setattr__(self, "seconds", round(float(self.seconds or 0), 1))
        else:
            STEPS.check("step", self.step)
            _refuse("answer", self.answer)
            _refuse("seconds", self.seconds)
        for name, pattern in (("session", SESSION), ("version", VERSION)):
            if not isinstance(getattr(self, name), str) or not pattern.fullmatch(getattr(self, name)):
                raise ArgumentError(name, getattr(self, name), f"of the form {pattern.pattern}")
        try:
            datetime.date.fromisoformat(self.day)
        except (TypeError, ValueError) as error:
            raise ArgumentError("day", self.day, "a day such as 2026-11-30") from error

    @property
    def about(self) -> str:
        """What it is about: a muddle's query, or a real image, such as real:17."""
        return self.query if self.query is not None else f"real:{self.real}"

    def to_line(self) -> str:
        """A line of JSON, without its end."""
        return json.dumps(asdict(self))


def from_line(line: str) -> Vote | None:
    """The vote of a line, or None if it is none: one that a stop cut short, or that somebody else wrote."""
    try:
        return Vote(**json.loads(line))
    except (ValueError, TypeError, RecursionError):  # also ArgumentError
        return None


def muddle_id(given: str | Recipe) -> str:
    """One name for a muddle, whatever the steps around it: the query of its recipe. Raises ArgumentError.

    A drawing is no muddle of everybody's: its recipe would hold it.
    """
    if isinstance(given, str) and len(given) > QUERY_CHARACTERS:
        raise ArgumentError("query", given, f"at most {QUERY_CHARACTERS} characters")
    recipe = Recipe.from_query(given) if isinstance(given, str) else given
    if recipe.image is not None or recipe.target is None:
        raise ArgumentError("query", recipe.query(), "of two digits, and of no drawing")
    if recipe.strategy != "farthest":  # which alone picks another muddle with other steps
        recipe = replace(recipe, steps=PARAMETERS["steps"].default)
    return recipe.query()


def _refuse(name: str, value: Any) -> None:
    if value is not None:
        raise ArgumentError(name, value, "left out of such a vote")


def _is_time(seconds: Any) -> bool:
    return isinstance(seconds, int | float) and 0 <= seconds <= LONGEST
