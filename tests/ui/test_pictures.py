"""Odd and hostile pictures, by every way in: read, or refused in a sentence."""

import base64
import functools
import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.http import call, post

SIDE = 50_000


def seven(mode="L", size=300):
    picture = Image.new("L", (size, size), 255)
    points = [(size * x // 280, size * y // 280) for x, y in [(70, 70), (210, 70), (120, 220)]]
    ImageDraw.Draw(picture).line(points, fill=0, width=size // 12, joint="curve")
    return picture.convert(mode)


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb():
    """A whole PNG of 50,000 x 50,000 white pixels in a third of a megabyte, 312 MB when it is unpacked."""
    pack, row = zlib.compressobj(9), b"\0" + b"\xff" * (SIDE // 8)
    data = b"".join(pack.compress(row * 1000) for _ in range(SIDE // 1000)) + pack.flush()
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_chunk(name, data):
    """The seven as a PNG with one more chunk before its pixels."""
    whole = saved(seven(), "PNG")
    return whole[:33] + chunk(name, data) + whole[33:]


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(seven("RGB").rotate(90), "JPEG", exif=exif, quality=95)


def deep():
    levels = np.asarray(seven()).astype(np.uint16) * 257
    return saved(Image.fromarray(levels), "PNG")


def animated(mode, kind):
    return saved(seven(mode), kind, save_all=True, append_images=[seven(mode).rotate(180)] * 20)


def swelling(name):
    """A chunk of 50 kilobytes that is 50 megabytes when it is unpacked."""
    return with_chunk(name, b"x\0\0" + zlib.compress(bytes(50_000_000), 9))


GOOD = {
    "PNG": lambda: saved(seven(), "PNG"),
    "PNG with a web page behind it": lambda: saved(seven(), "PNG") + b"<script>alert(1)</script>",
    "GIF with a script behind it": lambda: saved(seven(), "GIF") + b"=1;alert(1)",
    "JPEG with an archive behind it": lambda: saved(seven(), "JPEG", quality=95) + b"PK\x05\x06" + bytes(18),
    "animated GIF": lambda: animated("L", "GIF"),
    "animated PNG": lambda: animated("L", "PNG"),
    "animated WebP": lambda: animated("RGB", "WEBP"),
    "turned by EXIF": turned,
    "16 bits": deep,
    "1 bit": lambda: saved(seven("1"), "PNG"),
    "palette": lambda: saved(seven("P"), "PNG"),
    "CMYK": lambda: saved(seven("CMYK"), "JPEG", quality=95),
}
BAD = {
    "nothing": lambda: b"",
    "SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='http://127.0.0.1/'/></svg>",
    "half a PNG": lambda: saved(seven(), "PNG")[:200],
    "50,000 x 50,000 pixels": bomb,
    "a text that swells": lambda: swelling(b"zTXt"),
    "a profile that swells": lambda: swelling(b"iCCP"),
    "a web page": lambda: b"<!doctype html><script>alert(1)</script>",
}


@functools.cache
def made(make):
    """A picture, once for all ways in."""
    return make()


def uri(data):
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def by_api(app, data):
    code, answer = call(app, "muddle_image", {"image": uri(data)})
    return (answer["digit"], "") if code is None else (None, answer["error"])


def by_mcp(app, data):
    called = {"name": "muddle_image", "arguments": {"image": uri(data)}}
    _, _, answer = post(f"{app}/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called})
    content = answer["result"]["content"]
    failed = answer["result"]["isError"]
    return (None, content[0]["text"]) if failed else (json.loads(content[1]["text"])["digit"], "")


def by_pad(app, data):
    status, code, answer = post(f"{app}/page/reading", base64.b64encode(data).decode())
    assert (status, code) in [(200, None), (400, "bad-image")]
    return answer.get("order", [None])[0], answer.get("error", "")


WAYS = [by_api, by_mcp, by_pad]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", GOOD)
def test_a_seven_is_one_whatever_file_it_comes_in(app, name, way):
    assert way(app, made(GOOD[name])) == (7, "")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_of_a_digit_is_a_short_sentence(app, name, way):
    digit, text = way(app, made(BAD[name]))
    assert digit is None
    assert text.endswith(".")
    assert len(text) < 300
