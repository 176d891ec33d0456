"""The Draw tab, in a real browser."""

import base64
import io
import time

import numpy as np
import pytest
from support.browser import RESULT, muddle_pixels, open_tab, pixels, shown, wait_for_another
from PIL import Image, ImageDraw

SEVEN = [(70, 70), (210, 70), (120, 220)]
BAR = [(100, 150), (180, 150)]
PAD, SEEN, READING = "#pad .pad", "#pad .seen", "#pad .reading"


@pytest.fixture
def drawing(visit):
    page = visit()
    open_tab(page, "Draw")
    page.wait_for_selector(PAD)
    return page


def stroke(page, points):
    box = page.locator(PAD).bounding_box()
    scale = box["width"] / 280
    page.mouse.move(box["x"] + points[0][0] * scale, box["y"] + points[0][1] * scale)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=8)
    page.mouse.up()


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


def test_a_drawing_is_shown_as_the_network_sees_it_and_muddled(drawing, muddler):
    page = drawing
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see a 7")
    seen = pixels(page, SEEN)
    grey = np.array(seen).reshape(28, 28)
    ink = np.argwhere(grey > 0)
    assert max(np.ptp(ink, axis=0)) + 1 == 20
    before = shown(page)
    page.click("#muddle-drawing")
    wait_for_another(page, before)
    assert shown(page).startswith("7-")
    assert pixels(page, f"{RESULT} .source canvas") == seen
    assert "your drawing, read as a" in page.inner_text(f"{RESULT} .source")
    assert muddle_pixels(page) == muddler.muddle_image(grey.astype(np.uint8), 7, seed=27).image.flatten().tolist()


def test_a_drawing_has_a_link_that_alone_reproduces_it(drawing, visit):
    page = drawing
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see")
    before = shown(page)
    page.locator("#its-target label", has_text="2").click()
    page.click("#muddle-drawing")
    wait_for_another(page, before)
    page.wait_for_function("location.search.includes('image=')")
    other = visit("/" + page.evaluate("location.search"))
    assert muddle_pixels(other) == muddle_pixels(page)
    other.wait_for_selector(PAD)
    assert pixels(other, SEEN) == pixels(page, SEEN)
    assert other.locator("#its-target input:checked").input_value() == "2"
    before = shown(other)
    other.click("#another")  # the drawing came along: it can be gone on with
    wait_for_another(other, before)
    assert pixels(other, f"{RESULT} .source canvas") == pixels(page, SEEN)


def test_a_stroke_can_be_undone_and_all_cleared(drawing):
    page = drawing
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see")
    first = pixels(page, SEEN)
    stroke(page, BAR)
    page.wait_for_timeout(600)
    assert pixels(page, SEEN) != first
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(600)
    assert pixels(page, SEEN) == first
    page.get_by_role("button", name="Clear").click()
    assert not any(pixels(page, SEEN))
    wait_for_reading(page, "Nothing yet")


def test_a_finger_draws_as_a_mouse_does(drawing):
    page = drawing
    box = page.locator(PAD).bounding_box()
    for kind, (x, y) in [("pointerdown", SEVEN[0]), *(("pointermove", p) for p in SEVEN[1:]), ("pointerup", SEVEN[-1])]:
        at = {"clientX": box["x"] + x * box["width"] / 280, "clientY": box["y"] + y * box["width"] / 280}
        page.evaluate("s => { document.querySelector(s).setPointerCapture = () => {}; }", PAD)
        page.dispatch_event(PAD, kind, {**at, "pointerType": "touch", "pointerId": 5, "isPrimary": True, "button": 0})
    wait_for_reading(page, "The judges see a 7")


def test_without_a_drawing_the_button_says_what_to_do(drawing):
    page = drawing
    before = shown(page)
    page.click("#muddle-drawing")
    page.get_by_text("Draw a digit or upload a photo first").wait_for()
    assert shown(page) == before


