"""The tabs All pairs and Guess, in a real browser."""

import io

import numpy as np
from PIL import Image
from support.browser import (
    CANVAS,
    RESULT,
    another_muddle,
    checked,
    choose,
    downloaded,
    open_settings,
    open_tab,
    pixels,
    settle,
    shown,
)

SERVER = "**/component_server/"
CELL = "#pairs td button"
GONE = {"status": 503, "body": "gone"}


def test_all_pairs_are_made_on_demand_and_a_cell_opens_its_result(visit, muddler):
    page = visit("/?digit=4&target=9&balance=0.3&steps=5")
    open_tab(page, "All pairs")
    assert page.locator(CELL).count() == 0
    page.get_by_role("button", name="Make all 90").click()
    page.wait_for_selector("#pairs .save:not([hidden])", timeout=60_000)
    assert page.locator(CELL).count() == 90
    m = muddler.muddle(3, 8, seed=7)
    cell = page.get_by_role("button", name="Open 3 to 8").get_attribute("aria-label")
    assert page.locator("#pairs tr").nth(4).locator("td").nth(8).locator("button").get_attribute("aria-label") == cell
    name, data = downloaded(page, page.get_by_text("Download the table").click)
    assert name == "muddles-all-pairs-seed-7.png"
    sheet = np.array(Image.open(io.BytesIO(data)).convert("L"))
    assert (sheet[3 * 60 + 2 : 3 * 60 + 58 : 2, 8 * 60 + 2 : 8 * 60 + 58 : 2] == m.image).all()
    page.get_by_role("button", name="Open 3 to 7").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == cell
    with another_muddle(page):
        page.keyboard.press("Enter")
    assert "balance" not in shown(page)  # the table's are even, whatever was set
    assert shown(page).items() >= {"digit": "3", "target": "8", "seed": "7", "steps": "5"}.items()
    assert pixels(page, CANVAS["muddle"]) == m.image.flatten().tolist()
    page.wait_for_selector("#by-digit", state="visible")
    page.wait_for_function("document.activeElement.className === 'result'")


def test_the_table_shows_its_progress_and_can_be_stopped(opening):
    page = opening
    held = []

    def hold(route):  # every row but the first
        if '"digit":0' in route.request.post_data:
            route.continue_()
        else:
            held.append(route)

    open_tab(page, "All pairs")
    page.route(SERVER, hold)
    with page.expect_request(lambda request: '"digit":1' in (request.post_data or "")):
        page.get_by_role("button", name="Make all 90").click()
    assert page.locator("#pairs progress").get_attribute("value") == "9"
    page.get_by_role("button", name="Stop").click()
    assert page.inner_text("#pairs .status") == "Stopped."
    with page.expect_event("requestfinished", lambda request: request.url.endswith("component_server/")):
        held.pop().continue_()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.locator(CELL).count() == 9  # the second row came, and was dropped
    assert not held  # and a third was not asked for
    assert page.get_by_role("button", name="Make all 90").is_enabled()
    page.unroute(SERVER)


def answer(page, digit, sure="fairly sure"):
    page.locator("#guess .answers label", has_text=digit).click()
    page.locator("#guess .sure label", has_text=sure).click()
    page.get_by_role("button", name="Reveal").click()
    page.wait_for_selector("#guess .bars")


def new_riddle(page):
    page.wait_for_selector("#guess button[type=submit]:enabled")
    return pixels(page, "#guess .riddle")


def test_a_guess_is_answered_with_what_the_judges_thought_and_counted(visit):
    page = visit()
    open_tab(page, "Guess")
    first = new_riddle(page)
    page.get_by_role("button", name="Reveal").click()
    assert not page.locator("#guess .bars").count()  # it takes an answer
    assert "Your score will be kept here" in page.inner_text("#guess .score")
    answer(page, "no digit at all")
    reveal = page.inner_text("#guess .reveal")
    assert "You saw no digit" in reveal
    assert "It was made between" in reveal
    assert "In 1 guess you named" in page.inner_text("#guess .score")
    page.get_by_role("button", name="Next").click()
    page.wait_for_selector("#guess .bars", state="detached")
    assert new_riddle(page) != first
    answer(page, "9", "certain")
    assert "In 2 guesses you named" in page.inner_text("#guess .score")
    page.reload()
    settle(page)
    open_tab(page, "Guess")
    page.get_by_text("In 2 guesses you named").wait_for()
    page.get_by_role("button", name="Start over").click()
    assert "Your score will be kept here" in page.inner_text("#guess .score")


def test_how_a_riddle_was_made_can_be_seen_and_a_server_that_is_gone_is_a_sentence(visit, expected):
    expected += ["503", "component server"]
    page = visit("/?digit=4&target=9&balance=0.3")
    open_settings(page)
    choose(page, "strategy", "midpoint")
    page.route(SERVER, lambda route: route.fulfill(**GONE))
    open_tab(page, "Guess")
    page.get_by_text("The server did not answer").wait_for()
    page.unroute(SERVER)
    page.get_by_role("button", name="Try again").click()
    riddle = new_riddle(page)
    answer(page, "4")
    with another_muddle(page):
        page.get_by_role("button", name="See how it was made").click()
    assert pixels(page, CANVAS["muddle"]) == riddle  # whatever strategy and balance were set
    assert checked(page, "strategy") == "balanced"
    assert page.locator(f"{RESULT} .note").count() == 0
