"""The tabs All pairs and Guess, in a real browser."""

import io

import numpy as np
from support.browser import RESULT, downloaded, muddle_pixels, open_tab, pixels, shown, wait_for_another
from PIL import Image


def all_made(page):
    page.get_by_role("button", name="Make all 90").click()
    page.wait_for_selector("#pairs .save:not([hidden])", timeout=60_000)


def test_all_pairs_are_made_on_demand_and_a_cell_opens_its_result(visit, muddler):
    page = visit()
    open_tab(page, "All pairs")
    assert page.locator("#pairs td button").count() == 0
    all_made(page)
    assert page.locator("#pairs td button").count() == 90
    cell = page.get_by_role("button", name="Open 3 to 8")
    m = muddler.muddle(3, 8, seed=7)
    assert page.locator("#pairs tr").nth(4).locator("td").nth(8).locator("button").get_attribute(
        "aria-label"
    ) == cell.get_attribute("aria-label")
    name, data = downloaded(page, page.get_by_text("Download the table").click)
    assert name == "muddles-all-pairs-seed-7.png"
    sheet = np.array(Image.open(io.BytesIO(data)).convert("L"))
    assert (sheet[3 * 60 + 2 : 3 * 60 + 58 : 2, 8 * 60 + 2 : 8 * 60 + 58 : 2] == m.image).all()
    before = shown(page)
    page.get_by_role("button", name="Open 3 to 7").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == cell.get_attribute("aria-label")
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    assert shown(page) == "3-8-7-balanced-11"
    assert muddle_pixels(page) == m.image.flatten().tolist()
    page.wait_for_selector("#by-digit", state="visible")
    page.wait_for_function("document.activeElement.className === 'result'")
    page.wait_for_function("location.search.includes('digit=3&target=8')")


def test_the_table_shows_its_progress_and_can_be_stopped(visit):
    page = visit()
    open_tab(page, "All pairs")
    page.get_by_role("button", name="Make all 90").click()
    # clicked as soon as it can be: a browser that has to wait might find the whole table made
    page.wait_for_function(
        "document.querySelector('#pairs progress').value >= 9 && (document.querySelector('#pairs .stop').click(), true)"
    )
    page.wait_for_timeout(1500)
    made = page.locator("#pairs td button").count()
    assert 9 <= made < 90
    assert page.inner_text("#pairs .said") == "Stopped."
    page.wait_for_timeout(1000)
    assert page.locator("#pairs td button").count() == made
    assert page.get_by_role("button", name="Make all 90").is_enabled()


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
    assert not page.locator("#guess .bars").count()
    answer(page, "no digit at all")
    said = page.inner_text("#guess .reveal")
    assert "You saw no digit" in said
    assert "It was made between" in said
    assert "In 1 guess you named" in page.inner_text("#guess .score")
    page.get_by_role("button", name="Next").click()
    page.wait_for_function("() => !document.querySelector('#guess .bars')")
    assert new_riddle(page) != first
    answer(page, "9", "certain")
    assert "In 2 guesses you named" in page.inner_text("#guess .score")
    page.reload()
    page.wait_for_selector(f"{RESULT}[data-muddle]")
    open_tab(page, "Guess")
    page.wait_for_selector("#guess .score")
    assert "In 2 guesses you named" in page.inner_text("#guess .score")
    page.get_by_role("button", name="Start over").click()
    assert "Your score will be kept here" in page.inner_text("#guess .score")


def test_a_guess_needs_an_answer_and_how_sure(visit):
    page = visit()
    open_tab(page, "Guess")
    new_riddle(page)
    page.get_by_role("button", name="Reveal").click()
    assert not page.locator("#guess .bars").count()
    assert "Your score will be kept here" in page.inner_text("#guess .score")


def test_how_a_riddle_was_made_can_be_seen(visit):
    page = visit()
    open_tab(page, "Guess")
    riddle = new_riddle(page)
    answer(page, "4")
    before = shown(page)
    page.get_by_role("button", name="See how it was made").click()
    wait_for_another(page, before)
    assert muddle_pixels(page) == riddle


def test_a_server_that_is_gone_is_a_sentence(visit):
    visit.expected += ["503", "component server"]
    page = visit()
    page.route("**/component_server/", lambda route: route.fulfill(status=503, body="gone"))
    open_tab(page, "Guess")
    page.get_by_text("The server did not answer").wait_for()
    page.unroute("**/component_server/")
    page.get_by_role("button", name="Try again").click()
    new_riddle(page)
