"""The log: a line for each request, and what the app says of itself. No images, no addresses, no inputs."""

import logging
import sys

log = logging.getLogger("muddle")


def start_log() -> None:
    """Send the log to standard error, a line each: time, level, text."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
        log.addHandler(handler)
        log.propagate = False
    log.setLevel(logging.INFO)


def log_request(route: str, seconds: float, outcome: str) -> None:
    """Log one request: its route or event, how long it took, and "ok", a status or an error's code."""
    log.info("route=%s ms=%.0f outcome=%s", route, 1000 * seconds, outcome)
