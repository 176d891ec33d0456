"""The Muddle tab and the result view, in a real browser."""

import io
import json
import re
import urllib.request

import numpy as np
import pytest
from PIL import Image
from support.browser import (
    CANVAS,
    RESULT,
    address_fields,
    another_muddle,
    calm,
    checked,
    choose,
    downloaded,
    open_settings,
    open_tab,
    pixels,
    press,
    settle,
    shown,
)  # fmt: skip
from support.examples import commands, python

from muddle.ui.page import OPENING

SLIDER = f"{RESULT} .along input"
MAP = f"{RESULT} .map"


def flat(image):
    return image.flatten().tolist()


def grey(data):
    return np.array(Image.open(io.BytesIO(data)).convert("L"))


@pytest.fixture(scope="module")
def opened(muddler):
    """The muddle with which the page opens."""
    return muddler.make([OPENING])[0]


# The page as it opens.


def test_a_muddle_is_there_when_the_page_opens(opening, opened):
    page = opening
    assert page.title() == "MNIST Muddle"
    assert pixels(page, CANVAS["muddle"]) == flat(opened.image)
    assert pixels(page, CANVAS["source"]) == flat(opened.source)
    assert pixels(page, CANVAS["partner"]) == flat(opened.partner)
    assert "an\u00a08" in page.inner_text(f"{RESULT} .partner")
    assert page.locator(f"{RESULT} .tile").count() == 11
    assert re.match(r"2 or 8\? The judges say 2: \d+ %, 8: \d+ %", page.inner_text(f"{RESULT} .verdict"))
    criteria = page.locator(f"{RESULT} .criteria li").all_inner_texts()
    assert len(criteria) == 3
    assert all(re.match(r"[✓✗] .*: (yes|no)\n", text) for text in criteria)


def test_the_muddle_is_the_largest_of_the_three(opening):
    boxes = {kind: opening.locator(selector).bounding_box() for kind, selector in CANVAS.items()}
    assert boxes["muddle"]["width"] > 1.5 * boxes["source"]["width"]
    assert boxes["source"]["x"] < boxes["muddle"]["x"] < boxes["partner"]["x"]
    assert opening.eval_on_selector(CANVAS["muddle"], "c => getComputedStyle(c).imageRendering") == "pixelated"


def test_the_slider_walks_the_path_without_a_request(opening):
    page = opening
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    map_before = page.eval_on_selector(MAP, "c => c.toDataURL()")
    page.focus(SLIDER)
    page.keyboard.press("Home")
    first = pixels(page, f"{RESULT} .along canvas")
    line = page.get_attribute(f"{RESULT} .chart .here", "x1")
    page.keyboard.press("End")
    assert pixels(page, f"{RESULT} .along canvas") != first
    assert (line, page.get_attribute(f"{RESULT} .chart .here", "x1")) == ("0", "100")
    assert "Step 11" in page.inner_text(f"{RESULT} .along .now")
    assert page.eval_on_selector(MAP, "c => c.toDataURL()") != map_before
    assert not [url for url in requests if "heartbeat" not in url]


def test_a_tile_opens_by_keyboard_and_can_be_downloaded(opening, opened):
    page = opening
    page.locator(f"{RESULT} .tile").nth(2).focus()
    page.keyboard.press("Enter")
    dialog = page.locator(f"{RESULT} dialog")
    assert dialog.is_visible()
    page.keyboard.press("ArrowRight")
    assert "Step 4 of 11" in dialog.inner_text()
    name, data = downloaded(page, dialog.get_by_text("Download PNG").click)
    assert name.endswith("step-3.png")
    assert (grey(data)[10::20, 10::20] == opened.frames[3]).all()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_muddle_is_a_step_of_the_path_and_marked_among_them(opening, opened):
    assert "the muddle" in opening.inner_text(f"{RESULT} .tile[aria-current]")
    assert pixels(opening, f"{RESULT} .tile[aria-current] canvas") == flat(opened.image)


