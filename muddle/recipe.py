"""The arguments that fully determine a muddle on one bundle, and their query-string form."""

from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from muddle.errors import ArgumentError
from muddle.parameters import Choice, Integer, Parameter, Pixels, Share

EVEN = 0.5  # the balance of a muddle: the judges give both labels the same
LINK_DIGIT = 4  # of a link that names neither a digit nor an image
DIGITS = Integer(0, 9)
VERSION = "v"  # the key of a link for what it was made with


def _parameter(kind: Any, help: str, default: Any = None, **more: Any) -> Any:
    return field(default=default, metadata={"parameter": Parameter(kind, help, default, **more)})


@dataclass(frozen=True, eq=False, kw_only=True)
class Recipe:
    """The arguments of a muddle: this class is the one table of them. Raises ArgumentError for what cannot be."""

    digit: int | None = _parameter(
        DIGITS, "The digit to start from", none="what the judges see in the given image", example=4
    )
    target: int | None = _parameter(
        DIGITS,
        "The other digit, which the muddle leans to",
        none="the class whose centroid is nearest to the source in the latent space",
        example=9,
    )
    seed: int = _parameter(
        Integer(0, 2**32 - 1), "Draws source and partners: the same seed, the same muddle", 0, example=27
    )
    strategy: str = _parameter(
        Choice(
            {
                "balanced": "searched so that the judges cannot place it",
                "midpoint": "halfway between the two latent codes, as the original of 2021 did",
                "farthest": "the inner step least like both real images, the original's further thought",
            }
        ),
        "How the muddle is chosen",
        "balanced",
    )
    steps: int = _parameter(Integer(2, 64), "Frames from source to partner, with both", 11)
    source: int | None = _parameter(
        Integer(0, 10**6 - 1), "The exemplar to start from, by its number", none="the seed draws one", rare=True
    )
    image: np.ndarray | None = _parameter(
        Pixels(), "A given image to start from, instead of an exemplar", none="an exemplar", rare=True
    )
    balance: float = _parameter(
        Share(), "The target's share of the two labels' probability that balanced looks for", EVEN, rare=True,
        example=0.3,
    )  # fmt: skip

    def __post_init__(self):
        for name, parameter in PARAMETERS.items():
            object.__setattr__(self, name, parameter.check(name, getattr(self, name)))
        if self.digit is None and self.image is None:
            raise ArgumentError("digit", None, DIGITS.allowed)
        if self.target is not None and self.target == self.digit:
            raise ArgumentError("target", self.target, "another digit than the source's")
        if self.strategy == "farthest" and self.steps < 3:
            raise ArgumentError("steps", self.steps, "at least 3 with farthest, which picks an inner step")
        if self.strategy != "balanced" and self.balance != EVEN:
            raise ArgumentError("balance", self.balance, f"{EVEN} with {self.strategy}, as it applies to balanced only")
        if self.image is not None:
            object.__setattr__(self, "source", None)

    @classmethod
    def from_query(cls, query: str) -> "Recipe":
        """The recipe of a link's query, with or without its question mark. Raises ArgumentError.

        Keys that are no parameters are ignored, since others add theirs; a parameter given twice is an error.
        """
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        values: dict[str, Any] = {}
        for name, parameter in PARAMETERS.items():
            given = [value for key, value in pairs if key == name]
            if len(given) > 1:
                raise ArgumentError(name, given, "given once")
            if given:
                values[name] = parameter.parse(name, given[0])
        return cls(**{"digit": None if "image" in values else LINK_DIGIT, **values})

    def query(self, version: str | None = None) -> str:
        """The query of a share link, from its question mark on; `version` is that of the muddle."""
        texts = {}
        for name, parameter in PARAMETERS.items():
            value = getattr(self, name)
            usual = parameter.rare and np.array_equal(value, parameter.default)
            if not usual and not (name == "digit" and value is None):
                texts[name] = parameter.format(value)
        return "?" + urlencode(texts if version is None else {**texts, VERSION: version})


PARAMETERS: dict[str, Parameter] = {f.name: f.metadata["parameter"] for f in fields(Recipe)}
STRATEGIES = tuple(PARAMETERS["strategy"].kind.meanings)
LINK_KEYS = (*PARAMETERS, VERSION)
