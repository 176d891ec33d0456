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
    open_tab,
    pixels,
    shown,
)

from muddle.ui import OPENING

SEVEN = [(70, 70), (210, 70), (120, 220)]
BAR = [(100, 150), (180, 150)]
PAD, SEEN, READING, CHOICES = "#draw .pad", "#draw .seen", "#draw .reading", "#draw .choices"
SERVER = "**/page/reading"


def open_pad(page):
    open_tab(page, "Draw")
    page.wait_for_selector(PAD)
    return page


@pytest.fixture
def pad(opening):
    """The Draw tab with an empty pad, shared by the tests that muddle nothing."""
    open_pad(opening)
    opening.evaluate("document.querySelector('#draw .clear').click()")  # which is disabled on an empty pad
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
    """Wait until the pad knows what the networks see in its drawing."""
    page.wait_for_selector(f"{CHOICES}:not([hidden])")


def blend(page, target):
    page.locator(f"{CHOICES} [aria-label='{target}']").click()


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
    page.set_input_files("#draw input[type=file]", {"name": name, "mimeType": kind, "buffer": data})


def test_a_drawing_is_shown_as_the_network_sees_it_and_one_tap_blends_it_into_a_link(visit, muddler):
    page = open_pad(visit())
    assert page.locator(SEEN).is_hidden()
    stroke(page, SEVEN)
    wait_for_reading(page, "The networks read a 7. Blend it with")
    seen = pixels(page, SEEN)
    grey = np.array(seen, np.uint8).reshape(28, 28)
    assert max(np.ptp(np.argwhere(grey > 0), axis=0)) + 1 == 20
    order = muddler.nearest_digits(grey)
    assert page.locator(f"{CHOICES} button").all_inner_texts()[:9] == [str(d) for d in order if d != 7]
    with another_muddle(page):
        blend(page, 2)
    assert shown(page)["target"] == "2"
    assert pixels(page, CANVAS["source"]) == seen
    m = muddler.muddle_image(grey, 7, 2, seed=OPENING.seed)
    assert pixels(page, CANVAS["muddle"]) == m.image.flatten().tolist()
    assert "your drawing" in page.inner_text(f"{RESULT} .source")
    assert address_fields(page) == shown(page)

    other = visit("/?" + page.url.partition("?")[2])
    other.wait_for_selector(PAD)
    assert pixels(other, CANVAS["muddle"]) == pixels(page, CANVAS["muddle"])
    prepare(other)
    assert pixels(other, SEEN) == seen
    with another_muddle(other):
        blend(other, 3)  # the drawing came along: the visitor can go on with it
    assert pixels(other, CANVAS["source"]) == seen
    other.locator(f"{RESULT} .end").last.click()
    with another_muddle(other):
        other.get_by_role("button", name="Another 3").click()
    assert pixels(other, CANVAS["source"]) == seen
    assert other.get_by_role("tab", name="Draw", selected=True).count() == 1


def test_what_is_blended_is_what_is_on_the_pad(visit):
    page = open_pad(visit())
    stroke(page, SEVEN)
    prepare(page)
    before = pixels(page, SEEN)
    held = []
    page.route(SERVER, lambda route: held.append(route))
    with page.expect_request(SERVER):
        stroke(page, BAR)
    assert page.locator(CHOICES).is_hidden()  # until the pad knows what the networks see in the new drawing
    for route in held:
        route.continue_()
    page.unroute(SERVER)
    prepare(page)
    assert pixels(page, SEEN) != before
    with another_muddle(page):
        blend(page, 2)
    assert pixels(page, CANVAS["source"]) == pixels(page, SEEN)


def test_what_the_networks_read_can_be_denied(visit):
    page = open_pad(visit())
    stroke(page, SEVEN)
    wait_for_reading(page, "The networks read a 7")
    page.get_by_role("button", name="not a 7").click()
    wait_for_reading(page, "Hm. Which digit is it?")
    assert page.locator(f"{CHOICES} button").all_inner_texts() == [str(digit) for digit in range(10)]
    page.locator(f"{CHOICES} [aria-label='1']").click()
    with another_muddle(page):
        blend(page, 4)
    assert shown(page).items() >= {"digit": "1", "target": "4"}.items()


