"""Who asks, as far as taking turns needs it: an address, which is kept nowhere."""

from typing import Any

from gradio.context import LocalContext


def visitor_of(request: Any) -> str:
    """The address that a request comes from, a proxy's word before the connection's."""
    if request is None:
        return ""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    return forwarded[:60] or (request.client.host if request.client else "")


def visitor() -> str:
    """The same of the request that gradio is answering in this context."""
    return visitor_of(LocalContext.request.get(None))
