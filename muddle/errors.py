"""Every error a user can cause: one small tree, each with its evidence and a remedy.

Its text is for people and may change; its `code` is for programs and stays.
"""

import re
from pathlib import Path


class MuddleError(ValueError):
    """The root: catch this at an edge and show its text, which is a sentence for people."""

    code = "muddle"


class ArgumentError(MuddleError):
    """An argument outside its range; `name`, `value` and `allowed` say which, what, and what would do.

    Its code is of the name: "bad-digit", "bad-only-picture".
    """

    def __init__(self, name: str, value: object, allowed: str):
        text = repr(value)
        super().__init__(f"{name} {text if len(text) <= 60 else text[:57] + '...'} is not possible: {allowed}.")
        self.name, self.value, self.allowed = name, value, allowed
        self.code = "bad-" + re.split(r"\W", name)[0].replace("_", "-")


class RequestError(MuddleError):
    """A request that cannot be understood; its code says why, `status` is the HTTP status that says so."""

    def __init__(self, code: str, text: str, status: int = 400):
        super().__init__(text)
        self.code, self.status = code, status


class BusyError(RequestError):
    """It cannot be answered now, and may be in so many `seconds`."""

    def __init__(self, seconds: int, why: str = "Too many requests are waiting here."):
        super().__init__("busy", f"{why} Try again in {seconds} s.", 503)
        self.seconds = seconds


class BundleError(MuddleError):
    """A bundle that cannot be used: `path`, `problem`, `remedy`. Nothing of it is used."""

    code = "bad-bundle"

    def __init__(self, path: Path | str, problem: str, remedy: str):
        super().__init__(f"{path}: {problem}. {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class HubError(MuddleError):
    """A Hub repository that could not be fetched: `repo`, `problem`, `remedy`."""

    code = "hub"

    def __init__(self, repo: str, problem: str, remedy: str):
        super().__init__(f"{repo}: {problem}. {remedy}")
        self.repo, self.problem, self.remedy = repo, problem, remedy


class DataError(MuddleError):
    """A data set that could not be read or downloaded."""

    code = "data"
