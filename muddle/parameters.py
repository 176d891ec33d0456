"""Kinds of parameters: how a value is checked, read from the text of a link, written there, and described."""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import index
from typing import Any, Protocol

import numpy as np

from muddle.errors import ArgumentError

AUTO = "auto"  # the text of a value that is left to the latent space or to chance: None
IMAGE_CHARACTERS = 1500  # of an image in a link; a drawn digit takes about 400


class Kind(Protocol):
    """What values a parameter takes."""

    @property
    def allowed(self) -> str:
        """The values as a noun phrase, as in "must be a whole number from 0 to 9"."""

    @property
    def span(self) -> str:
        """The values in short, as in "the digit to start from, 0 to 9"."""

    @property
    def schema(self) -> dict[str, Any]:
        """The values as JSON schema."""

    def check(self, name: str, value: Any) -> Any:
        """The value as a plain Python value. Raises ArgumentError."""

    def parse(self, name: str, text: str) -> Any:
        """The value of a text in a link. Raises ArgumentError."""

    def format(self, value: Any) -> str:
        """The text that `parse` reads as this value."""


@dataclass(frozen=True)
class Integer:
    """Whole numbers from `low` to `high`, both included; NumPy's and torch's count too, booleans do not."""

    low: int
    high: int

    @property
    def span(self) -> str:
        """See Kind."""
        return f"{self.low} to {self.high}"

    @property
    def allowed(self) -> str:
        """See Kind."""
        return f"a whole number from {self.span}"

    @property
    def schema(self) -> dict[str, Any]:
        """See Kind."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}

    def check(self, name: str, value: Any) -> int:
        """See Kind."""
        try:
            number = None if isinstance(value, bool) else index(value)
        except TypeError:
            number = None
        if number is None or not self.low <= number <= self.high:
            raise ArgumentError(name, value, self.allowed)
        return number

    def parse(self, name: str, text: str) -> int:
        """See Kind; the text is of decimal digits alone."""
        if not re.fullmatch("[0-9]{1,10}", text):
            raise ArgumentError(name, text, self.allowed)
        return self.check(name, int(text))

    def format(self, value: int) -> str:
        """See Kind."""
        return str(value)


@dataclass(frozen=True)
class Share:
    """Real numbers from 0 to 1."""

    span = "0 to 1"
    allowed = "a number from 0 to 1"

    @property
    def schema(self) -> dict[str, Any]:
        """See Kind."""
        return {"type": "number", "minimum": 0, "maximum": 1}

    def check(self, name: str, value: Any) -> float:
        """See Kind."""
        real = int | float | np.integer | np.floating
        if isinstance(value, bool) or not isinstance(value, real) or not 0 <= value <= 1:
            raise ArgumentError(name, value, self.allowed)
        return float(value)

    def parse(self, name: str, text: str) -> float:
        """See Kind; the text is a plain decimal such as 0.3."""
        if not re.fullmatch(r"[01](\.[0-9]{1,400})?", text):
            raise ArgumentError(name, text, self.allowed)
        return self.check(name, float(text))

    def format(self, value: float) -> str:
        """See Kind: the shortest decimal, without an exponent or a minus before a zero."""
        return format(Decimal(repr(float(value) + 0.0)), "f")


@dataclass(frozen=True)
class Choice:
    """One of some names; `meanings` explains each."""

    meanings: Mapping[str, str]

    @property
    def span(self) -> str:
        """See Kind: every name with its meaning."""
        return "; ".join(f"{name}: {meaning}" for name, meaning in self.meanings.items())

    @property
    def allowed(self) -> str:
        """See Kind."""
        return f"one of {', '.join(self.meanings)}"

    @property
    def schema(self) -> dict[str, Any]:
        """See Kind."""
        return {"type": "string", "enum": list(self.meanings)}

    def check(self, name: str, value: Any) -> str:
        """See Kind."""
        if not isinstance(value, str) or value not in self.meanings:
            raise ArgumentError(name, value, self.allowed)
        return value

    def parse(self, name: str, text: str) -> str:
        """See Kind."""
        return self.check(name, text)

    def format(self, value: str) -> str:
        """See Kind."""
        return value


@dataclass(frozen=True)
class Pixels:
    """Images of a digit, uint8 (28, 28), white on black and centred as MNIST's are. In a link: deflated, base64url."""

    span = allowed = "an image, uint8 (28, 28), white on black, with some ink on it"

    @property
    def schema(self) -> dict[str, Any]:
        """See Kind."""
        return {"type": "string", "maxLength": IMAGE_CHARACTERS}

    def check(self, name: str, value: Any) -> np.ndarray:
        """See Kind: a copy that cannot be written to."""
        array = np.array(value)
        if array.shape != (28, 28) or array.dtype != np.uint8:
            raise ArgumentError(name, f"{array.dtype} {array.shape}", self.allowed)
        if not array.any():
            raise ArgumentError(name, "all black", self.allowed)
        array.flags.writeable = False
        return array

    def parse(self, name: str, text: str) -> np.ndarray:
        """See Kind."""
        try:
            if len(text) > IMAGE_CHARACTERS:
                raise ValueError
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            data = zlib.decompressobj().decompress(packed, 28 * 28 + 1)  # never more, whatever was packed
            image = np.frombuffer(data, np.uint8).reshape(28, 28)
        except (ValueError, binascii.Error, zlib.error) as error:
            raise ArgumentError(name, text[:20], "an image as a share link holds it") from error
        return self.check(name, image)

    def format(self, value: np.ndarray) -> str:
        """See Kind."""
        return base64.urlsafe_b64encode(zlib.compress(value.tobytes(), 9)).decode().rstrip("=")


@dataclass(frozen=True)
class Parameter:
    """One row of the table of parameters, from which links, commands, APIs and documents are made.

    help: what it decides, a phrase. none: what None stands for; empty where None is not allowed. rare: whether a link
    leaves it out at its default.
    """

    kind: Kind
    help: str
    default: Any = None
    none: str = ""
    rare: bool = False
    example: Any = None

    def check(self, name: str, value: Any) -> Any:
        """The value as a plain Python value, None where that is allowed. Raises ArgumentError."""
        return None if value is None and self.none else self.kind.check(name, value)

    def from_json(self, value: Any) -> Any:
        """A value as JavaScript may have written it: 7.0 counts as 7 where a whole number is wanted. Not checked."""
        whole = isinstance(self.kind, Integer) and isinstance(value, float) and value.is_integer()
        return int(value) if whole else value

    def parse(self, name: str, text: str) -> Any:
        """The value of a text in a link. Raises ArgumentError."""
        return None if text == AUTO and self.none else self.kind.parse(name, text)

    def format(self, value: Any) -> str:
        """The text of a value in a link."""
        return AUTO if value is None else self.kind.format(value)

    def describe(self) -> str:
        """The help with the range."""
        joint = ":" if isinstance(self.kind, Choice) else ","
        return f"{self.help}{joint} {self.kind.span}"

    def schema(self, required: bool = False) -> dict[str, Any]:
        """The parameter as JSON schema; one that is required takes no null."""
        examples = {} if self.example is None else {"examples": [self.example]}
        if required:
            return {**self.kind.schema, **examples, "description": f"{self.describe()}."}
        own = {"oneOf": [{"type": "null"}, self.kind.schema]} if self.none else self.kind.schema
        none = f"; null: {self.none}" if self.none else ""
        return {**own, "default": self.default, **examples, "description": f"{self.describe()}{none}."}
