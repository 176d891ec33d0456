"""What an automated check of accessibility finds, on every tab, in light and dark, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import calm, choose, open_settings, open_tab

TABS = {  # and what is there once a tab is complete
    "Draw": "#pad .reading",
    "All pairs": "#pairs table td",
    "Guess": "#guess button[type=submit]:enabled",
    "About": "#about table",
}


def serious(page):
    found = Axe().run(page).response["violations"]
    return {
        violation["id"]: [node["html"][:200] for node in violation["nodes"]]
        for violation in found
        if violation["impact"] in ("serious", "critical")
    }


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_tab_has_a_serious_finding(visit, scheme, width):
    page = visit(color_scheme=scheme, viewport={"width": width, "height": 900})
    for tab, complete in TABS.items():
        open_tab(page, tab)
        page.wait_for_selector(complete)
        calm(page)
        assert not serious(page), tab
    open_tab(page, "Muddle")
    open_settings(page)
    calm(page)
    assert not serious(page)
    choose(page, "strategy", "midpoint")  # which disables the balance
    page.locator("#result .tile").first.click()
    calm(page)
    assert not serious(page)


def test_the_check_would_notice(opening):
    broken = "Object.assign(new Image(), { src: 'favicon.svg', id: 'broken' })"
    opening.evaluate(f"document.querySelector('#result').append({broken})")
    assert "image-alt" in serious(opening)
