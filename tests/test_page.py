import re

import pytest

from muddle.ui.page import DEFAULTS

RESULT = "#result .result"


@pytest.fixture
def visit(app, browser):
    """Opens the page with a query and waits for its first result; fails on a console error or an outside request."""
    contexts, troubles = [], []

    def go(query="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda r: troubles.append(r.url) if not r.url.startswith((app, "data:", "blob:")) else None)
        page.goto(app + query)
        page.wait_for_selector(f"{RESULT}[data-muddle]")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not troubles


def shown(page):
    return page.locator(RESULT).get_attribute("data-muddle")


def wait_for_another(page, before):
    page.wait_for_function("([s, b]) => document.querySelector(s).dataset.muddle !== b", arg=[RESULT, before])


def pixels(page, selector):
    return page.eval_on_selector(
        selector, "c => Array.from(c.getContext('2d').getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 0))"
    )


def test_a_muddle_is_there_when_the_page_opens(visit, muddler):
    page = visit()
    m = muddler.muddle(int(DEFAULTS["digit"]), seed=int(DEFAULTS["seed"]))
    assert page.title() == "MNIST Muddle"
    assert pixels(page, f"{RESULT} .muddle canvas") == m.image.flatten().tolist()
    assert pixels(page, f"{RESULT} .source canvas") == m.source.flatten().tolist()
    assert pixels(page, f"{RESULT} .partner canvas") == m.partner.flatten().tolist()
    assert f"a {m.target}" in page.inner_text(f"{RESULT} .partner")
    assert page.locator(f"{RESULT} .tile").count() == 11
    assert re.search(r"bits; looks like a digit: (yes|hardly)", page.inner_text(f"{RESULT} .verdict"))


def test_choosing_a_digit_and_a_target_shows_their_muddle(visit):
    page = visit()
    before = shown(page)
    page.locator("#digit label", has_text="3").click()
    page.locator("#target label", has_text="5").click()
    page.click("#muddle")
    wait_for_another(page, before)
    assert shown(page) == "3-5-7-balanced-11"


def test_again_draws_another_image_of_the_same_digit(visit):
    page = visit("/?digit=2&target=7")
    before, source = shown(page), pixels(page, f"{RESULT} .source canvas")
    page.click("#again")
    wait_for_another(page, before)
    assert shown(page).startswith("2-7-")
    assert pixels(page, f"{RESULT} .source canvas") != source


def test_the_address_alone_reproduces_the_result(visit):
    page = visit("/?digit=2&target=7&seed=5&strategy=midpoint&steps=6")
    assert shown(page) == "2-7-5-midpoint-6"
    page.click("#again")
    wait_for_another(page, "2-7-5-midpoint-6")
    page.wait_for_function("s => !location.search.includes(s)", arg="seed=5&")
    address = page.evaluate("location.search")
    another = visit("/" + address)
    assert shown(another) == shown(page)
    assert pixels(another, f"{RESULT} .muddle canvas") == pixels(page, f"{RESULT} .muddle canvas")


@pytest.mark.parametrize(
    "query",
    ["?digit=11", "?seed=-1", "?seed=99999999999", "?steps=1", "?strategy=x", "?digit=4&target=4", "?digit=%00"],
)
def test_a_broken_link_shows_the_usual_with_a_warning(visit, query):
    page = visit("/" + query)
    assert shown(page).startswith("4-")
    assert "could not be read" in page.locator(".toast-body").first.inner_text()


def test_the_slider_walks_the_path_without_asking_the_server(visit):
    page = visit()
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    slider = page.locator(f"{RESULT} input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    first = pixels(page, f"{RESULT} .still canvas")
    page.keyboard.press("End")
    assert pixels(page, f"{RESULT} .still canvas") != first
    assert "t = 1.00" in page.inner_text(f"{RESULT} .along .now")
    assert not [url for url in asked if "heartbeat" not in url]


def test_a_tile_opens_by_keyboard_and_can_be_downloaded(visit):
    page = visit()
    page.locator(f"{RESULT} .tile").nth(2).focus()
    page.keyboard.press("Enter")
    dialog = page.locator(f"{RESULT} dialog")
    assert dialog.is_visible()
    page.keyboard.press("ArrowRight")
    assert "t = 0.30" in dialog.inner_text()
    with page.expect_download() as download:
        dialog.get_by_text("PNG").click()
    assert download.value.suggested_filename.endswith("step-3.png")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_the_pick_is_marked_in_words(visit):
    page = visit("/?digit=4&target=9&strategy=midpoint&steps=11")
    marked = page.locator(f"{RESULT} .tile[aria-current]")
    assert marked.count() == 1
    assert "the pick" in marked.inner_text()
    assert "t = 0.50" in marked.inner_text()


def test_nothing_is_wider_than_a_phone(visit):
    page = visit(viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
