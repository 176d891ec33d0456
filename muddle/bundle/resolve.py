"""Choose the bundle to use: the one that is named, else the environment's, else the embedded one."""

import os
from pathlib import Path
from typing import Any

from muddle.bundle import hub
from muddle.bundle.files import EMBEDDED, Bundle, load_bundle
from muddle.errors import BundleError, MuddleError
from muddle.result import Origin


def resolve_bundle(source: str | Path | None = None, revision: str | None = None, **download: Any) -> Bundle:
    """The bundle of a folder or a Hub repository. None: $MUDDLE_REPO at $MUDDLE_REVISION, else the embedded bundle.

    download: options of hub.fetch.

    A named source that cannot be loaded is an error. If the environment's cannot be, the embedded bundle is used
    instead, and its `origin.note` says why.
    """
    if source is not None:
        return _load(str(source), revision, download)
    preferred = os.environ.get("MUDDLE_REPO", "").strip()
    if not preferred:
        return load_bundle(EMBEDDED)
    try:
        return _load(preferred, os.environ.get("MUDDLE_REVISION", "").strip() or None, download)
    except MuddleError as error:
        return load_bundle(EMBEDDED, Origin("embedded", note=f"{preferred} could not be used. {error}"))


def _load(source: str, revision: str | None, download: dict[str, Any]) -> Bundle:
    folder = Path(source)
    if folder.is_dir():
        return load_bundle(folder, Origin(str(folder)))
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        return load_bundle(folder)  # raises: there is none
    fetched = hub.fetch(source, revision, **download)
    try:
        return load_bundle(fetched, Origin(source, hub.revision_of(fetched) or revision))
    except BundleError:  # corrupted by the download or since: the next start downloads again
        hub.forget(fetched)
        raise
