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
    SETTLED,
    address_fields,
    another_muddle,
    calm,
    choose,
    downloaded,
    open_tab,
    pixels,
    shown,
    strategy,
)  # fmt: skip
from support.examples import commands, python

from muddle.ui import OPENING

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
    assert page.title().replace("\xa0", " ") == "When does this 2 become an 8? · MNIST Muddle"
    assert pixels(page, CANVAS["muddle"]) == flat(opened.image)
    assert pixels(page, CANVAS["source"]) == flat(opened.source)
    assert pixels(page, CANVAS["partner"]) == flat(opened.partner)
    assert "an\u00a08" in page.inner_text(f"{RESULT} .partner")
    assert page.locator(f"{RESULT} .tile").count() == 11
    assert re.match(r"2 or 8\? The judges say 2: \d+\xa0%, 8: \d+\xa0%", page.inner_text(f"{RESULT} .verdict"))
    criteria = page.locator(f"{RESULT} .criteria li").all_inner_texts()
    assert len(criteria) == 3
    assert all(text.startswith(("✓ ", "✗ ")) for text in criteria)


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
    page.wait_for_function(f"seen => document.querySelector('{MAP}').toDataURL() !== seen", arg=map_before)
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


def test_about_says_what_how_good_and_by_whom(opening, muddler):
    page = opening
    open_tab(page, "About")
    about = page.locator("#about")
    about.locator("tr").first.wait_for()
    split = muddler.bundle.report["strategies"]["balanced"]["split"]["value"]
    assert f"{100 * split:.1f} %" in about.inner_text()
    assert muddler.bundle.fingerprint[:12] in about.inner_text()
    assert sum(pixels(page, "#about .strip figure:nth-of-type(2) canvas")) > 0
    assert "People have not been asked" in about.inner_text()
    links = about.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert "https://github.com/vdivakar/mnistMuddle" in links
    assert not page.locator("#result").is_visible()
    card = about.get_by_role("link", name="model card").get_attribute("href")
    with urllib.request.urlopen(card, timeout=30) as answer:
        text = answer.read().decode()
    assert "Intended use and limits" in text
    assert not text.startswith("---")


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_nothing_is_wider_than_the_screen(opening, width):
    opening.set_viewport_size({"width": width, "height": 844})
    for tab in ("Draw", "All pairs", "Guess", "About", "Morph"):
        open_tab(opening, tab)
        calm(opening)
        assert opening.evaluate("document.documentElement.scrollWidth") <= width, tab
        assert opening.get_by_role("tab", name=tab, exact=True).is_visible()


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
    for part in (".question", ".big", ".melt", ".jury", ".says", ".decide", ".another", ".links"):
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


def test_another_pair_has_been_fetched_ahead(visit):
    page = visit()
    fetched = "performance.getEntriesByType('resource').filter((r) => r.name.includes('/page/muddle')).length"
    page.wait_for_function(f"() => {fetched} === 2")
    page.route("**/page/muddle*", lambda route: None)  # never answered
    with another_muddle(page):
        page.get_by_role("button", name="Another pair").click()
    assert page.locator(f"{HERO} .jury li").all_inner_texts() == ["?"] * 10
    digit, target = re.findall(r"\d", page.inner_text(f"{HERO} .question"))
    assert shown(page).items() >= {"digit": digit, "target": target}.items()
    assert address_fields(page) == shown(page)
    page.unroute("**/page/muddle*")


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
    assert menu.all_inner_texts() == [*"01", "⟳ 2", *"345679"]
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
    ends.last.click()
    with another_muddle(page):
        page.get_by_role("button", name="the most similar digit").click()
    assert shown(page)["digit"] == "5"


# Settings, and what goes wrong.


