"""Choose the bundle to use: the one that is named, else the environment's, else the embedded one."""

import os
from pathlib import Path

from muddle.bundle import hub
from muddle.bundle.files import EMBEDDED, Bundle, load_bundle
from muddle.errors import BundleError, MuddleError
from muddle.result import Origin


def resolve_bundle(source: str | Path | None = None, revision: str | None = None) -> Bundle:
    """The bundle of a folder or a Hub repository. None: $MUDDLE_REPO at $MUDDLE_REVISION, else the embedded bundle.

    A source that is named must be had, or it is an error. The environment's is a wish: when it cannot be had, the
    embedded bundle serves, and its `origin.note` says why.
    """
    if source is not None:
        return _load(str(source), revision)
    wished = os.environ.get("MUDDLE_REPO", "").strip()
    if not wished:
        return load_bundle(EMBEDDED)
    try:
        return _load(wished, os.environ.get("MUDDLE_REVISION", "").strip() or None)
    except MuddleError as error:
        return load_bundle(EMBEDDED, Origin("embedded", note=f"{wished} could not be used. {error}"))


def _load(source: str, revision: str | None) -> Bundle:
    folder = Path(source)
    if folder.is_dir():
        return load_bundle(folder, Origin(str(folder)))
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        return load_bundle(folder)  # says what is missing
    fetched = hub.fetch(source, revision)
    try:
        return load_bundle(fetched, Origin(source, hub.revision_of(fetched) or revision))
    except BundleError:  # downloaded wrongly, or spoilt since: the next start shall not find it again
        hub.forget(fetched)
        raise
