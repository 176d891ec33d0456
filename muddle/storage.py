"""Files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path

PARTIAL = ".part"  # the end of a file's name while it is written, or when that was interrupted


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, in the place of one of that name. Raises OSError, and then what was there is still there."""
    part = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
