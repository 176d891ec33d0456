"""Plain requests, and their answers whatever the status."""

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


def call(app, name, values):
    """Error code, or None, and content of the answer to a call of the API.

    values: by position in a list, by name in a dictionary.
    """
    by_name = isinstance(values, dict)
    way, body = ("call/v2", values) if by_name else ("call", {"data": values})
    status, code, answer = post(f"{app}/gradio_api/{way}/{name}", body)
    if status != 200:
        return code, answer
    with urllib.request.urlopen(f"{app}/gradio_api/call/{name}/{answer['event_id']}", timeout=60) as stream:
        lines = (line.decode().rstrip("\n") for line in stream)
        event = next(line for line in lines if line in ("event: complete", "event: error"))
        content = json.loads(next(lines).removeprefix("data: "))
    return (None, content[0]) if event == "event: complete" else (content["title"], content)
