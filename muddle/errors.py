"""Every error a user can cause: one small tree, each with its evidence and a remedy."""

from pathlib import Path


class MuddleError(ValueError):
    """The root: catch this at an edge and show its text, which is a sentence for people."""


class ArgumentError(MuddleError):
    """An argument outside its range; `name`, `value` and `allowed` say which, what, and what would do."""

    def __init__(self, name: str, value: object, allowed: str):
        text = repr(value)
        super().__init__(f"{name} {text if len(text) <= 60 else text[:57] + '...'} is not possible: {allowed}.")
        self.name, self.value, self.allowed = name, value, allowed


class BundleError(MuddleError):
    """A bundle that cannot be used: `path`, `problem`, `remedy`. Nothing of it is used."""

    def __init__(self, path: Path | str, problem: str, remedy: str):
        super().__init__(f"{path}: {problem}. {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class HubError(MuddleError):
    """A Hub repository that could not be fetched: `repo`, `problem`, `remedy`."""

    def __init__(self, repo: str, problem: str, remedy: str):
        super().__init__(f"{repo}: {problem}. {remedy}")
        self.repo, self.problem, self.remedy = repo, problem, remedy


class DataError(MuddleError):
    """A data set that could not be read or downloaded."""
