"""The Muddle tab and the result view, in a real browser."""

import io
import json
import re
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from support.browser import RESULT, downloaded, muddle_pixels, pixels, shown, wait_for_another
from support.processes import ROOT, environment
from PIL import Image

from muddle.export.serialize import project
from muddle.recipe import Recipe

USUAL = Recipe()


def test_a_muddle_is_there_when_the_page_opens(visit, muddler):
    page = visit()
    m = USUAL.make(muddler)
    assert page.title() == "MNIST Muddle"
    assert muddle_pixels(page) == m.image.flatten().tolist()
    assert pixels(page, f"{RESULT} .source canvas") == m.source.flatten().tolist()
    assert pixels(page, f"{RESULT} .partner canvas") == m.partner.flatten().tolist()
    assert f"a\u00a0{m.target}" in page.inner_text(f"{RESULT} .partner")
    assert page.locator(f"{RESULT} .tile").count() == 11
    assert re.match(r"4 or \d\? The judges say 4: \d+ %, \d: \d+ %", page.inner_text(f"{RESULT} .verdict"))
    criteria = page.locator(f"{RESULT} .criteria li").all_inner_texts()
    assert len(criteria) == 3
    assert all(re.match(r"[✓✗] .*: (yes|no)\n", text) for text in criteria)


def test_the_muddle_is_the_largest_of_the_three(visit):
    page = visit()
    sizes = {kind: page.locator(f"{RESULT} .{kind} canvas").bounding_box() for kind in ("source", "muddle", "partner")}
    assert sizes["muddle"]["width"] > 1.5 * sizes["source"]["width"]
    assert sizes["source"]["x"] < sizes["muddle"]["x"] < sizes["partner"]["x"]
    rendering = page.eval_on_selector(f"{RESULT} .muddle canvas", "c => getComputedStyle(c).imageRendering")
    assert rendering == "pixelated"


def test_choosing_a_digit_and_a_target_shows_their_muddle_at_once(visit):
    page = visit()
    before = shown(page)
    page.locator("#digit label", has_text="3").click()
    wait_for_another(page, before)
    before = shown(page)
    assert before.startswith("3-")
    page.locator("#target label", has_text="9").click()
    wait_for_another(page, before)
    assert shown(page) == "3-9-27-balanced-11"
    page.locator("#digit label", has_text="9").click()  # it cannot be mixed with itself: auto takes over
    wait_for_another(page, "3-9-27-balanced-11")
    assert page.locator("#target input:checked").input_value() == "auto"


def test_the_same_answer_again_is_an_answer(visit):
    page = visit()
    before = shown(page)
    page.evaluate(
        """selector => new MutationObserver(([change]) => window.busy = true)
          .observe(document.querySelector(selector), {attributeFilter: ["aria-busy"]})""",
        RESULT,
    )
    page.click("#muddle")  # the answer is remembered, so it may be there at once
    page.wait_for_function("() => window.busy")
    page.wait_for_selector(f"{RESULT}:not([aria-busy])")
    assert shown(page) == before


def test_quick_choices_end_in_what_the_controls_say(visit):
    page = visit("/?digit=2&target=8")
    for target, digit in (("5", "6"), ("7", "1"), ("3", "9")):
        page.locator("#target label", has_text=target).click()
        page.wait_for_timeout(60)
        page.locator("#digit label", has_text=digit).click()
        page.wait_for_timeout(1500)
        checked = [page.locator(f"#{name} input:checked").input_value() for name in ("digit", "target")]
        assert checked == [digit, target]
        assert shown(page).startswith(f"{digit}-{target}-")


def test_two_equal_digits_are_a_sentence(visit):
    page = visit()
    before = shown(page)
    page.locator("#target label", has_text="4").click()
    page.get_by_text("it must differ from the digit").wait_for()
    assert shown(page) == before


def test_strategy_steps_and_seed_can_be_chosen(visit):
    page = visit()
    before = shown(page)
    page.get_by_text("Strategy, steps and seed").click()
    page.locator("#strategy label", has_text="midpoint").click()
    page.locator("#seed input").fill("12")
    page.locator("#muddle").click()
    wait_for_another(page, before)
    assert shown(page).endswith("-12-midpoint-11")


def test_everything_can_be_done_with_the_keyboard_alone(visit):
    page = visit()
    before = shown(page)
    page.locator("#digit input").nth(4).focus()
    page.keyboard.press("ArrowRight")
    wait_for_another(page, before)
    before = shown(page)
    assert before.startswith("5-")
    ring = "getComputedStyle(document.activeElement.closest('label')).outlineStyle"
    assert page.evaluate(ring) == "solid"
    page.locator("#again").focus()
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    reached = set()
    page.locator("#again").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('#result') && document.activeElement.tagName"))
    assert {"BUTTON", "A", "INPUT", "CANVAS", "PRE"} <= reached