def test_everything_can_be_kept(opening, opened):
    link = opening.locator(f"{RESULT} .keep a")
    files = {text: downloaded(opening, link.get_by_text(text, exact=True).click) for text in link.all_inner_texts()}
    assert set(files) == {"PNG, 28 px", "PNG, 560 px", "GIF", "WebP", "Strip", "JSON"}
    assert (grey(files["PNG, 28 px"][1]) == opened.image).all()
    assert (grey(files["PNG, 560 px"][1])[10::20, 10::20] == opened.image).all()
    assert (grey(files["GIF"][1])[5::10, 5::10] == opened.frames[0]).all()
    assert Image.open(io.BytesIO(files["WebP"][1])).is_animated
    assert (grey(files["Strip"][1])[2::4, 2::4] == np.concatenate(opened.frames, axis=1)).all()
    assert json.loads(files["JSON"][1])["soft_label"] == opened.soft_label.tolist()
    name = f"muddle-2-8-seed-{OPENING.seed}"
    assert {file for file, _ in files.values()} == {
        f"{name}-28.png", f"{name}-560.png", f"{name}.gif", f"{name}.webp", f"{name}-strip.png", f"{name}.json",
    }  # fmt: skip


def test_the_same_answer_again_is_an_answer(opening):
    page = opening
    page.evaluate(
        """selector => new MutationObserver(() => (window.busy = true))
          .observe(document.querySelector(selector), { attributeFilter: ["aria-busy"] })""",
        RESULT,
    )
    press(page, "muddle")  # the answer is remembered, so it may be there at once
    page.wait_for_function("() => window.busy")
    settle(page)  # and the fixture sees the same muddle


def test_about_says_what_how_good_and_by_whom(opening, muddler):
    page = opening
    open_tab(page, "About")
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


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_wider_than_the_screen(opening, width):
    opening.set_viewport_size({"width": width, "height": 844})
    for tab in ("Draw", "All pairs", "Guess", "About", "Muddle"):
        open_tab(opening, tab)
        calm(opening)
        assert opening.evaluate("document.documentElement.scrollWidth") <= width, tab


def test_the_configuration_that_a_page_load_carries_is_plain_data(app):
    with urllib.request.urlopen(f"{app}/config", timeout=30) as answer:
        config = json.loads(answer.read())
    for component in config["components"]:
        assert component["props"].get("every") is None  # gradio takes a quoted "every" in a script for an event


# The jury.


HERO = f"{RESULT} .hero"


def step_to(page, step):
    """Set the slider to a step by the keyboard."""
    page.focus(f"{HERO} .melt")
    page.keyboard.press("Home")
    for _ in range(step):
        page.keyboard.press("ArrowRight")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_asks_a_question_and_nothing_of_it_is_cut(opening, opened, width, height):
    page = opening
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("scrollTo(0, 0)")
    asked = page.inner_text(f"{HERO} .question")
    assert " ".join(asked.split()) == "When does this 2 become an 8?"
    for part in (".question", ".big", ".melt", ".jury", ".says", ".decide", ".another"):
        box = page.locator(f"{HERO} {part}").bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height, part
    for place, image in ((".from", opened.source), (".to", opened.partner)):
        assert pixels(page, f"{HERO} {place} canvas") == flat(image)


def test_the_digit_melts_under_slider_keys_and_hand_without_a_request(opening, opened, muddler):
    page = opening
    morph = muddler.morph(np.stack([opened.codes[0], opened.code, opened.codes[-1]]))
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate("scrollTo(0, 0)")
    for step in (0, 9, 16):
        step_to(page, step)
        assert pixels(page, f"{HERO} .big") == flat(morph.frames[step])
    assert pixels(page, f"{HERO} .big") == flat(opened.image)
    box = page.locator(f"{HERO} .big").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()
    assert 0 <= int(page.input_value(f"{HERO} .melt")) < 3
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 60)
    assert int(page.input_value(f"{HERO} .melt")) < 3, "a released digit stays"
    assert not [url for url in requests if "heartbeat" not in url]


def test_the_jury_lies_face_down_until_the_visitor_has_a_mark(visit, opened, muddler):
    page = visit()
    choices = muddler.morph(np.stack([opened.codes[0], opened.code, opened.codes[-1]])).choices
    cards = page.locator(f"{HERO} .jury li")
    assert cards.all_inner_texts() == ["?"] * 10
    decide = page.locator(f"{HERO} .decide")
    assert decide.is_disabled()
    assert not page.locator(f"{HERO} .marks i").count()
    step_to(page, 14)
    assert decide.inner_text() == "It’s an\u00a08 now"
    decide.click()
    assert sorted(cards.all_inner_texts()) == sorted(str(digit) for digit in choices[14])
    moments = [next(s for s in range(34) if (choices[s:, j] == 8).all()) for j in range(choices.shape[1])]
    earlier = sum(moment < 14 for moment in moments)
    says = page.locator(f"{HERO} .says")
    assert 0 < earlier < 10, "the opening pair is one on which opinions differ"
    assert says.inner_text() == f"You held on to the 2 longer than {earlier} of the 10 networks."
    assert page.locator(f"{HERO} .marks .tick").count() == 10
    page.get_by_role("button", name="Jump to the hardest point").click()
    counts = [int((choices[16] == digit).sum()) for digit in (2, 8)]
    assert f"Here {counts[0]} " in says.inner_text()
    assert f" {counts[1]} say" in says.inner_text()
    assert decide.inner_text() == "Challenge a friend"