GOOD = {
    "a photo": picture(),
    "colour on colour": picture(paper="khaki", ink="crimson"),
    "white on black": picture(paper="black", ink="white"),
    "transparent": picture("RGBA", paper=(0, 0, 0, 0), ink=(0, 0, 0, 255)),
    "a large JPEG": picture(size=(3000, 4000), format="JPEG"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_of_a_seven_is_seen_as_one(drawing, name):
    upload(drawing, GOOD[name])
    wait_for_reading(drawing, "The judges see a 7")


BAD = {
    "empty": (picture(ink=None), "there must be a digit on it"),
    "all black": (picture(paper="black", ink=None), "there must be a digit on it"),
    "all transparent": (picture("RGBA", paper=(0, 0, 0, 0), ink=None), "there must be a digit on it"),
    "not an image": (b"a letter", "is not a picture that this browser can open"),
    "a broken one": (picture()[:300], "is not a picture that this browser can open"),
    "nothing": (b"", "is not a picture that this browser can open"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_a_sentence_and_the_next_one_works(drawing, name):
    data, text = BAD[name]
    upload(drawing, data)
    wait_for_reading(drawing, text)
    assert "wrong" in drawing.get_attribute(READING, "class")
    upload(drawing, picture())
    wait_for_reading(drawing, "The judges see a 7")


def test_a_huge_picture_is_seen_or_is_a_sentence(drawing):
    image = Image.new("L", (20_000, 20_000))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    upload(drawing, buffer.getvalue())
    drawing.wait_for_selector(f"{READING}.wrong")


def test_a_picture_can_be_pasted(drawing):
    script = """async (data) => {
      const blob = await (await fetch(data)).blob();
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }"""
    drawing.evaluate(script, "data:image/png;base64," + base64.b64encode(picture()).decode())
    wait_for_reading(drawing, "The judges see a 7")


def test_a_server_that_is_gone_is_a_sentence_and_the_drawing_stays(drawing, visit):
    visit.expected += ["503", "component server"]
    page = drawing
    page.route("**/component_server/", lambda route: route.fulfill(status=503, body="gone"))
    stroke(page, SEVEN)
    wait_for_reading(page, "Your drawing is still here")
    page.unroute("**/component_server/")
    stroke(page, BAR)
    wait_for_reading(page, "The judges see")


def test_a_second_finger_does_not_draw(drawing):
    page = drawing
    box = page.locator(PAD).bounding_box()
    page.evaluate("s => { document.querySelector(s).setPointerCapture = () => {}; }", PAD)

    def touch(kind, finger, x, y):
        at = {"clientX": box["x"] + x * box["width"] / 280, "clientY": box["y"] + y * box["width"] / 280}
        page.dispatch_event(PAD, kind, {**at, "pointerType": "touch", "pointerId": finger, "button": 0})

    for kind, finger, x, y in [
        ("pointerdown", 5, 140, 40), ("pointerdown", 6, 20, 40), ("pointermove", 5, 140, 150),
        ("pointermove", 6, 20, 240), ("pointerup", 6, 20, 240), ("pointermove", 5, 140, 240),
        ("pointerup", 5, 140, 240),
    ]:  # fmt: skip
        touch(kind, finger, x, y)
    wait_for_reading(page, "The judges see a 1")


def test_what_is_muddled_is_what_is_on_the_pad(drawing):
    page = drawing
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see a 7")
    before = shown(page)
    page.route("**/component_server/", lambda route: (time.sleep(1), route.continue_()))
    stroke(page, BAR)
    page.click("#muddle-drawing")  # before the pad knows what the network sees in the new drawing
    page.wait_for_function("([s, b]) => document.querySelector(s).dataset.muddle !== b", arg=[RESULT, before])
    assert pixels(page, f"{RESULT} .source canvas") == pixels(page, SEEN)


def test_a_drawing_that_is_cleared_under_the_pen_starts_anew(drawing):
    page = drawing
    box = page.locator(PAD).bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.evaluate("document.querySelector('#pad .clear').click()")
    page.mouse.move(box["x"] + 150, box["y"] + 150, steps=4)
    page.mouse.up()
    stroke(page, SEVEN)
    wait_for_reading(page, "The judges see a 7")