def test_of_quick_choices_the_last_is_shown_whichever_answer_comes_first(visit):
    page, held = visit(), []
    for first, last in (("5", "6"), ("7", "1"), ("3", "9")):
        slow = f"**/page/muddle?digit={first}*"
        page.route(slow, lambda route: held.append(route))
        with another_muddle(page):
            quick = "all => all.forEach((label) => document.querySelector(`.from [aria-label='${label}']`).click())"
            page.evaluate(quick, [first, last])  # both before any answer
        with page.expect_event("requestfinished", lambda request, digit=first: f"digit={digit}&" in request.url):
            held.pop().continue_()
        page.wait_for_timeout(200)
        page.unroute(slow)
        assert shown(page).items() >= {"digit": last, "target": "8"}.items()
        assert address_fields(page) == shown(page)


def test_another_image_of_the_same_digit_can_be_had(visit, muddler):
    page = visit("/?digit=2&target=7")
    with another_muddle(page):
        choose(page, "from", 2)
    fields = shown(page)
    assert fields.items() >= {"digit": "2", "target": "7"}.items()
    assert fields["seed"] != "0"
    m = muddler.muddle(2, 7, seed=int(fields["seed"]))
    assert pixels(page, CANVAS["source"]) == flat(m.source)  # which 1 seed in 250 draws once more
    assert pixels(page, CANVAS["muddle"]) == flat(m.image)


def test_each_setting_acts_at_once_and_the_balance_is_for_balanced_only(visit, muddler):
    page = visit("/?digit=4&target=9&balance=0.3")
    balance, steps, seed = (page.locator(f"{RESULT} [name={name}]") for name in ("balance", "steps", "seed"))
    assert (balance.input_value(), steps.input_value(), seed.input_value()) == ("0.3", "11", "0")
    for control, value in ((balance, "0.7"), (steps, "5")):
        with another_muddle(page):
            control.fill(value)
    seed.fill("12")
    with another_muddle(page):
        page.keyboard.press("Enter")
    m = muddler.muddle(4, 9, seed=12, steps=5, balance=0.7)
    assert pixels(page, CANVAS["muddle"]) == flat(m.image)
    assert address_fields(page) == shown(page)
    with another_muddle(page):
        page.locator(f"{RESULT} [value=midpoint]").check()
    assert strategy(page) == "midpoint"
    assert balance.is_disabled()
    assert shown(page).items() >= {"seed": "12", "strategy": "midpoint", "steps": "5"}.items()
    marked = page.locator(f"{RESULT} .tile[aria-current]")
    assert page.locator(f"{RESULT} .tile").count() == 5
    assert marked.count() == 1
    with another_muddle(page):
        page.locator(f"{RESULT} [value=balanced]").check()
    assert balance.is_enabled()
    seed.fill("")
    with another_muddle(page):
        page.keyboard.press("Tab")
    assert seed.input_value() == shown(page)["seed"] != "12"  # a surprise


WRONG = f"{RESULT} .settings .wrong"


def test_a_wrong_value_is_a_sentence_below_it_and_goes_with_its_cause(visit, expected):
    expected += ["400"]
    page = visit()
    before = shown(page)
    seed = page.locator(f"{RESULT} [name=seed]")
    for wrong in ("1.5", "-1", "99999999999"):
        seed.fill(wrong)
        page.keyboard.press("Enter")
        page.get_by_text("The seed is any whole number up to 4,294,967,295.").wait_for()
        assert seed.get_attribute("aria-invalid") == "true"
    assert shown(page) == before
    seed.fill("3")
    with another_muddle(page):
        page.keyboard.press("Enter")
    assert page.locator(WRONG).is_hidden()
    assert seed.get_attribute("aria-invalid") is None
    with another_muddle(page):
        page.locator(f"{RESULT} [name=steps]").fill("2")
    page.locator(f"{RESULT} [value=farthest]").click()
    page.get_by_text("steps must be at least 3 with farthest").wait_for()
    assert page.locator(f"{HERO} .wrong").is_hidden()
    assert shown(page)["strategy"] == strategy(page) == "balanced"


