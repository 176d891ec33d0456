"""The one door to the Hugging Face Hub: fetch a bundle's files, within a deadline whatever the Hub does."""

import threading
from pathlib import Path

from muddle.bundle import FILES
from muddle.errors import HubError

DEADLINE = 9.0  # seconds for all of it
WANTED = [*FILES, "config.json"]


def fetch(repo: str, revision: str | None = None, *, deadline: float = DEADLINE) -> Path:
    """The folder of a bundle from the Hub's model repository `repo`, at a revision (branch, tag or commit).

    A pinned commit that is in the cache is used without any request; otherwise the Hub is asked, and the cached copy
    serves when it does not answer within `deadline` seconds. Raises HubError when there is none either.
    """
    if revision and _is_commit(revision):
        cached = _cached(repo, revision)
        if cached:
            return cached
    try:
        return _within(deadline, repo, lambda: _snapshot(repo, revision, local=False))
    except HubError:
        cached = _cached(repo, revision)
        if cached:
            return cached
        raise


def revision_of(folder: Path) -> str | None:
    """The commit that a fetched folder holds: the cache names its folders by it."""
    return folder.name if _is_commit(folder.name) else None


def _is_commit(revision: str) -> bool:
    return len(revision) == 40 and all(c in "0123456789abcdef" for c in revision)


def _snapshot(repo: str, revision: str | None, *, local: bool) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repo, revision=revision, allow_patterns=WANTED, local_files_only=local))


def _cached(repo: str, revision: str | None) -> Path | None:
    try:
        folder = _snapshot(repo, revision, local=True)
    except (OSError, ValueError):  # LocalEntryNotFoundError and a malformed name
        return None
    return folder if all((folder / name).is_file() for name in WANTED) else None


def _within(deadline: float, repo: str, work) -> Path:
    """work() in a thread that is left behind if it takes longer than the deadline."""
    outcome: dict[str, object] = {}

    def target() -> None:
        try:
            outcome["value"] = work()
        except Exception as error:  # whatever the client raises becomes one sentence
            outcome["error"] = error

    thread = threading.Thread(target=target, daemon=True, name=f"fetch {repo}")
    thread.start()
    thread.join(deadline)
    if "value" in outcome:
        return outcome["value"]  # type: ignore[return-value]
    if "error" in outcome:
        error = outcome["error"]
        raise HubError(repo, _reason(error), "Check the name, the revision and the network.") from error  # type: ignore[arg-type]
    raise HubError(repo, f"the Hub did not answer within {deadline:g} s", "Try again later.")


def _reason(error: object) -> str:
    text = str(error).strip()
    line = text.splitlines()[0].rstrip(".") if text else ""
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