def test_again_draws_another_image_of_the_same_digit(visit):
    page = visit("/?digit=2&target=7")
    before, source = shown(page), pixels(page, f"{RESULT} .source canvas")
    page.click("#again")
    wait_for_another(page, before)
    assert shown(page).startswith("2-7-")
    assert pixels(page, f"{RESULT} .source canvas") != source


def test_a_wrong_value_is_a_sentence_and_the_result_stays(visit):
    page = visit()
    before = shown(page)
    page.get_by_text("Strategy, steps and seed").click()
    page.wait_for_timeout(500)  # gradio may still be setting the controls, and a person is not that quick
    page.locator("#source input").fill("3")
    page.keyboard.press("Tab")
    page.click("#muddle")
    page.get_by_text("that exemplar is a 0, not a 4").wait_for()
    page.wait_for_selector(f"{RESULT}:not([aria-busy])")
    assert shown(page) == before
    page.locator("#digit label", has_text="6").click()  # and the wrong value goes with the digit that it was for
    wait_for_another(page, before)
    assert page.locator("#source input").input_value() == ""


def test_the_slider_walks_the_path_without_asking_the_server(visit):
    page = visit()
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    slider = page.locator(f"{RESULT} input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    first = pixels(page, f"{RESULT} .along canvas")
    line = page.get_attribute(f"{RESULT} .chart .here", "x1")
    page.keyboard.press("End")
    assert pixels(page, f"{RESULT} .along canvas") != first
    assert (line, page.get_attribute(f"{RESULT} .chart .here", "x1")) == ("0", "100")
    assert "t = 1.00" in page.inner_text(f"{RESULT} .along .now")
    assert not [url for url in asked if "heartbeat" not in url]


def test_the_path_plays_as_a_loop_until_it_is_paused(visit):
    page = visit()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("s => +document.querySelector(s).value === 10", arg=f"{RESULT} input[type=range]")
    page.wait_for_function("s => +document.querySelector(s).value < 8", arg=f"{RESULT} input[type=range]")
    page.get_by_role("button", name="Pause").click()
    at = page.input_value(f"{RESULT} input[type=range]")
    page.wait_for_timeout(500)
    assert page.input_value(f"{RESULT} input[type=range]") == at


def test_a_tile_opens_by_keyboard_and_can_be_downloaded(visit, muddler):
    page = visit()
    page.locator(f"{RESULT} .tile").nth(2).focus()
    page.keyboard.press("Enter")
    dialog = page.locator(f"{RESULT} dialog")
    assert dialog.is_visible()
    page.keyboard.press("ArrowRight")
    assert "t = 0.30" in dialog.inner_text()
    name, data = downloaded(page, dialog.get_by_text("Download PNG").click)
    assert name.endswith("step-3.png")
    assert (grey(data)[10::20, 10::20] == USUAL.make(muddler).frames[3]).all()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_pick_is_marked_in_words(visit):
    page = visit("/?digit=4&target=9&strategy=midpoint&steps=11")
    marked = page.locator(f"{RESULT} .tile[aria-current]")
    assert marked.count() == 1
    assert "the muddle" in marked.inner_text()
    assert "t = 0.50" in marked.inner_text()


def test_a_muddle_off_the_path_is_explained_where_the_nearest_step_is_marked(visit):
    page = visit()
    assert "nearest" in page.inner_text(f"{RESULT} .tile[aria-current]")
    assert "★ marks the one nearest to the muddle" in page.inner_text(f"{RESULT} .all-steps .hint")


def grey(data):
    return np.array(Image.open(io.BytesIO(data)).convert("L"))


def test_everything_can_be_kept(visit, muddler):
    page = visit()
    m = USUAL.make(muddler)
    link = page.locator(f"{RESULT} .keep a")
    files = {text: downloaded(page, link.get_by_text(text, exact=True).click) for text in link.all_inner_texts()}
    assert set(files) == {"PNG, 28 px", "PNG, 560 px", "GIF", "WebP", "Strip", "JSON"}
    assert (grey(files["PNG, 28 px"][1]) == m.image).all()
    assert (grey(files["PNG, 560 px"][1])[10::20, 10::20] == m.image).all()
    assert (grey(files["GIF"][1])[5::10, 5::10] == m.frames[0]).all()
    assert Image.open(io.BytesIO(files["WebP"][1])).is_animated
    assert (grey(files["Strip"][1])[2::4, 2::4] == np.concatenate(m.frames, axis=1)).all()
    assert json.loads(files["JSON"][1])["soft_label"] == m.soft_label.tolist()
    name = f"muddle-4-{m.target}-seed-27"
    assert {file for file, _ in files.values()} == {
        f"{name}-28.png", f"{name}-560.png", f"{name}.gif", f"{name}.webp", f"{name}-strip.png", f"{name}.json",
    }  # fmt: skip


def test_the_code_that_is_shown_gives_what_is_shown(visit, muddler, tmp_path):
    page = visit("/?digit=8&target=3&seed=21&steps=6&balance=0.3")
    m = muddler.muddle(8, 3, seed=21, steps=6, balance=0.3)
    panel = page.locator(f"{RESULT} [role=tabpanel]")
    python = panel.inner_text() + "\nimport sys; sys.stdout.write(m.image.tobytes().hex())"
    said = subprocess.run(
        [sys.executable, "-c", python], env=environment(PYTHONPATH=str(ROOT)), cwd=tmp_path, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip
    assert said.endswith(m.image.tobytes().hex())
    page.get_by_role("tab", name="Python").focus()
    page.keyboard.press("ArrowRight")
    said = subprocess.run(
        ["bash", "-euc", panel.inner_text()], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(said)["soft_label"] == m.soft_label.tolist()
    assert (grey((tmp_path / "muddle.png").read_bytes())[5::10, 5::10] == m.image).all()
    page.keyboard.press("ArrowRight")
    answer = page.evaluate(f"(async () => {{ {panel.inner_text().replace('console.log', 'void')} return m; }})()")
    assert answer["soft_label"] == m.soft_label.tolist()


def place_on_canvas(page, muddler, index):
    box = page.locator(f"{RESULT} .map").bounding_box()
    x, y = project(muddler.bundle.exemplars.codes[[index]].numpy(), muddler)[0]
    return {"x": box["width"] * (0.5 + 0.475 * x), "y": box["height"] * (0.5 - 0.475 * y)}


def lonely(muddler):
    """The exemplar that is farthest from its nearest neighbour on the map, so that a click finds it and no other."""
    places = np.array(project(muddler.bundle.exemplars.codes.numpy(), muddler))
    apart = [np.partition(((places - place) ** 2).sum(1), 1)[1] for place in places]
    return int(np.argmax(apart))


def test_a_point_of_the_map_becomes_the_source(visit, muddler):
    page = visit()
    before = shown(page)
    index = lonely(muddler)
    label = int(muddler.bundle.exemplars.labels[index])
    with page.expect_response(lambda r: r.url.endswith("exemplars.png")):
        page.hover(f"{RESULT} .map", position=place_on_canvas(page, muddler, index))
    page.wait_for_selector(f"{RESULT} .tip:not([hidden])")
    image = muddler.bundle.exemplars.images[index].flatten().tolist()
    assert pixels(page, f"{RESULT} .tip") == image
    page.click(f"{RESULT} .map", position=place_on_canvas(page, muddler, index))
    wait_for_another(page, before)
    assert pixels(page, f"{RESULT} .source canvas") == image
    assert page.locator("#digit input:checked").input_value() == str(label)
    page.wait_for_function("i => location.search.includes(`source=${i}`)", arg=index)
    again = visit("/" + page.evaluate("location.search"))
    assert muddle_pixels(again) == muddle_pixels(page)


def test_the_map_can_be_walked_with_the_keyboard(visit):
    page = visit("/?digit=4&seed=7")
    before = shown(page)
    page.focus(f"{RESULT} .map")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    said = page.inner_text(f"{RESULT} .latent-map .said")
    label = re.match(r"an?\s(\d): click it or press Enter", said)[1]
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    assert shown(page).startswith(f"{label}-")
    assert "Taken" in page.inner_text(f"{RESULT} .latent-map .said")
    assert page.evaluate("document.activeElement.className") == "map"  # and one can go on from there


def test_the_path_on_the_map_moves_with_the_slider(visit):
    page = visit()
    picture = "c => c.toDataURL()"
    before = page.eval_on_selector(f"{RESULT} .map", picture)
    page.focus(f"{RESULT} input[type=range]")
    page.keyboard.press("End")
    assert page.eval_on_selector(f"{RESULT} .map", picture) != before


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_wider_than_the_screen(visit, width):
    page = visit(viewport={"width": width, "height": 844})
    for tab in ("Draw", "All pairs", "Guess", "About", "Muddle"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_about_says_what_how_good_and_by_whom(visit, muddler):
    page = visit()
    page.get_by_role("tab", name="About").click()
    about = page.locator("#about")
    about.get_by_role("heading", name="How good it is").wait_for()
    split = muddler.bundle.report["strategies"]["balanced"]["split"]["value"]
    assert f"{100 * split:.1f} %" in about.inner_text()
    assert muddler.bundle.fingerprint[:12] in about.inner_text()
    assert about.locator("svg title").first.text_content() == "From two digits to a muddle"
    links = about.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert "https://github.com/vdivakar/mnistMuddle" in links
    assert not page.locator("#shared").is_visible()
    about.get_by_text("Model card of the bundle").click()
    about.get_by_text("Intended use and limits").wait_for()


def test_the_configuration_that_a_page_load_carries_is_plain_data(app):
    with urllib.request.urlopen(f"{app}/config", timeout=30) as answer:
        config = json.loads(answer.read())
    for component in config["components"]:
        assert component["props"].get("every") is None  # gradio takes a quoted "every" in a script for an event
