"""Every error that a user can cause: one small tree, each error with its evidence and a remedy.

The text of an error is for people and may change; its `code` is for programs and stays.
"""

import re
from pathlib import Path
from typing import Any


class MuddleError(ValueError):
    """The root: catch this at an edge and show its text, which is a sentence for people."""

    code = "muddle"

    def __reduce__(self):  # ValueError's own would call __init__ with the text alone
        return _restore, (type(self), str(self), vars(self))


def _restore(kind: type[MuddleError], text: str, attributes: dict[str, Any]) -> MuddleError:
    """An error that was raised in another process."""
    error = kind.__new__(kind, text)
    vars(error).update(attributes)
    return error


class ArgumentError(MuddleError):
    """An argument outside its range: "`name` must be `allowed`, not `value`."

    The code is made of the name: "bad-digit", "bad-only-picture".
    """

    def __init__(self, name: str, value: object, allowed: str):
        text = repr(value)
        super().__init__(f"{name} must be {allowed}, not {text if len(text) <= 60 else text[:57] + '...'}.")
        self.name, self.value, self.allowed = name, value, allowed
        self.code = "bad-" + re.split(r"\W", name)[0].replace("_", "-")


class RequestError(MuddleError):
    """A request that cannot be answered: `code` says why, `status` is the HTTP status."""

    def __init__(self, code: str, text: str, status: int = 400):
        super().__init__(text)
        self.code, self.status = code, status


class BusyError(RequestError):
    """The server is overloaded or starting: retry after `seconds`."""

    def __init__(self, seconds: int, why: str = "Too many requests are waiting here."):
        super().__init__("busy", f"{why} Try again in {seconds} s.", 503)
        self.seconds = seconds


class BundleError(MuddleError):
    """A bundle that cannot be used, and nothing of it is: `path`, `problem`, `remedy`."""

    code = "bad-bundle"

    def __init__(self, path: Path | str, problem: str, remedy: str):
        super().__init__(f"{path}: {problem}. {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class HubError(MuddleError):
    """A repository of the Hugging Face Hub that cannot be read or written: `repo`, `problem`, `remedy`."""

    code = "hub"

    def __init__(self, repo: str, problem: str, remedy: str):
        super().__init__(f"{repo}: {problem}. {remedy}")
        self.repo, self.problem, self.remedy = repo, problem, remedy


class DataError(MuddleError):
    """A data set that cannot be made, read or downloaded."""

    code = "data"