def test_offline_one_can_go_on_dragging_and_try_again(visit, expected):
    expected += ["ERR_FAILED"]
    page = visit()
    before = shown(page)
    page.route("**/page/muddle*", lambda route: route.abort())
    choose(page, "from", 5)
    trouble = page.locator(f"{HERO} .wrong")
    trouble.get_by_text("The server is not answering. You can go on dragging; a new pair needs it.").wait_for()
    page.wait_for_selector(SETTLED)
    assert shown(page) == before
    step_to(page, 3)
    assert page.input_value(f"{HERO} .melt") == "3"
    page.unroute("**/page/muddle*")
    with another_muddle(page):
        trouble.get_by_role("button", name="Try again").click()
    assert shown(page)["digit"] == "5"
    assert trouble.is_hidden()


BUSY = {
    "status": 503,
    "content_type": "application/json",
    "headers": {"Retry-After": "1"},
    "body": '{"error": "Come back.", "title": "busy"}',
}


def test_a_busy_server_is_asked_again_when_it_said(visit, expected):
    expected += ["503"]
    page = visit()
    busy = [BUSY]
    page.route("**/page/muddle?digit=5*", lambda route: route.fulfill(**busy.pop()) if busy else route.continue_())
    with another_muddle(page):
        choose(page, "from", 5)
        page.get_by_text("Many people are here. Yours is next in a moment.").wait_for()
    assert shown(page)["digit"] == "5"
    assert page.locator(f"{HERO} .wrong").is_hidden()


def test_a_first_muddle_that_does_not_come_leaves_a_sentence_and_a_button(visit, expected):
    expected += ["503"]
    page = visit(
        ready=f"{RESULT} .waiting button",
        prepare=lambda page: page.route("**/page/muddle*", lambda route: route.fulfill(**BUSY)),
    )
    assert "The first muddle did not come. Come back." in page.inner_text(RESULT)
    page.unroute("**/page/muddle*")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_selector(SETTLED)


def test_everything_can_be_done_with_the_keyboard_alone(visit):
    page = visit()
    page.locator(f"{HERO} .from .end").focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    with another_muddle(page):
        page.keyboard.press("Enter")
    assert shown(page)["digit"] == "3"
    page.locator(f"{RESULT} [value=balanced]").focus()
    with another_muddle(page):
        page.keyboard.press("ArrowDown")
    assert shown(page)["strategy"] == "midpoint"
    reached = set()
    page.locator(f"{RESULT} .melt").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('#result') && document.activeElement.tagName"))
    assert {"BUTTON", "A", "INPUT", "CANVAS", "PRE"} <= reached


def test_a_choice_leaves_the_page_where_it_is_and_the_hardest_bring_the_first_screen(visit):
    page = visit()
    page.set_viewport_size({"width": 390, "height": 500})
    page.emulate_media(reduced_motion="reduce")
    page.locator(f"{RESULT} [name=steps]").scroll_into_view_if_needed()
    at = page.evaluate("scrollY")
    with another_muddle(page):
        page.locator(f"{RESULT} [name=steps]").fill("9")
    assert page.evaluate("scrollY") == pytest.approx(at, abs=300)  # a row of tiles less
    page.locator(f"{RESULT} .hardest button").first.scroll_into_view_if_needed()
    with another_muddle(page):
        page.locator(f"{RESULT} .hardest button").first.click()
    page.wait_for_function("s => Math.abs(document.querySelector(s).getBoundingClientRect().top) < 2", arg=RESULT)


# The path and the map.


def test_the_chart_can_be_dragged_and_a_large_step_closes_by_a_click_beside_it(visit):
    page = visit()
    box = page.locator(f"{RESULT} .chart svg").bounding_box()
    page.locator(f"{RESULT} .chart svg").scroll_into_view_if_needed()
    box = page.locator(f"{RESULT} .chart svg").bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 50)
    page.mouse.down()
    assert page.input_value(SLIDER) == "0"
    page.mouse.move(box["x"] + box["width"] + 50, box["y"] + 50, steps=4)
    page.mouse.up()
    assert page.input_value(SLIDER) == "10"
    page.locator(f"{RESULT} .tile").first.click()
    dialog = page.locator(f"{RESULT} dialog")
    dialog.wait_for()
    page.mouse.click(5, 5)
    assert not dialog.is_visible()


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
