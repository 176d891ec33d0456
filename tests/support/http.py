"""Requests as plain as can be, and their answers whatever the status."""

import json
import urllib.error
import urllib.request


def ask(address, body=None, method=None, **headers):
    """Status, headers and body of an answer."""
    try:
        request = urllib.request.Request(address, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def post(address, body, kind="application/json"):
    """Status, error code and JSON of the answer to a JSON, or to bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, headers, answer = ask(address, data, **{"Content-Type": kind})
    return status, headers["X-Error-Code"], json.loads(answer)
