"""The page in a real browser: a first visit, a click, and a long visit, each beside its baseline.

Needs the tests' requirements and a Chromium ($MUDDLE_CHROMIUM, else the one in the path, else playwright's).
"""

import os
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from benchmarks.measure import Row, Settings, row
from benchmarks.servers import APP, BARE, Server, resident, served

RESULT = "#result .result"
SHOWN = f"document.querySelector('{RESULT}')?.dataset.muddle"  # which muddle the page shows, in JavaScript
BARE_SHOWN = "document.querySelector('#answer')?.innerText"


def page(settings: Settings) -> list[Row]:
    """Rows of the three; the baseline of the first two is a bare gradio page."""
    clicks, visits, long_visit = (10, 2, 30) if settings.quick else (40, 5, 200)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = chromium(playwright)
        folders = {"TMPDIR": scratch, "GRADIO_TEMP_DIR": f"{scratch}/gradio"}
        with served(*APP, **folders) as app, served(*BARE) as bare:
            rows = [
                *first_visits(browser, app, bare, visits),
                single_clicks(browser, app, bare, clicks),
                melting(browser, app),
                *exploring(browser, app),
                *many_clicks(browser, app, Path(scratch), long_visit),
            ]
        browser.close()
    return rows


def chromium(playwright: Playwright) -> Browser:
    """Start a Chromium."""
    path = os.environ.get("MUDDLE_CHROMIUM") or shutil.which("chromium") or None
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])


def first_visits(browser: Browser, app: Server, bare: Server, count: int) -> list[Row]:
    """Transferred kilobytes, and seconds to the first muddle; of the bare page, to its button."""
    pages = {"app": (app.address, f"{RESULT}[data-muddle]"), "bare": (bare.address, "button")}
    sizes, times = defaultdict(list), defaultdict(list)
    for _ in range(count):
        for name, (address, ready) in pages.items():
            kilobytes, seconds = first_visit(browser, address, ready)
            sizes[name].append(kilobytes)
            times[name].append(seconds)
    return [
        row("transfer of a first visit; baseline: a bare gradio page", "KB", sizes["app"], sizes["bare"]),
        row("first visit to a muddle; baseline: to a bare page's button", "s", times["app"], times["bare"]),
    ]


def first_visit(browser: Browser, address: str, ready: str) -> tuple[float, float]:
    """Kilobytes that a visit with an empty cache transfers, and seconds until the selector `ready` matches."""
    context = browser.new_context()
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(ready)
    seconds = time.perf_counter() - began
    page.wait_for_load_state("networkidle")  # later transfers count too
    context.close()
    return sum(sizes) / 1024, seconds


def single_clicks(browser: Browser, app: Server, bare: Server, count: int) -> Row:
    """Milliseconds from a click to the frame that shows its answer."""
    pages = {"app": open_page(browser, app, SHOWN), "bare": open_page(browser, bare, BARE_SHOWN)}
    times = defaultdict(list)
    for i in range(-3, count):  # the first three warm up; in turns, so that a slow moment hits both
        for name, shown in (("app", SHOWN), ("bare", BARE_SHOWN)):
            spent = click(pages[name], shown)
            times[name] += [spent] if i >= 0 else []
    for page in pages.values():
        page.close()
    return row("click to a new muddle; baseline: to a bare page's answer", "ms", times["app"], times["bare"])


def melting(browser: Browser, app: Server) -> Row:
    """Milliseconds from a move of the slider to the new digit and cards; no request is sent."""
    page = open_page(browser, app, SHOWN)
    script = """() => {
      const slider = document.querySelector("#result .melt");
      return Array.from({ length: 330 }, (_, i) => {
        const began = performance.now();
        slider.value = i % 33;
        slider.dispatchEvent(new Event("input"));
        return performance.now() - began;
      });
    }"""
    times = page.evaluate(script)
    page.close()
    return row("from a move of the slider to its digit", "ms", times, bar="≤ 16 ms")


def exploring(browser: Browser, app: Server) -> list[Row]:
    """Seconds to the atlas's first mosaic and milliseconds of the longest task of the page meanwhile; then milliseconds
    from a move of the pointer to the digit and the opinions at its place."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script("""
      window.tasks = [];
      new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask" });
    """)
    page.goto(app.address)
    page.wait_for_selector(f"{RESULT}:not([aria-busy]) .latent-map")
    page.wait_for_timeout(1000)  # until all else of the page has come
    mosaic = page.evaluate("""async () => {
      const [map, began] = [document.querySelector("#result .latent-map"), performance.now()];
      map.scrollIntoView();
      while (map.dataset.whole !== "true") await new Promise(requestAnimationFrame);
      const tasks = window.tasks.filter((task) => task.startTime > began).map((task) => task.duration);
      return [(performance.now() - began) / 1000, Math.max(0, ...tasks)];
    }""")
    spent = page.evaluate("""async () => {
      const [map, canvas] = [document.querySelector("#result .latent-map"), document.querySelector("#result .map")];
      const { left, top, width } = canvas.getBoundingClientRect();
      const times = [];
      for (let i = 0; i < 200; i++) {
        const began = performance.now();
        const at = { clientX: left + width * (0.3 + 0.002 * i), clientY: top + width * (0.4 + 0.001 * (i % 90)) };
        const seen = new Promise((done) => {
          const observer = new MutationObserver(() => (observer.disconnect(), done()));
          observer.observe(map, { attributeFilter: ["data-at"] });
        });
        canvas.dispatchEvent(new PointerEvent("pointermove", { ...at, pointerType: "mouse", pointerId: 1 }));
        await seen;
        times.push(performance.now() - began);
        await new Promise(requestAnimationFrame);
      }
      return times;
    }""")
    page.close()
    return [
        row("the atlas, from its coming into view to its first mosaic", "s", [mosaic[0]], bar="≤ 4 s"),
        row("longest task of the page meanwhile", "ms", [mosaic[1]], bar="≤ 50 ms"),
        row("from a move over the atlas to digit and opinions", "ms", spent, bar="≤ 16 ms"),
    ]


def many_clicks(browser: Browser, app: Server, folder: Path, count: int) -> list[Row]:
    """Memory of the app and files in its temporary folder after one long visit; the baseline is early in that visit."""
    page = open_page(browser, app, SHOWN)
    states = []
    for clicks in (30, count):  # the first are for what a process needs once
        for _ in range(clicks):
            click(page, SHOWN)
        states.append((resident(app.pid), sum(path.is_file() for path in folder.rglob("*"))))
    page.close()
    (memory, files), (later_memory, later_files) = states
    what = f"after {count} more clicks on Another pair"
    return [
        row(f"memory {what}; baseline: before them", "MB", [later_memory], [memory], "at most 30 MB more"),
        row(f"files on the disk {what}, {files} before them", "files", [later_files], bar="no more"),
    ]


def open_page(browser: Browser, server: Server, shown: str) -> Page:
    """A new tab of a server's page, once it shows something."""
    page = browser.new_page()
    page.goto(server.address)
    page.wait_for_function(f"() => {shown}")
    return page


def click(page: Page, shown: str) -> float:
    """Milliseconds from a click to the frame in which the expression `shown` has changed.

    On "Another pair", or on the bare page's button.
    """
    script = f"""async () => {{
      const before = {shown};
      const began = performance.now();
      document.querySelector("#result .another, #again").click();
      while ({shown} === before) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now() - began;
    }}"""
    return page.evaluate(script)
