"""The one door to the Hugging Face Hub: look at a bundle, download it, upload a folder."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from muddle.bundle.files import CARD, FILES
from muddle.errors import ArgumentError, HubError

DEADLINE = 8.0  # seconds that the page waits for a whole download; the client's own timeouts are for each response
WHOAMI_TIMEOUT = 30.0  # seconds
MAX_BYTES = 50_000_000  # of a bundle; ours has about four million
FREE_HARDWARE = "zero-a10g"  # ZeroGPU, the only one on which a free account may have a Gradio Space


class Remote(NamedTuple):
    """A bundle as the Hub lists it: its commit, whether it is private, and the files to fetch."""

    revision: str
    private: bool
    files: list[str]


class Published(NamedTuple):
    """The page of an upload, and its commit, 40 hexadecimal digits that pin it."""

    address: str
    revision: str


def inspect(repo: str, revision: str | None = None, *, token: str | None = None) -> Remote:
    """Look at a bundle without fetching it. Raises HubError when it is missing, no bundle, or above MAX_BYTES."""
    return _translate_errors(repo, lambda: _inspect(repo, revision, token))


def fetch(
    repo: str,
    revision: str | None = None,
    *,
    token: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    deadline: float | None = None,
) -> Path:
    """Download a bundle from the model repository `repo` at a revision (branch, tag or commit), and return its folder.

    A pinned commit in the client's cache is used without any request. Otherwise the Hub is asked, and the cached copy
    is used if the download fails or takes longer than `deadline` seconds. Only a bundle's files are downloaded, and
    none if their size exceeds MAX_BYTES. token, cache_dir: None for the client's own. local_files_only: only the cache
    is used. force_download: the cache is not used. Raises HubError if the download fails and there is no cached copy.
    """
    cached = None if force_download else _cached(repo, revision, cache_dir)
    if cached and (local_files_only or cached.name == revision):  # the latter: a pinned commit
        return cached
    if local_files_only:
        raise HubError(repo, "it is not in the cache", "Fetch it once without local_files_only.")

    def download() -> Path:
        from huggingface_hub import snapshot_download

        remote = _inspect(repo, revision, token)
        options = {"token": token, "cache_dir": cache_dir, "force_download": force_download}
        return Path(snapshot_download(repo, revision=revision, allow_patterns=remote.files, **options))

    try:
        return _within(deadline, repo, download)
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

    me = _within(WHOAMI_TIMEOUT, repo, HfApi().whoami)
    owner, owners = repo.split("/")[0], {me["name"], *(org["name"] for org in me.get("orgs", []))}
    if owner not in owners:
        raise HubError(repo, f"{owner} is not you ({me['name']}) nor an organization of yours", "Name one of your own.")


def upload(
    folder: Path,
    repo: str,
    *,
    kind: str = "model",
    private: bool = False,
    message: str,
    tag: str | None = None,
    token: str | None = None,
    keep: bool = False,
) -> Published:
    """Replace a repository's files by a folder's in one commit, creating the repository if it is missing.

    kind: "model" or "dataset", or "space" for one that is there. keep: files that the folder lacks stay. Without a
    change there is no commit. Raises HubError without a token, without permission to write, and without a network.
    """
    from huggingface_hub import HfApi

    api = HfApi(token=token)

    def work() -> Published:
        if kind != "space":
            api.create_repo(repo, repo_type=kind, private=private or None, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo,
            repo_type=kind,
            folder_path=folder,
            commit_message=message,
            delete_patterns=None if keep else "*",
        )
        if tag:
            api.create_tag(repo, tag=tag, revision=commit.oid, repo_type=kind, exist_ok=True)
        return Published(f"{api.endpoint}/{'' if kind == 'model' else f'{kind}s/'}{repo}", commit.oid)

    return _translate_errors(repo, work)


def prepare_space(repo: str, variables: dict[str, str], hardware: str | None = None, *, private: bool = False) -> None:
    """Let a Gradio Space have these variables, and this hardware if one is named. Raises HubError.

    A missing Space is created with them, since each change of one that is there starts it again; its hardware is
    FREE_HARDWARE unless another is named.
    """
    from huggingface_hub import HfApi

    api = HfApi()

    def work() -> None:
        if not api.repo_exists(repo, repo_type="space"):
            api.create_repo(
                repo,
                repo_type="space",
                space_sdk="gradio",
                private=private or None,
                space_hardware=hardware or FREE_HARDWARE,
                space_variables=[{"key": key, "value": value} for key, value in variables.items()],
            )
            return
        known = {key: variable.value for key, variable in api.get_space_variables(repo).items()}
        for key, value in variables.items():
            if known.get(key) != value:
                api.add_space_variable(repo, key, value)
        if hardware and api.get_space_runtime(repo).requested_hardware != hardware:
            api.request_space_hardware(repo, hardware)

    _translate_errors(repo, work)


def _inspect(repo: str, revision: str | None, token: str | None) -> Remote:
    from huggingface_hub import HfApi

    info = HfApi(token=token).model_info(repo, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or [] if file.rfilename in (*FILES, CARD)}
    if missing := sorted(set(FILES) - sizes.keys()):
        raise HubError(repo, f"it is not a bundle: {missing[0]} is missing", "Check the name and the revision.")
    if sum(sizes.values()) > MAX_BYTES:
        raise HubError(repo, f"its files have {sum(sizes.values()):,} bytes", f"At most {MAX_BYTES:,} are fetched.")
    return Remote(info.sha, bool(info.private), sorted(sizes))


def _cached(repo: str, revision: str | None, cache_dir: str | Path | None) -> Path | None:
    """The folder in the client's cache, if all files of the bundle are there."""
    from huggingface_hub import snapshot_download

    options = {"cache_dir": cache_dir, "local_files_only": True}
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=list(FILES), **options))
    except (OSError, ValueError):  # LocalEntryNotFoundError, and a malformed name
        return None
    return folder if all((folder / name).is_file() for name in FILES) else None


def _within(deadline: float | None, repo: str, work: Callable[[], Any]) -> Any:
    """work(), with a deadline in a daemon thread, which is abandoned when it passes. Raises HubError."""
    if deadline is None:
        return _translate_errors(repo, work)
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
    if status == 429:
        return "the Hub's rate limit is exceeded", "Try again in some minutes."
    said = " ".join((getattr(error, "server_message", None) or "").split()).rstrip(".")
    if status in (402, 403):  # the Hub says what it wants: a plan, a permission, another kind of hardware
        remedy = "HF_TOKEN needs write access to it." if status == 403 else "See docs/spaces.md for what is free."
        return f"the Hub refuses{': ' + said if said else ' this'}", remedy
    if status is not None:
        return f"the Hub answered with status {status}{': ' + said if said else ''}", "Try again later."
    text = str(error).strip().splitlines()
    line = text[0].rstrip(".") if text else ""
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return f"a file could not be written ({line})", "Free some space or set HF_HOME to another folder."
    problem = f"the Hub could not be reached ({type(error).__name__}{': ' + line if line else ''})"
    return problem, "Check the network; with HF_HUB_DISABLE_XET=1 the client does without the Hub's Xet servers."
