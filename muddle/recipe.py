"""What alone reproduces a muddle on one bundle, and its form in the query of a share link."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import numpy as np

from muddle.arguments import EVEN, SEEDS, SOURCES, STEPS, STRATEGIES, check_image, check_labels, check_settings
from muddle.errors import ArgumentError

if TYPE_CHECKING:  # asked for by name only: a recipe is known without torch
    from muddle.pipeline import Muddle, Muddler

AUTO = "auto"  # in a query: the target is left to the latent space
IMAGE_CHARACTERS = 1500  # of an image in a query; a drawn digit takes about 400


@dataclass(frozen=True, eq=False)
class Recipe:
    """The arguments of a muddle. The defaults are what the page shows when it opens."""

    digit: int | None = 4  # None: what the judges see in the image
    target: int | None = None
    seed: int = 27
    strategy: str = "balanced"
    steps: int = 11
    source: int | None = None  # the place of an exemplar; None: the seed draws one
    image: np.ndarray | None = None  # uint8 (28, 28): a given image that is the source instead of an exemplar
    balance: float = EVEN  # 0 to 1: the target's share of the two labels' probability

    @classmethod
    def of(cls, m: "Muddle") -> "Recipe":
        """The recipe that gives this muddle again."""
        given = m.source if m.source_index is None else None
        chosen = m.source_index if m.chosen else None
        return cls(m.digit, m.target, m.seed, m.strategy, m.steps, chosen, given, m.balance)

    @classmethod
    def from_query(cls, query: str) -> "Recipe":
        """The recipe that a link's query stands for, with or without its question mark. Raises ArgumentError.

        What is not an argument of a recipe is left alone, since others add to links; one given twice is an error.
        """
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        fields = dict(pairs)
        for name in cls.__dataclass_fields__:
            given = [value for key, value in pairs if key == name]
            if len(given) > 1:
                raise ArgumentError(name, given, "give it once")
        recipe, wrong = parse(fields)
        if wrong:
            raise wrong[0]
        return recipe

    def make(self, muddler: "Muddler") -> "Muddle":
        """The muddle. Raises ArgumentError."""
        return muddler.make([self])[0]

    def query(self, version: str | None = None) -> str:
        """The query of a share link, from its question mark on; `version` is the Muddler's that it was made with."""
        target = AUTO if self.target is None else self.target
        fields: dict[str, object] = {} if self.digit is None else {"digit": self.digit}
        fields |= {"target": target, "seed": self.seed, "strategy": self.strategy, "steps": self.steps}
        if self.source is not None:
            fields["source"] = self.source
        if self.image is not None:
            fields["image"] = to_text(self.image)
        if self.balance != EVEN:
            fields["balance"] = plain(self.balance)
        if version is not None:
            fields["v"] = version
        return "?" + urlencode(fields)


def parse(fields: Mapping[str, str]) -> tuple[Recipe, list[ArgumentError]]:
    """A recipe from a query's fields, and what is wrong with them; a missing or wrong one takes the usual value."""
    usual, wrong = Recipe(), []

    def read(name: str, convert: Callable[[str], Any], otherwise: Any) -> Any:
        if name not in fields:
            return otherwise
        try:
            return convert(fields[name])
        except ArgumentError as error:
            wrong.append(error)
            return otherwise

    image = read("image", from_text, None)
    digit = read("digit", lambda text: whole("digit", text, range(10)), usual.digit if image is None else None)
    target = read("target", lambda text: known_target(text, digit), None)
    seed = read("seed", lambda text: whole("seed", text, SEEDS), usual.seed)
    strategy = read("strategy", known_strategy, usual.strategy)
    steps = read("steps", lambda text: whole("steps", text, STEPS), usual.steps)
    source = read("source", lambda text: whole("source", text, SOURCES), None)
    balance = read("balance", share, usual.balance)
    try:
        check_settings(seed, steps, strategy)
    except ArgumentError as error:  # a strategy may ask for more steps than another
        wrong.append(error)
        steps = usual.steps
    try:
        check_settings(seed, steps, strategy, balance)
    except ArgumentError as error:  # or know no balance
        wrong.append(error)
        balance = usual.balance
    return Recipe(digit, target, seed, strategy, steps, None if image is not None else source, image, balance), wrong


def whole(name: str, text: str, allowed: range = SEEDS) -> int:
    """The number that a text of decimal digits stands for. Raises ArgumentError."""
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) in allowed:
        return int(text)
    raise ArgumentError(name, text, f"give a whole number from {allowed[0]} to {allowed[-1]}")


def share(text: str) -> float:
    """The number from 0 to 1 that a plain decimal such as 0.3 stands for. Raises ArgumentError."""
    if re.fullmatch(r"[01](\.[0-9]{1,400})?", text) and float(text) <= 1:
        return float(text)
    raise ArgumentError("balance", text, "give a number from 0 to 1, such as 0.3")


def plain(number: float) -> str:
    """The shortest plain decimal that `share` reads as this number."""
    return format(Decimal(repr(float(number) + 0.0)), "f")  # + 0.0: no minus before a zero


def known_target(text: str, digit: int | None) -> int | None:
    """The target that a text names, None for AUTO. Raises ArgumentError, also when it is the digit."""
    if text == AUTO:
        return None
    target = whole("target", text, range(10))
    return target if digit is None else check_labels(digit, target)[1]


def known_strategy(text: str) -> str:
    """The text, when it is a strategy's name. Raises ArgumentError."""
    if text not in STRATEGIES:
        raise ArgumentError("strategy", text, f"choose one of {', '.join(STRATEGIES)}")
    return text


def to_text(image: np.ndarray) -> str:
    """An image, uint8 (28, 28), as the few hundred letters that stand for it in a link."""
    return base64.urlsafe_b64encode(zlib.compress(image.tobytes(), 9)).decode().rstrip("=")


def from_text(text: str) -> np.ndarray:
    """The image, uint8 (28, 28), that `to_text` made letters of. Raises ArgumentError."""
    try:
        if len(text) > IMAGE_CHARACTERS:
            raise ValueError
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        data = zlib.decompressobj().decompress(packed, 28 * 28 + 1)  # never more, whatever was packed
        image = np.frombuffer(data, np.uint8).reshape(28, 28)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise ArgumentError("image", text[:20], "it must be an image as a share link holds it") from error
    check_image(image)
    return image
