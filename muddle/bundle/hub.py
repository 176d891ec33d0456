"""The one door to the Hugging Face Hub: download a bundle within a deadline, upload a folder."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from muddle.bundle.files import FILES
from muddle.errors import ArgumentError, HubError

DEADLINE = 8.0  # seconds for the whole of a download; the client's own timeouts are for each response
WHOAMI_TIMEOUT = 30.0  # seconds
MAX_BYTES = 50_000_000  # of a bundle; ours has about four million
BUNDLE_FILES = [*FILES, "config.json"]


class Published(NamedTuple):
    """The page of an upload, and its commit, 40 hexadecimal digits that pin it."""

    address: str
    revision: str


def fetch(repo: str, revision: str | None = None, *, deadline: float = DEADLINE) -> Path:
    """Download a bundle from the model repository `repo` at a revision (branch, tag or commit), and return its folder.

    A pinned commit in the client's cache is used without any request. Otherwise the Hub is asked, and the cached copy
    is used if the download fails or takes longer than `deadline` seconds. Only a bundle's files are downloaded, and
    none if their size exceeds MAX_BYTES. Raises HubError if the download fails and there is no cached copy.
    """
    cached = _cached(repo, revision)
    if cached and cached.name == revision:  # a pinned commit
        return cached
    try:
        return _with_deadline(deadline, repo, lambda: _download(repo, revision))
    except HubError:
        if cached:
            return cached
        raise


def forget(folder: Path) -> None:
    """Delete a fetched folder and the contents of its files from the client's cache."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            path.resolve().unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def revision_of(folder: Path) -> str | None:
    """The commit of a fetched folder, after which the client's cache names it."""
    name = folder.name
    return name if len(name) == 40 and all(c in "0123456789abcdef" for c in name) else None


def check_name(name: str, repo: str) -> None:
    """Raise ArgumentError, for the argument called `name`, unless `repo` is USER/NAME."""
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise ArgumentError(name, repo, "a repository, USER/NAME")


def check_owner(repo: str) -> None:
    """Raise HubError unless there is a token, and the repository is its owner's or one of their organizations'."""
    from huggingface_hub import HfApi

    me = _with_deadline(WHOAMI_TIMEOUT, repo, HfApi().whoami)
    owner, owners = repo.split("/")[0], {me["name"], *(org["name"] for org in me.get("orgs", []))}
    if owner not in owners:
        raise HubError(repo, f"{owner} is not you ({me['name']}) nor an organization of yours", "Name one of your own.")


def upload(
    folder: Path, repo: str, *, kind: str = "model", private: bool = False, message: str, tag: str | None = None
) -> Published:
    """Replace a repository's files by a folder's in one commit, creating the repository if it is missing.

    kind: "model", "dataset" or "space". Without a change there is no commit. Raises HubError without a token, without
    permission to write, and without a network.
    """
    from huggingface_hub import HfApi

    api = HfApi()

    def work() -> Published:
        extra = {"space_sdk": "gradio"} if kind == "space" else {}
        api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True, **extra)
        commit = api.upload_folder(
            repo_id=repo, repo_type=kind, folder_path=folder, commit_message=message, delete_patterns="*"
        )
        if tag:
            api.create_tag(repo, tag=tag, revision=commit.oid, repo_type=kind, exist_ok=True)
        return Published(f"{api.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{repo}", commit.oid)

    return _translate_errors(repo, work)


def configure_space(repo: str, variables: dict[str, str], hardware: str | None = None) -> None:
    """Set a Space's variables, and request its hardware if one is named. Raises HubError."""
    from huggingface_hub import HfApi

    api = HfApi()

    def work() -> None:
        for key, value in variables.items():
            api.add_space_variable(repo, key, value)
        if hardware:
            api.request_space_hardware(repo, hardware)

    _translate_errors(repo, work)


def _download(repo: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or [] if file.rfilename in BUNDLE_FILES}
    if missing := sorted(set(BUNDLE_FILES) - sizes.keys()):
        raise HubError(repo, f"it is not a bundle: {missing[0]} is missing", "Check the name and the revision.")
    if sum(sizes.values()) > MAX_BYTES:
        raise HubError(repo, f"its files have {sum(sizes.values()):,} bytes", f"At most {MAX_BYTES:,} are fetched.")
    return Path(snapshot_download(repo, revision=revision, allow_patterns=BUNDLE_FILES))


def _cached(repo: str, revision: str | None) -> Path | None:
    """The folder in the client's cache, if all files of the bundle are there."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=BUNDLE_FILES, local_files_only=True))
    except (OSError, ValueError):  # LocalEntryNotFoundError, and a malformed name
        return None


def _with_deadline(deadline: float, repo: str, work: Callable[[], Any]) -> Any:
    """work() in a daemon thread, which is abandoned when the deadline passes. Raises HubError."""
    outcome: dict[str, Any] = {}

    def target() -> None:
        try:
            outcome["value"] = _translate_errors(repo, work)
        except HubError as error:
            outcome["error"] = error

    thread = threading.Thread(target=target, daemon=True, name=f"Hub client for {repo}")
    thread.start()
    thread.join(deadline)
    if "error" in outcome:
        raise outcome["error"]
    if "value" in outcome:
        return outcome["value"]
    raise HubError(repo, f"the Hub did not answer within {deadline:g} s", "Try again later.")


def _translate_errors(repo: str, work: Callable[[], Any]) -> Any:
    """work(), with every exception of the client as a HubError that says what to do. It never contains the token."""
    try:
        return work()
    except HubError:
        raise
    except Exception as error:  # the client's own, its HTTP library's, the disk's
        raise HubError(repo, *_problem_and_remedy(error)) from error


def _problem_and_remedy(error: Exception) -> tuple[str, str]:
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
        return "the Hub's rate limit is exceeded", "Try again in some minutes."
    if status is not None:
        return f"the Hub answered with status {status}", "Try again later."
    text = str(error).strip().splitlines()
    line = text[0].rstrip(".") if text else ""
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return f"a file could not be written ({line})", "Free some space or set HF_HOME to another folder."
    return f"the Hub could not be reached ({type(error).__name__}{': ' + line if line else ''})", "Check the network."