def test_at_the_far_end_it_stayed_what_it_was(visit):
    page = visit()
    step_to(page, 32)
    decide = page.locator(f"{HERO} .decide")
    assert decide.inner_text() == "It stayed a\u00a02"
    decide.click()
    assert "to the end." in page.inner_text(f"{HERO} .says")


def test_a_friend_finds_the_mark_after_setting_one(visit):
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    step_to(page, 12)
    page.locator(f"{HERO} .decide").click()
    page.locator(f"{HERO} .decide").click()
    page.get_by_text("Your mark is in it, hidden until they set theirs").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    friend = visit("/?" + link.partition("?")[2])
    says = friend.locator(f"{HERO} .says")
    assert says.inner_text() == "A friend has marked their moment. Set yours to see it."
    step_to(friend, 15)
    friend.locator(f"{HERO} .decide").click()
    assert says.inner_text().endswith("Your friend switched 3 steps before you.")
    with another_muddle(friend):
        friend.get_by_role("button", name="Another pair").click()
    assert "mine" not in friend.url
    assert "friend" not in says.inner_text()


def test_another_pair_is_shown_before_the_server_has_confirmed_it(visit):
    page = visit()
    page.wait_for_function("performance.getEntriesByType('resource').some((r) => r.name.includes('component_server'))")
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    before = page.inner_text(f"{HERO} .question")
    page.get_by_role("button", name="Another pair").click()
    page.wait_for_function(f"text => document.querySelector('{HERO} .question').innerText !== text", arg=before)
    assert page.locator(f"{HERO} .jury li").all_inner_texts() == ["?"] * 10
    asked = page.inner_text(f"{HERO} .question")
    with another_muddle(page):
        for route in held:
            route.continue_()
        page.unroute("**/queue/join*")
    assert page.inner_text(f"{HERO} .question") == asked
    digit, target = re.findall(r"\d", asked)
    assert shown(page).items() >= {"digit": digit, "target": target}.items()
    assert address_fields(page) == shown(page)


def test_one_of_the_hardest_can_be_tried(visit):
    page = visit()
    page.locator(f"{RESULT} .hard").scroll_into_view_if_needed()
    items = page.locator(f"{RESULT} .hardest button")
    items.nth(11).wait_for()
    assert items.count() == 12
    image = pixels(page, f"{RESULT} .hardest li:nth-child(4) canvas")
    with another_muddle(page):
        items.nth(3).click()
    assert pixels(page, CANVAS["muddle"]) == image


def test_each_end_can_be_another_digit_but_not_the_other_ends(visit):
    page = visit()
    ends = page.locator(f"{HERO} .end")
    ends.first.click()
    menu = page.locator(f"{HERO} .from .choose button")
    assert menu.count() == 10
    assert menu.nth(8).is_disabled()
    with another_muddle(page):
        menu.nth(5).click()
    assert shown(page).items() >= {"digit": "5", "target": "8"}.items()
    seed = shown(page)["seed"]
    ends.last.click()
    with another_muddle(page):
        page.get_by_role("button", name="Another 8").click()
    assert shown(page).items() >= {"digit": "5", "target": "8"}.items()
    assert shown(page)["seed"] != seed
    ends.last.click()
    page.keyboard.press("Escape")
    assert page.locator(f"{HERO} .to .choose").is_hidden()


# Choices.


