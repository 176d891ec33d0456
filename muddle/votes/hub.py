"""Votes on the Hugging Face Hub: a data set that grows by commits from a folder."""

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from muddle.errors import DataError

EVERY = 5.0  # minutes between two commits: what a kill can lose
log = logging.getLogger(__name__)


class Uploads:
    """Commits a folder's files, which only grow, to a data set, again and again. While the Hub is away it goes on."""

    def __init__(self, repo: str, folder: Path, every: float = EVERY):
        self.repo, self.folder, self.every = repo, folder, every
        self._scheduler: Any = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._begin, daemon=True, name=f"votes for {repo}")
        self._thread.start()

    @property
    def lock(self) -> AbstractContextManager:
        """To be held while a file of the folder is written."""
        return self._scheduler.lock if self._scheduler else nullcontext()

    def _begin(self) -> None:
        """Start the scheduler, which needs the Hub for it; try again until it is there, and once more at the end."""
        from huggingface_hub import CommitScheduler

        options = {"repo_id": self.repo, "repo_type": "dataset", "folder_path": self.folder, "every": self.every}
        while True:
            last = self._closed.is_set()
            try:
                self._scheduler = CommitScheduler(**options)
                return
            except Exception as error:  # the client's own, its HTTP library's
                log.warning("votes wait here: %s cannot be written (%s)", self.repo, type(error).__name__)
            if last:
                return
            self._closed.wait(60 * self.every)

    def close(self, seconds: float) -> bool:
        """Commit what is not committed yet, within so many seconds; whether it was."""
        self._closed.set()
        self._thread.join(seconds)
        if self._scheduler is None:
            return False
        try:
            self._scheduler.trigger().result(timeout=seconds)
            return True
        except Exception:  # the client's own, or it takes too long
            return False
        finally:
            self._scheduler.stop()


def fetch_votes(repo: str, seconds: float | None = None) -> Path:
    """The folder of a data set of votes, downloaded. Raises DataError."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        HfApi().dataset_info(repo, timeout=seconds)
        return Path(snapshot_download(repo, repo_type="dataset", allow_patterns=["data/*.jsonl"]))
    except Exception as error:
        raise DataError(f"{repo}: the votes cannot be read ({type(error).__name__}). Is the name right?") from error
