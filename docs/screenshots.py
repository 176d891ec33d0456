"""python docs/screenshots.py: take the page's two pictures, from a server that it starts itself.

Needs the tests' requirements and a Chromium ($MUDDLE_CHROMIUM, else playwright's).
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))


def main() -> int:
    """Write page-light.png and page-dark.png beside this file."""
    from benchmarks.page import RESULT, chromium
    from benchmarks.servers import APP, served

    with served(*APP) as server, sync_playwright() as playwright:
        browser = chromium(playwright)
        for scheme, query in (("light", ""), ("dark", "?digit=3&target=8&seed=113")):
            page = browser.new_page(color_scheme=scheme, viewport={"width": 1160, "height": 1060})
            page.goto(f"{server.address}/{query}")
            page.wait_for_selector(f"{RESULT}[data-muddle]")
            page.wait_for_load_state("networkidle")  # the map's ground comes after the result
            page.screenshot(path=DOCS / f"page-{scheme}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