def test_a_digit_and_a_target_show_their_muddle_at_once_and_quick_choices_the_last(visit):
    page = visit()
    with another_muddle(page):
        choose(page, "digit", "3")
    assert shown(page)["digit"] == "3"
    with another_muddle(page):
        choose(page, "target", "9")
    assert shown(page).items() >= {"digit": "3", "target": "9", "seed": str(OPENING.seed)}.items()
    with another_muddle(page):
        choose(page, "digit", "9")  # it cannot be mixed with itself: auto takes over
    assert checked(page, "target") == "auto"
    choose(page, "target", "9")
    page.get_by_text("target must be another digit").wait_for()
    settle(page)
    assert shown(page)["digit"] == "9"
    for target, digit in (("5", "6"), ("7", "1"), ("3", "9")):
        with another_muddle(page):  # both before any answer: one that comes between two clicks would set the controls
            quick = "all => all.forEach((selector) => document.querySelector(selector).click())"
            page.evaluate(quick, [f"#target [value='{target}']", f"#digit [value='{digit}']"])
        assert (checked(page, "digit"), checked(page, "target")) == (digit, target)
        assert shown(page).items() >= {"digit": digit, "target": target}.items()
        assert address_fields(page) == shown(page)


def test_again_draws_another_image_of_the_same_digit(visit, muddler):
    page = visit("/?digit=2&target=7")
    with another_muddle(page):
        press(page, "again")
    fields = shown(page)
    assert fields.items() >= {"digit": "2", "target": "7"}.items()
    assert fields["seed"] != "0"
    m = muddler.muddle(2, 7, seed=int(fields["seed"]))
    assert pixels(page, CANVAS["source"]) == flat(m.source)  # which 1 seed in 250 draws once more
    assert pixels(page, CANVAS["muddle"]) == flat(m.image)


def test_strategy_steps_and_seed_can_be_chosen_and_the_balance_only_for_balanced(visit):
    page = visit("/?digit=4&target=9&balance=0.3")
    open_settings(page)
    number = page.locator("#balance input[type=number]")
    assert number.input_value() == "0.3"
    choose(page, "strategy", "midpoint")
    page.wait_for_selector("#balance input[type=number]:disabled")
    assert number.input_value() == "0.5"
    page.locator("#seed input").fill("12")
    page.locator("#steps input[type=number]").fill("5")
    page.keyboard.press("Tab")
    with another_muddle(page):
        press(page, "muddle")
    assert shown(page).items() >= {"seed": "12", "strategy": "midpoint", "steps": "5"}.items()
    marked = page.locator(f"{RESULT} .tile[aria-current]")
    assert page.locator(f"{RESULT} .tile").count() == 5
    assert marked.count() == 1
    assert "the muddle" in marked.inner_text()
    choose(page, "strategy", "balanced")
    page.wait_for_selector("#balance input[type=number]:enabled")


def test_everything_can_be_done_with_the_keyboard_alone(visit):
    page = visit()
    open_settings(page)
    page.locator("#digit input").nth(2).focus()
    with another_muddle(page):
        page.keyboard.press("ArrowRight")
    assert shown(page)["digit"] == "3"
    ring = "getComputedStyle(document.activeElement.closest('label')).outlineStyle"
    assert page.evaluate(ring) == "solid"
    page.locator("#again").focus()
    with another_muddle(page):
        page.keyboard.press("Enter")
    reached = set()
    page.locator(f"{RESULT} .melt").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('#result') && document.activeElement.tagName"))
    assert {"BUTTON", "A", "INPUT", "CANVAS", "PRE"} <= reached


def test_a_wrong_value_is_a_sentence_and_the_result_stays(visit):
    page = visit()
    before = shown(page)
    open_settings(page)
    page.locator("#source input").fill("3")
    page.keyboard.press("Tab")
    press(page, "muddle")
    page.get_by_text("source must be an exemplar of a 2").wait_for()
    settle(page)
    assert shown(page) == before
    with another_muddle(page):
        choose(page, "digit", "6")  # and the wrong value goes with the digit that it was for
    assert page.locator("#source input").input_value() == ""


def test_a_first_muddle_that_does_not_come_leaves_a_sentence(visit, expected):
    expected += ["503", "Service Unavailable"]
    gone = {"status": 503, "content_type": "application/json", "body": '{"error": "Come back.", "title": "busy"}'}
    page = visit(
        ready=f"{RESULT}:not([aria-busy])",
        prepare=lambda page: page.route("**/queue/join*", lambda route: route.fulfill(**gone)),
    )
    assert "try again" in page.inner_text(RESULT)
    page.unroute("**/queue/join*")
    choose(page, "digit", "3")
    page.wait_for_selector(f"{RESULT}[data-muddle]:not([aria-busy])")