def test_whoever_cannot_draw_takes_an_example(visit):
    page = open_pad(visit())
    page.get_by_role("button", name="Take an example").click()
    prepare(page)
    seen = pixels(page, SEEN)
    assert max(seen) > 100
    with another_muddle(page):
        page.locator(f"{CHOICES} button").first.click()
    assert pixels(page, CANVAS["source"]) == seen


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
    pad.click("#draw .clear")
    assert pad.locator(SEEN).is_hidden()
    assert pad.get_by_role("button", name="Undo").is_disabled()
    wait_for_reading(pad, "Write a digit")


def touch(page, kind, finger, x, y):
    box = page.locator(PAD).bounding_box()
    at = {"clientX": box["x"] + x * box["width"] / 280, "clientY": box["y"] + y * box["width"] / 280}
    page.evaluate("s => { document.querySelector(s).setPointerCapture = () => {}; }", PAD)  # it wants a real finger
    page.dispatch_event(PAD, kind, {**at, "pointerType": "touch", "pointerId": finger, "button": 0})


def test_a_finger_draws_as_a_mouse_does(pad):
    for kind, (x, y) in [("pointerdown", SEVEN[0]), *(("pointermove", p) for p in SEVEN[1:]), ("pointerup", SEVEN[-1])]:
        touch(pad, kind, 5, x, y)
    wait_for_reading(pad, "The networks read a 7")


def test_the_networks_read_along_while_the_pen_moves(pad):
    box = pad.locator(PAD).bounding_box()
    pad.mouse.move(box["x"] + 70, box["y"] + 70)
    pad.mouse.down()
    for x, y in SEVEN[1:]:
        pad.mouse.move(box["x"] + x * box["width"] / 280, box["y"] + y * box["width"] / 280, steps=8)
    wait_for_reading(pad, "a 7 so far")
    assert pad.locator(SEEN).is_visible()
    assert pad.locator(CHOICES).is_hidden()  # until the pen is lifted
    pad.mouse.up()
    wait_for_reading(pad, "The networks read a 7. Blend it with")


def test_a_second_finger_does_not_draw(pad):
    for kind, finger, x, y in [
        ("pointerdown", 5, 140, 40), ("pointerdown", 6, 20, 40), ("pointermove", 5, 140, 150),
        ("pointermove", 6, 20, 240), ("pointerup", 6, 20, 240), ("pointermove", 5, 140, 240),
        ("pointerup", 5, 140, 240),
    ]:  # fmt: skip
        touch(pad, kind, finger, x, y)
    wait_for_reading(pad, "The networks read a 1")


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
    wait_for_reading(pad, "The networks read a 7")


BAD = {
    "empty": picture(ink=None),
    "all black": picture(paper="black", ink=None),
    "all transparent": picture("RGBA", paper=(0, 0, 0, 0), ink=None),
    "not an image": b"a letter",
    "broken": picture()[:300],
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_a_sentence_and_the_next_one_works(pad, expected, name):
    expected += ["400"]  # the browser's own line about an answer that is an error
    upload(pad, BAD[name])
    pad.wait_for_selector(f"{READING}.wrong")
    assert pad.inner_text(READING).endswith(".")
    upload(pad, picture())
    wait_for_reading(pad, "The networks read a 7")
    assert "wrong" not in pad.get_attribute(READING, "class")


def test_a_huge_picture_is_a_sentence(pad, expected):
    expected += ["400"]
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
    wait_for_reading(pad, "The networks read a 7")


def test_a_drawing_that_is_cleared_under_the_pen_starts_anew(pad):
    box = pad.locator(PAD).bounding_box()
    pad.mouse.move(box["x"] + 50, box["y"] + 50)
    pad.mouse.down()
    pad.evaluate("document.querySelector('#draw .clear').click()")
    pad.mouse.move(box["x"] + 150, box["y"] + 150, steps=4)
    pad.mouse.up()
    stroke(pad, SEVEN)
    wait_for_reading(pad, "The networks read a 7")


def test_a_server_that_is_gone_is_a_sentence_and_the_drawing_stays(pad, expected):
    expected += ["503"]
    pad.route(SERVER, lambda route: route.fulfill(status=503, body="gone"))
    stroke(pad, SEVEN)
    wait_for_reading(pad, "Your drawing is still here")
    pad.unroute(SERVER)
    stroke(pad, BAR)
    prepare(pad)
