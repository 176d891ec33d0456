"""What an automated check of accessibility finds, on every tab, in light and dark, wide and narrow."""

from axe_playwright_python.sync_playwright import Axe
from support.browser import RESULT, another_muddle, calm, open_tab

TABS = {  # and what is there once a tab is complete
    "Draw": "#draw .reading",
    "All pairs": "#pairs table td",
    "Guess": "#guess .answers button:enabled",
    "About": "#about table",
}


def serious(page):
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return {
        violation["id"]: [node["html"][:200] for node in violation["nodes"]]
        for violation in found
        if violation["impact"] in ("serious", "critical")
    }


def check_tabs(page):
    for tab, complete in TABS.items():
        open_tab(page, tab)
        page.wait_for_selector(complete)
        calm(page)
        assert not serious(page), tab
    open_tab(page, "Morph")


def test_no_tab_has_a_serious_finding_in_light_and_wide(opening):
    opening.set_viewport_size({"width": 1280, "height": 900})
    check_tabs(opening)
    calm(opening)
    assert not serious(opening)


def test_no_tab_has_a_serious_finding_in_dark_and_narrow(visit):
    page = visit("/?__theme=dark")
    page.set_viewport_size({"width": 390, "height": 900})
    check_tabs(page)
    with another_muddle(page):
        page.locator(f"{RESULT} [value=midpoint]").check()  # which disables the balance
    calm(page)
    assert not serious(page)
    page.locator("#result .tile").first.click()
    calm(page)
    assert not serious(page)


def test_no_tab_has_a_serious_finding_in_forced_colours(visit):
    page = visit()
    page.emulate_media(forced_colors="active")
    check_tabs(page)
    calm(page)
    assert not serious(page)


def test_the_check_would_notice(opening):
    broken = "Object.assign(new Image(), { src: 'favicon.ico', id: 'broken' })"
    opening.evaluate(f"document.querySelector('#result').append({broken})")
    assert "image-alt" in serious(opening)
    opening.evaluate("document.querySelector('#broken').remove()")