def test_a_button_brings_the_result_into_view_and_a_choice_leaves_the_page_where_it_is(visit):
    page = visit()
    page.set_viewport_size({"width": 390, "height": 500})
    page.emulate_media(reduced_motion="reduce")
    with another_muddle(page):
        choose(page, "digit", "3")
    at_choice = page.evaluate("scrollY")
    assert page.locator("#digit").evaluate("e => e.getBoundingClientRect().bottom > 0")
    press(page, "muddle")  # the same answer again
    page.wait_for_function("s => Math.abs(document.querySelector(s).getBoundingClientRect().top) < 2", arg=RESULT)
    assert page.evaluate("scrollY") < at_choice


# The path and the map.


def test_the_path_plays_as_a_loop_until_it_is_paused(visit):
    page = visit(alone=True)
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # from here it goes on by itself no more
    page.get_by_role("button", name="Play").click()
    places = []
    for _ in range(40):
        page.clock.run_for(150)  # less than a step takes
        places.append(int(page.input_value(SLIDER)))
    assert {0, 10} <= set(places)
    page.get_by_role("button", name="Pause").click()
    at = page.input_value(SLIDER)
    page.clock.run_for(5000)
    assert page.input_value(SLIDER) == at


def position_on_map(page, muddler, index):
    box = page.locator(MAP).bounding_box()
    x, y = muddler.project(muddler.bundle.exemplars.codes[[index]].numpy())[0]
    return {"x": box["width"] * (0.5 + 0.475 * x), "y": box["height"] * (0.5 - 0.475 * y)}


def lonely(muddler):
    """The exemplar that is farthest from its nearest neighbour on the map, so that a click finds it and no other."""
    places = muddler.project(muddler.bundle.exemplars.codes.numpy())
    apart = [np.partition(((places - place) ** 2).sum(1), 1)[1] for place in places]
    return int(np.argmax(apart))


def test_a_point_of_the_map_becomes_the_source(visit, muddler):
    page = visit()
    index = lonely(muddler)
    image = flat(muddler.bundle.exemplars.images[index])
    page.hover(MAP, position=position_on_map(page, muddler, index))
    page.wait_for_selector(f"{RESULT} .tip:not([hidden])")
    assert pixels(page, f"{RESULT} .tip") == image
    with another_muddle(page):
        page.click(MAP, position=position_on_map(page, muddler, index))
    assert pixels(page, CANVAS["source"]) == image
    assert checked(page, "digit") == str(int(muddler.bundle.exemplars.labels[index]))
    assert address_fields(page) == shown(page)
    assert shown(page)["source"] == str(index)


def test_the_map_can_be_walked_with_the_keyboard(visit):
    page = visit("/?digit=4&seed=7")
    page.focus(MAP)
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    status = f"{RESULT} .latent-map .status"
    label = re.match(r"an?\s(\d): click it or press Enter", page.inner_text(status))[1]
    with another_muddle(page):
        page.keyboard.press("Enter")
    assert shown(page)["digit"] == label
    assert "Taken" in page.inner_text(status)
    assert page.evaluate("document.activeElement.className") == "map"  # and one can go on from there


# Code.


def test_the_code_that_is_shown_gives_what_is_shown(visit, muddler, tmp_path):
    page = visit("/?digit=8&target=3&seed=21&steps=6&balance=0.3")
    m = muddler.muddle(8, 3, seed=21, steps=6, balance=0.3)
    assert pixels(page, CANVAS["muddle"]) == flat(m.image)
    panel = page.locator(f"{RESULT} [role=tabpanel]")
    printed = python(panel.inner_text() + "\nprint(m.image.tobytes().hex())", tmp_path)
    assert printed.endswith(m.image.tobytes().hex() + "\n")
    page.get_by_role("tab", name="Python").focus()
    page.keyboard.press("ArrowRight")
    printed = commands(panel.inner_text(), tmp_path)
    assert json.loads(printed)["soft_label"] == m.soft_label.tolist()
    assert (grey((tmp_path / "muddle.png").read_bytes())[5::10, 5::10] == m.image).all()
    page.keyboard.press("ArrowRight")
    answer = page.evaluate(f"(async () => {{ {panel.inner_text().replace('console.log', 'void')} return m; }})()")
    assert answer["soft_label"] == m.soft_label.tolist()
