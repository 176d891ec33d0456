"""The one door to the Hugging Face Hub: pull a bundle within a deadline whatever the Hub does; upload a folder."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from muddle.bundle.files import FILES
from muddle.errors import ArgumentError, HubError

DEADLINE = 8.0  # seconds for all of a pull
PATIENCE = 30.0  # seconds for the Hub's first word before an upload
LARGEST = 50_000_000  # bytes of a bundle; ours has about four million
WANTED = [*FILES, "config.json"]


class Published(NamedTuple):
    """Where an upload can be seen, and the commit (40 hexadecimal digits) by which it can be pinned."""

    address: str
    revision: str


def fetch(repo: str, revision: str | None = None, *, deadline: float = DEADLINE) -> Path:
    """The folder of a bundle from the Hub's model repository `repo`, at a revision (branch, tag or commit).

    A pinned commit that is in the cache is used without any request; otherwise the Hub is asked, and the cached copy
    serves when it does not answer within `deadline` seconds. Only a bundle's files are downloaded, and none when they
    are larger than LARGEST. Raises HubError when there is no copy either.
    """
    if revision and _is_commit(revision):
        cached = _cached(repo, revision)
        if cached:
            return cached
    try:
        return _within(deadline, repo, lambda: _download(repo, revision))
    except HubError:
        cached = _cached(repo, revision)
        if cached:
            return cached
        raise


def forget(folder: Path) -> None:
    """Removes a fetched folder that turned out to be no bundle, and its files' contents, from the client's cache."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            path.resolve().unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def revision_of(folder: Path) -> str | None:
    """The commit that a fetched folder holds: the cache names its folders by it."""
    return folder.name if _is_commit(folder.name) else None


def check_name(name: str, repo: str) -> None:
    """ArgumentError, of the argument called `name`, unless it is USER/NAME."""
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise ArgumentError(name, repo, "give it as USER/NAME")


def check_owner(repo: str) -> None:
    """HubError, with what to do, unless there is a token and the repository is its owner's or an organization's."""
    from huggingface_hub import HfApi

    me = _within(PATIENCE, repo, HfApi().whoami)
    owner, mine = repo.split("/")[0], {me["name"], *(org["name"] for org in me.get("orgs", []))}
    if owner not in mine:
        raise HubError(repo, f"{owner} is not you ({me['name']}) nor an organization of yours", "Name one of your own.")


def upload(
    folder: Path, repo: str, *, kind: str = "model", private: bool = False, message: str, tag: str | None = None
) -> Published:
    """Makes a repository exactly the folder, in one commit, creating it if need be; without a change, no commit.

    kind: "model", "dataset" or "space". Raises HubError with what to do: no token, one that may not write there, no
    network.
    """
    from huggingface_hub import HfApi

    api = HfApi()

    def work() -> Published:
        extra = {"space_sdk": "gradio"} if kind == "space" else {}
        api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True, **extra)
        done = api.upload_folder(
            repo_id=repo, repo_type=kind, folder_path=folder, commit_message=message, delete_patterns="*"
        )
        if tag:
            api.create_tag(repo, tag=tag, revision=done.oid, repo_type=kind, exist_ok=True)
        return Published(f"{api.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{repo}", done.oid)

    return _in_words(repo, work)


def configure_space(repo: str, variables: dict[str, str], hardware: str | None = None) -> None:
    """Sets a Space's variables, and asks for hardware when some is named. Raises HubError."""
    from huggingface_hub import HfApi

    api = HfApi()

    def work() -> None:
        for key, value in variables.items():
            api.add_space_variable(repo, key, value)
        if hardware:
            api.request_space_hardware(repo, hardware)

    _in_words(repo, work)


def _is_commit(revision: str) -> bool:
    return len(revision) == 40 and all(c in "0123456789abcdef" for c in revision)


def _download(repo: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or [] if file.rfilename in WANTED}
    if missing := sorted(set(WANTED) - sizes.keys()):
        raise HubError(repo, f"it is not a bundle: {missing[0]} is missing", "Check the name and the revision.")
    if sum(sizes.values()) > LARGEST:
        raise HubError(repo, f"its files have {sum(sizes.values()):,} bytes", f"At most {LARGEST:,} are fetched.")
    return Path(snapshot_download(repo, revision=revision, allow_patterns=WANTED))


def _cached(repo: str, revision: str | None) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=WANTED, local_files_only=True))
    except (OSError, ValueError):  # LocalEntryNotFoundError and a malformed name
        return None
    return folder if all((folder / name).is_file() for name in WANTED) else None


def _within(deadline: float, repo: str, work: Callable[[], Any]) -> Any:
    """work() in a thread that is left behind if it takes longer than the deadline."""
    outcome: dict[str, Any] = {}

    def target() -> None:
        try:
            outcome["value"] = _in_words(repo, work)
        except HubError as error:
            outcome["error"] = error

    thread = threading.Thread(target=target, daemon=True, name=f"the Hub's {repo}")
    thread.start()
    thread.join(deadline)
    if "error" in outcome:
        raise outcome["error"]
    if "value" in outcome:
        return outcome["value"]
    raise HubError(repo, f"the Hub did not answer within {deadline:g} s", "Try again later.")


def _in_words(repo: str, work: Callable[[], Any]) -> Any:
    """work(), with whatever the client raises told as what happened and what to do. Never tells the token."""
    try:
        return work()
    except HubError:
        raise
    except Exception as error:  # the client's own, its HTTP library's, the disk's
        raise HubError(repo, *_reason(error)) from error


def _reason(error: Exception) -> tuple[str, str]:
    from huggingface_hub.errors import LocalTokenNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, LocalTokenNotFoundError):
        return "no token is known", "Set HF_TOKEN to one with write access, or run `hf auth login`."
    if isinstance(error, RevisionNotFoundError):
        return "there is no such revision", "Check the revision."
    if isinstance(error, RepositoryNotFoundError):
        return "there is no such repository, or it is private", "Check the name, and HF_TOKEN if it is private."
    if status == 401:
        return "the token is not valid", "Set HF_TOKEN to one with write access, or run `hf auth login`."
    if status == 403:
        return "the token may not do this", "Make a token with write access to this repository and set HF_TOKEN to it."
    if status == 429:
        return "the Hub was asked too often", "Try again in some minutes."
    if status is not None:
        return f"the Hub answered with status {status}", "Try again later."
    text = str(error).strip().splitlines()
    line = text[0].rstrip(".") if text else ""
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return f"a file could not be written ({line})", "Free some space or set HF_HOME to another folder."
    return f"the Hub could not be reached ({type(error).__name__}{': ' + line if line else ''})", "Check the network."
