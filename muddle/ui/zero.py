"""ZeroGPU, the hardware of free Spaces: it starts only an app in which something asks for a GPU. Ours needs none."""

import os
from collections.abc import Callable


def ask_for_nothing() -> Callable[[], None] | None:
    """On ZeroGPU a function that asks for a GPU and is never called; elsewhere None, and `spaces` is not imported."""
    if os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("true", "1"):
        return None
    import spaces  # there, and only there, the platform installs it

    return spaces.GPU(lambda: None)
