"""The tabs All pairs and Guess, in a real browser."""

import io
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from PIL import Image
from support.browser import (
    CANVAS,
    RESULT,
    another_muddle,
    downloaded,
    open_tab,
    pixels,
    shown,
    strategy,
)

SERVER = "**/page/r*"  # rows and riddles
CELL = "#pairs td button"
GONE = {"status": 503, "body": "gone"}


def test_the_table_is_there_at_once_and_a_cell_opens_its_result(visit, muddler):
    page = visit("/?digit=4&target=9&balance=0.3&steps=5")
    open_tab(page, "All pairs")
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
    page.wait_for_selector("#tab-muddle-button[aria-selected=true]")
    page.wait_for_function("document.activeElement.className === 'result'")


def test_fresh_ones_come_row_by_row_and_can_be_stopped_and_gone_on_with(opening):
    page = opening
    held, asked = [], []

    def hold(route):  # the second row, once
        asked.append(dict(parse_qsl(urlsplit(route.request.url).query)))
        if asked[-1]["digit"] == "1" and not held:
            held.append(route)
        else:
            route.continue_()

    open_tab(page, "All pairs")
    page.wait_for_selector("#pairs .save:not([hidden])", timeout=60_000)
    page.route(SERVER, hold)
    with page.expect_request(lambda request: "row?digit=1" in request.url):
        page.get_by_role("button", name="Mix fresh ones").click()
    assert page.locator("#pairs progress").get_attribute("value") == "9"
    page.get_by_role("button", name="Stop").click()
    assert page.inner_text("#pairs .status") == "Stopped: 9 of 90 are fresh."
    with page.expect_event("requestfinished", lambda request: "row?digit=1" in request.url):
        held[0].continue_()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.locator(CELL).count() == 90  # the others of the finished table are still there
    assert [row["digit"] for row in asked] == ["0", "1"]  # and a third was not asked for
    page.get_by_role("button", name="Go on").click()
    page.wait_for_selector("#pairs .save:not([hidden])", timeout=60_000)
    assert [row["digit"] for row in asked] == ["0", "1", *map(str, range(1, 10))]
    assert len({row["seed"] for row in asked}) == 1
    assert f"Seed {asked[0]['seed']}" in page.inner_text("#pairs .status")
    page.unroute(SERVER)


ANSWERS = "#guess .answers button"


def new_riddle(page):
    page.wait_for_selector(f"{ANSWERS}:enabled")
    return pixels(page, "#guess .riddle")


def revealed(page):
    page.wait_for_selector("#guess .jury")
    return page.inner_text("#guess .reveal p")


def test_a_game_of_ten_takes_a_tap_or_a_key_each_and_ends_with_a_result_to_share(visit):
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_tab(page, "Guess")
    seen, real = [], 0
    for number in range(10):
        seen.append(new_riddle(page))
        assert page.inner_text("#guess .round") == f"{number + 1} of 10"
        if number % 2:
            page.keyboard.press("9")
        else:
            page.locator(ANSWERS, has_text="not a digit").click()
        said = revealed(page)
        assert ("You said 9." if number % 2 else "You saw no digit.") in said
        assert page.locator("#guess .jury li").count() == 10
        assert page.locator(f"{ANSWERS}[aria-pressed]").count() == 1
        assert page.locator(f"{ANSWERS}:enabled").count() == 0  # no second thoughts
        real += "no muddle but a real" in said
        assert page.get_by_role("button", name="See how it was made").count() == ("real" not in said)
        page.keyboard.press("Enter")  # Next has the focus
    assert len({str(one) for one in seen}) == 10
    assert real == 2
    result = page.locator("#guess .result-line")
    result.wait_for()
    assert "Of 8 muddles you picked one of the two digits" in result.inner_text()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert result.inner_text() in copied
    assert copied.endswith("?tab=guess")
    page.get_by_role("button", name="Ten more").click()
    new_riddle(page)
    assert page.inner_text("#guess .round") == "1 of 10"


def test_how_a_riddle_was_made_can_be_seen_and_a_server_that_is_gone_is_a_sentence(visit, expected):
    expected += ["503"]
    page = visit("/?digit=4&target=9&strategy=midpoint")
    page.route(SERVER, lambda route: route.fulfill(**GONE))
    open_tab(page, "Guess")
    page.get_by_text("The server is not answering").wait_for()
    page.unroute(SERVER)
    page.get_by_role("button", name="Try again").click()
    while True:
        riddle = new_riddle(page)
        page.locator(ANSWERS, has_text="4").click()
        if "real" not in revealed(page):
            break
        page.get_by_role("button", name="Next").click()
    with another_muddle(page):
        page.get_by_role("button", name="See how it was made").click()
    assert pixels(page, CANVAS["muddle"]) == riddle  # whatever strategy and balance were set
    assert strategy(page) == "balanced"
    assert page.locator(f"{RESULT} .note").is_hidden()
