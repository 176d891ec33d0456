"""Share links, the address bar, and visitors beside each other, in a real browser."""

import pytest
from support.browser import (
    CANVAS,
    RESULT,
    address_fields,
    another_muddle,
    choose,
    open_tab,
    pixels,
    settle,
    shown,
)

from muddle.recipe import LINK_KEYS
from muddle.ui import OPENING

QUERY = "/?digit=2&target=7&seed=5&strategy=balanced&steps=6"


def muddle(page):
    return pixels(page, CANVAS["muddle"])


def test_the_address_alone_reproduces_the_result_on_another_server_too(visit, replica, muddler):
    page = visit(QUERY)
    assert address_fields(page) == shown(page)
    assert shown(page).items() >= {"digit": "2", "target": "7", "seed": "5", "steps": "6"}.items()
    assert muddle(page) == muddler.muddle(2, 7, seed=5, steps=6).image.flatten().tolist()
    with another_muddle(page):
        choose(page, "from", 2)
    query = "/?" + page.url.partition("?")[2]
    again = visit(query, at=replica)
    assert shown(again) == shown(page)
    assert muddle(again) == muddle(page)


def test_the_copied_link_is_the_address_and_without_a_clipboard_it_is_there_to_copy_by_hand(visit, app):
    page = visit(QUERY)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.url.startswith(f"{app}/?digit=2&target=7&seed=5&")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    page.get_by_role("button", name="Copied").click()
    assert page.get_by_label("To be copied").input_value() == page.url


def test_a_link_with_a_balance_keeps_it_until_it_is_even_again(visit, muddler):
    page = visit("/?digit=4&target=9&balance=0.3")
    assert shown(page)["seed"] == "0"  # of a link that names none
    assert muddle(page) == muddler.muddle(4, 9, balance=0.3).image.flatten().tolist()
    with another_muddle(page):
        choose(page, "from", 4)
    fields = shown(page)
    assert fields["balance"] == "0.3"
    assert address_fields(page) == fields
    balance = page.locator(f"{RESULT} [name=balance]")
    assert balance.input_value() == "0.3"
    assert muddle(page) == muddler.muddle(4, 9, seed=int(fields["seed"]), balance=0.3).image.flatten().tolist()
    with another_muddle(page):
        balance.fill("0.5")
    assert address_fields(page) == shown(page)
    assert "balance" not in address_fields(page)


def test_no_stale_key_survives_and_no_foreign_one_is_lost(visit, expected):
    expected += ["400"]
    page = visit("/?__theme=dark&digit=3&source=0")
    assert address_fields(page) == shown(page)
    assert "source" not in shown(page)  # it was not an exemplar of this digit
    assert page.locator(f"{RESULT} .note").is_visible()
    stale = "?__theme=dark&" + "&".join(f"{key}=1" for key in LINK_KEYS)
    page.evaluate("query => history.replaceState(null, '', query)", stale)
    with another_muddle(page):
        choose(page, "from", 3)
    assert address_fields(page) == shown(page)
    assert "__theme=dark" in page.url
    assert page.locator(f"{RESULT} .note").is_hidden()


@pytest.mark.parametrize(
    ("query", "usual", "words"),
    [
        ("?target=1&seed=9999999999&v=1-abcdef0", {"digit": "4", "seed": "0"}, ["seed must be", "another version"]),
        ("?digit=4&target=7&strategy=midpoint&balance=0.3", {"strategy": "midpoint"}, ["balance must be"]),
        ("?digit=4&digit=5&target=1", {"digit": "4", "target": "1"}, ["digit must be given once"]),
        ("?digit=%00", {"digit": "2", "target": "8", "seed": str(OPENING.seed)}, ["digit must be"]),
        ("?image=x", {"digit": "2", "target": "8"}, ["image must be"]),
    ],
    ids=["unreadable", "impossible", "twice", "nothing left", "no image"],
)
def test_a_damaged_link_shows_what_is_left_of_it_and_says_why(visit, expected, query, usual, words):
    expected += ["400"]  # the browser's own line about an answer that is an error
    page = visit("/" + query)
    assert shown(page).items() >= usual.items()
    assert address_fields(page) == shown(page)
    note = page.inner_text(f"{RESULT} .note")
    assert all(part in note for part in words)


def test_two_visitors_never_see_each_others_results(visit):
    one, two = visit("/?digit=1&target=7"), visit("/?digit=6&target=0")
    for _ in range(2):
        with another_muddle(one), another_muddle(two):
            for page in (one, two):  # at once: a real click waits for frames, which the page behind has few of
                page.eval_on_selector("#result .from [aria-label^=Another]", "button => button.click()")
        assert shown(one).items() >= {"digit": "1", "target": "7"}.items()
        assert shown(two).items() >= {"digit": "6", "target": "0"}.items()
        assert pixels(one, CANVAS["source"]) != pixels(two, CANVAS["source"])
        assert address_fields(one) == shown(one)


def at(page):
    """The tab that is open, and the digit whose muddle is shown."""
    return page.locator("[role=tab][aria-selected=true][id$=-button]").inner_text(), shown(page)["digit"]


def test_back_and_forward_go_through_digits_and_tabs(visit):
    page = visit(QUERY)
    with another_muddle(page):
        choose(page, "from", 5)
    open_tab(page, "Guess")
    page.wait_for_function("location.search.includes('tab=guess')")
    open_tab(page, "Morph")
    page.wait_for_function("!location.search.includes('tab')")
    assert at(page) == ("Morph", "5")
    page.go_back()
    page.get_by_role("tab", name="Guess", selected=True).wait_for()
    assert at(page) == ("Guess", "5")
    page.go_back()
    page.get_by_role("tab", name="Morph", selected=True).wait_for()
    assert at(page) == ("Morph", "5")
    with another_muddle(page):
        page.go_back()
    assert at(page) == ("Morph", "2")
    assert address_fields(page) == shown(page)
    assert shown(page)["steps"] == "6"
    with another_muddle(page):
        page.go_forward()
    assert at(page) == ("Morph", "5")
    page.go_forward()
    page.get_by_role("tab", name="Guess", selected=True).wait_for()
    page.reload()
    page.get_by_role("tab", name="Guess", selected=True).wait_for()
    settle(page)
    assert at(page) == ("Guess", "5")


def test_one_step_back_from_a_riddles_muddle_is_the_game(visit):
    page = visit(f"{QUERY}&tab=pairs")
    page.get_by_role("button", name="Open 3 to 7").wait_for(timeout=60_000)
    with another_muddle(page):
        page.get_by_role("button", name="Open 3 to 7").click()
    page.get_by_role("tab", name="Morph", selected=True).wait_for()
    with another_muddle(page):
        page.go_back()
    page.get_by_role("tab", name="All pairs", selected=True).wait_for()
    assert at(page) == ("All pairs", "2")
    assert page.locator("#pairs td button").count() == 90
