"""Helpers for tests of the page: where things are, what is seen there, and how to wait for what the page does."""

import contextlib
import re
from urllib.parse import parse_qsl, urlsplit

from muddle.recipe import LINK_KEYS

RESULT = "#result .result"
SETTLED = f"{RESULT}[data-muddle]:not([aria-busy])"  # nothing is under way: settings, address and result agree
CANVAS = {kind: f"{RESULT} .{kind} canvas" for kind in ("source", "muddle", "partner")}


def watch(page, address, troubles):
    """Add to `troubles` whatever goes wrong: errors and warnings in the console, requests to anywhere else."""
    page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: troubles.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)


def settle(page):
    page.wait_for_selector(SETTLED, state="attached")


@contextlib.contextmanager
def another_muddle(page):
    """Wait at the block's end until the page shows another muddle than at its begin, and is settled."""
    before = page.get_attribute(RESULT, "data-muddle")
    yield
    page.wait_for_selector(f"{SETTLED}:not([data-muddle='{before}'])", state="attached")


def calm(page):
    """Wait until nothing moves or fades."""
    page.wait_for_function("document.getAnimations().every((animation) => animation.playState !== 'running')")


def shown(page):
    """The link of the muddle that the result view shows, as its fields."""
    return dict(parse_qsl(page.get_attribute(RESULT, "data-muddle").removeprefix("?")))


def address_fields(page):
    """The fields of the address bar that belong to a link."""
    return {key: value for key, value in parse_qsl(urlsplit(page.url).query) if key in LINK_KEYS}


def strategy(page):
    """The strategy that is chosen in the settings."""
    return page.locator(f"{RESULT} .settings [name=muddle-strategy]:checked").input_value()


def choose(page, end, digit):
    """Choose a digit at an end of the slider, "from" or "to"; another image of it if it is that already."""
    page.locator(f"{RESULT} .{end} .end").click()
    page.locator(f"{RESULT} .{end} .choose").get_by_role("button", name=re.compile(f"^(Another )?{digit}$")).click()


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def pixels(page, selector):
    """The grey levels of the first canvas that the selector finds: a list of 784."""
    script = """canvas => {
      const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      return Array.from(copy.getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 0));
    }"""
    return page.eval_on_selector(selector, script)


def downloaded(page, click):
    """The name and the bytes of the file that a click saves."""
    with page.expect_download() as download:
        click()
    with open(download.value.path(), "rb") as file:
        return download.value.suggested_filename, file.read()
