"""What an automated check of accessibility finds, on every tab, in light and dark, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.browser import open_tab

TABS = {
    "Muddle": "#result .result",
    "Draw": "#pad .draw",
    "All pairs": "#pairs .pairs",
    "Guess": "#guess .guess",
    "About": "#about",
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
    for tab, selector in TABS.items():
        open_tab(page, tab)
        page.wait_for_selector(selector)
        page.wait_for_timeout(500)
        assert not serious(page), tab
    open_tab(page, "Muddle")
    page.get_by_text("Strategy, steps and seed").click()
    page.locator("#result .tile").first.click()
    assert not serious(page)


def test_the_check_would_notice(visit):
    page = visit()
    page.evaluate(
        "document.querySelector('#result .result').append(Object.assign(new Image(), { src: 'favicon.svg' }))"
    )
    assert "image-alt" in serious(page)
