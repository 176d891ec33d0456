"""The Draw tab, in a real browser."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.browser import (
    CANVAS,
    RESULT,
    address_fields,
    another_muddle,
    checked,
    choose,
    open_tab,
    pixels,
    settle,
    shown,
)

from muddle.ui.page import OPENING

SEVEN = [(70, 70), (210, 70), (120, 220)]
BAR = [(100, 150), (180, 150)]
VIEW, PAD, SEEN, READING = "#pad .draw", "#pad .pad", "#pad .seen", "#pad .reading"
SERVER = "**/component_server/"


def open_pad(page):
    open_tab(page, "Draw")
    page.wait_for_selector(PAD)
    return page


@pytest.fixture
def pad(opening):
    """The Draw tab with an empty pad, shared by the tests that muddle nothing."""
    open_pad(opening)
    opening.click("#pad .clear")
    return opening


def stroke(page, points):
    box = page.locator(PAD).bounding_box()
    scale = box["width"] / 280
    page.mouse.move(box["x"] + points[0][0] * scale, box["y"] + points[0][1] * scale)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=8)
    page.mouse.up()


def prepare(page):
    """Wait until the pad knows what the network sees in its drawing."""
    page.eval_on_selector(VIEW, "view => view.preparing")


def wait_for_reading(page, text):
    script = "([s, t]) => document.querySelector(s).textContent.replaceAll('\\u00a0', ' ').includes(t)"
    page.wait_for_function(script, arg=[READING, text])


def picture(mode="RGB", size=(600, 800), paper="white", ink="navy", format="PNG"):
    """A file with a 7 drawn on it."""
    image = Image.new(mode, size, paper)
    if ink:
        points = [(size[0] * x // 280, size[1] * y // 280) for x, y in SEVEN]
        ImageDraw.Draw(image).line(points, fill=ink, width=size[0] // 14, joint="curve")
    buffer = io.BytesIO()
    image.save(buffer, format=format)
    return buffer.getvalue()


def upload(page, data, name="photo.png", kind="image/png"):
    page.set_input_files("#pad input[type=file]", {"name": name, "mimeType": kind, "buffer": data})


def test_a_drawing_is_shown_as_the_network_sees_it_and_its_muddle_has_a_link(visit, muddler):
    page = open_pad(visit())
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see a 7")
    seen = pixels(page, SEEN)
    grey = np.array(seen, np.uint8).reshape(28, 28)
    assert max(np.ptp(np.argwhere(grey > 0), axis=0)) + 1 == 20
    choose(page, "drawn-target", "2")
    with another_muddle(page):
        page.click("#muddle-drawing")
    assert shown(page)["target"] == "2"
    assert pixels(page, CANVAS["source"]) == seen
    m = muddler.muddle_image(grey, 7, 2, seed=OPENING.seed)
    assert pixels(page, CANVAS["muddle"]) == m.image.flatten().tolist()
    assert "your drawing, read as a" in page.inner_text(f"{RESULT} .source")
    assert address_fields(page) == shown(page)

    other = visit("/?" + page.url.partition("?")[2])
    other.wait_for_selector(PAD)
    assert pixels(other, CANVAS["muddle"]) == pixels(page, CANVAS["muddle"])
    assert pixels(other, SEEN) == seen
    assert (checked(other, "drawn-digit"), checked(other, "drawn-target")) == ("7", "2")
    with another_muddle(other):
        other.click("#again-drawing")  # the drawing came along: the visitor can go on with it
    assert pixels(other, CANVAS["source"]) == seen


def test_what_is_muddled_is_what_is_on_the_pad(visit):
    page = open_pad(visit())
    stroke(page, SEVEN)
    prepare(page)
    before = pixels(page, SEEN)
    held = []
    page.route(SERVER, lambda route: held.append(route))
    with page.expect_request(SERVER):
        stroke(page, BAR)
    with another_muddle(page):
        page.click("#muddle-drawing")  # before the pad knows what the network sees in the new drawing
        page.wait_for_selector(f"{RESULT}[aria-busy]", state="attached")
        held.pop().continue_()
    assert pixels(page, SEEN) != before
    assert pixels(page, CANVAS["source"]) == pixels(page, SEEN)


def test_a_stroke_can_be_undone_and_all_cleared(pad):
    stroke(pad, SEVEN)
    prepare(pad)
    first = pixels(pad, SEEN)
    stroke(pad, BAR)
    prepare(pad)
    assert pixels(pad, SEEN) != first
    pad.get_by_role("button", name="Undo").click()
    prepare(pad)
    assert pixels(pad, SEEN) == first
    pad.click("#pad .clear")
    assert not any(pixels(pad, SEEN))
    wait_for_reading(pad, "Nothing yet")


def touch(page, kind, finger, x, y):
    box = page.locator(PAD).bounding_box()
    at = {"clientX": box["x"] + x * box["width"] / 280, "clientY": box["y"] + y * box["width"] / 280}
    page.evaluate("s => { document.querySelector(s).setPointerCapture = () => {}; }", PAD)  # it wants a real finger
    page.dispatch_event(PAD, kind, {**at, "pointerType": "touch", "pointerId": finger, "button": 0})


def test_a_finger_draws_as_a_mouse_does(pad):
    for kind, (x, y) in [("pointerdown", SEVEN[0]), *(("pointermove", p) for p in SEVEN[1:]), ("pointerup", SEVEN[-1])]:
        touch(pad, kind, 5, x, y)
    wait_for_reading(pad, "The judges see a 7")


def test_a_second_finger_does_not_draw(pad):
    for kind, finger, x, y in [
        ("pointerdown", 5, 140, 40), ("pointerdown", 6, 20, 40), ("pointermove", 5, 140, 150),
        ("pointermove", 6, 20, 240), ("pointerup", 6, 20, 240), ("pointermove", 5, 140, 240),
        ("pointerup", 5, 140, 240),
    ]:  # fmt: skip
        touch(pad, kind, finger, x, y)
    wait_for_reading(pad, "The judges see a 1")


def test_without_a_drawing_the_button_says_what_to_do(pad):
    pad.click("#muddle-drawing")
    pad.get_by_text("Draw a digit or upload a photo first").wait_for()
    settle(pad)


GOOD = {
    "a photo": picture(),
    "colour on colour": picture(paper="khaki", ink="crimson"),
    "white on black": picture(paper="black", ink="white"),
    "transparent": picture("RGBA", paper=(0, 0, 0, 0), ink=(0, 0, 0, 255)),
    "a large JPEG": picture(size=(3000, 4000), format="JPEG"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_of_a_seven_is_seen_as_one(pad, name):
    upload(pad, GOOD[name])
    wait_for_reading(pad, "The judges see a 7")


BAD = {
    "empty": picture(ink=None),
    "all black": picture(paper="black", ink=None),
    "all transparent": picture("RGBA", paper=(0, 0, 0, 0), ink=None),
    "not an image": b"a letter",
    "broken": picture()[:300],
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_a_sentence_and_the_next_one_works(pad, name):
    upload(pad, BAD[name])
    pad.wait_for_selector(f"{READING}.wrong")
    assert pad.inner_text(READING).endswith(".")
    upload(pad, picture())
    wait_for_reading(pad, "The judges see a 7")
    assert "wrong" not in pad.get_attribute(READING, "class")


def test_a_huge_picture_is_a_sentence(pad):
    upload(pad, picture("1", (17_000, 17_000), paper=0, ink=None))
    pad.wait_for_selector(f"{READING}.wrong")


def test_a_picture_can_be_pasted(pad):
    script = """async (data) => {
      const blob = await (await fetch(data)).blob();
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }"""
    pad.evaluate(script, "data:image/png;base64," + base64.b64encode(picture()).decode())
    wait_for_reading(pad, "The judges see a 7")


def test_a_drawing_that_is_cleared_under_the_pen_starts_anew(pad):
    box = pad.locator(PAD).bounding_box()
    pad.mouse.move(box["x"] + 50, box["y"] + 50)
    pad.mouse.down()
    pad.evaluate("document.querySelector('#pad .clear').click()")
    pad.mouse.move(box["x"] + 150, box["y"] + 150, steps=4)
    pad.mouse.up()
    stroke(pad, SEVEN)
    wait_for_reading(pad, "The judges see a 7")


def test_a_server_that_is_gone_is_a_sentence_and_the_drawing_stays(pad, expected):
    expected += ["503", "component server"]
    pad.route(SERVER, lambda route: route.fulfill(status=503, body="gone"))
    stroke(pad, SEVEN)
    wait_for_reading(pad, "Your drawing is still here")
    pad.unroute(SERVER)
    stroke(pad, BAR)
    wait_for_reading(pad, "The judges see")
