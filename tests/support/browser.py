"""What the tests of the page share: where things are, and what is seen there."""

RESULT = "#result .result"


def shown(page):
    """Which muddle the result view shows: digit-target-seed-strategy-steps."""
    return page.locator(RESULT).get_attribute("data-muddle")


def wait_for_another(page, before):
    page.wait_for_function("([s, b]) => document.querySelector(s).dataset.muddle !== b", arg=[RESULT, before])


def pixels(page, selector):
    """The grey levels of the first canvas that the selector finds: a list of 784."""
    script = """canvas => {
      const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      return Array.from(copy.getImageData(0, 0, 28, 28).data.filter((_, i) => i % 4 === 0));
    }"""
    return page.eval_on_selector(selector, script)


def muddle_pixels(page):
    return pixels(page, f"{RESULT} .muddle canvas")


def open_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def downloaded(page, click):
    """The name and the bytes of the file that a click saves."""
    with page.expect_download() as download:
        click()
    with open(download.value.path(), "rb") as file:
        return download.value.suggested_filename, file.read()
