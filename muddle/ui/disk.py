"""The disk, which nothing here needs: so a full one, or one that cannot be written to, stops nothing either."""

import os
import tempfile
from pathlib import Path

from muddle.ui.log import log

SHARED_MEMORY = Path("/dev/shm")


def need_none() -> None:
    """Names a directory for temporary files where none can be written to: torch and gradio ask for its name, and
    gradio makes an empty folder in it.

    To be called before they are imported.
    """
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else os.sep
        log.warning("the disk is full or cannot be written to; nothing here needs it")
