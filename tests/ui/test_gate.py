import json

from support.loops import finished

from muddle.errors import BusyError
from muddle.ui.gate import Answer


def test_a_refusal_has_a_sentence_a_code_and_when_to_come_back():
    sent = []

    async def send(message):
        sent.append(message)

    finished(Answer(send, plain=False, job=False).refuse(BusyError(7, "Too much is being sent here.")))
    start, body = sent
    headers = dict(start["headers"])
    assert (start["status"], headers[b"x-error-code"], headers[b"retry-after"]) == (503, b"busy", b"7")
    assert json.loads(body["body"]) == {"error": "Too much is being sent here. Try again in 7 s.", "title": "busy"}
