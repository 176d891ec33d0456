"""python -m benchmarks.page: what a first visit transfers, and how soon a muddle is seen, beside a bare gradio page.

Needs the tests' requirements and a Chromium ($MUDDLE_CHROMIUM, else playwright's). Starts both servers itself.
"""

import os
import shutil
import statistics
import sys
import time

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.servers import APP, FLOOR, served

RESULT = "#result .result"
CLICKS = 40
LOADS = 5


def first_visit(browser: Browser, address: str, ready: str) -> tuple[float, float]:
    """Kilobytes that a visit with an empty cache transfers, and seconds until `ready` is there."""
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
    page.wait_for_timeout(1500)  # what is fetched after it counts too
    context.close()
    return sum(sizes) / 1024, seconds


def click(page: Page, button: str, changed: str) -> float:
    """Milliseconds from a click to the frame in which `changed`, a script, has become true; timed in the browser."""
    script = f"""async () => {{
      const before = {changed};
      const began = performance.now();
      document.querySelector("{button}").click();
      while ({changed} === before) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now() - began;
    }}"""
    return page.evaluate(script)


def main() -> int:
    """Prints two tables."""
    path = os.environ.get("MUDDLE_CHROMIUM") or shutil.which("chromium") or None
    with served(*APP) as app, served(*FLOOR) as floor, sync_playwright() as playwright:
        ours, bare = app.address, floor.address
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        visits = {
            "this page, a muddle seen": (ours, f"{RESULT}[data-muddle]"),
            "bare gradio, its button seen": (bare, "button"),
        }
        print("first visit                      KB    seconds (median of 5)")
        for name, (address, ready) in visits.items():
            found = [first_visit(browser, address, ready) for _ in range(LOADS)]
            print(f"{name:<30}{found[-1][0]:>6.0f}{statistics.median(s for _, s in found):>11.2f}")
        changing = {
            "a new muddle": (ours, f"document.querySelector('{RESULT}')?.dataset.muddle"),
            "bare gradio's answer": (bare, "document.querySelector('#answer')?.innerText"),
        }
        pages, times = {}, {name: [] for name in changing}
        for name, (address, changed) in changing.items():
            pages[name] = browser.new_page()
            pages[name].goto(address)
            pages[name].wait_for_function(f"() => {changed}")
        for i in range(-3, CLICKS):  # the first three warm up; alternating, so that a slow moment hits both
            for name, (_, changed) in changing.items():
                spent = click(pages[name], "#again", changed)
                if i >= 0:
                    times[name].append(spent)
        print("\nafter a click                 median ms   p95 ms")
        for name, spent in times.items():
            print(f"{name:<30}{statistics.median(spent):>9.0f}{statistics.quantiles(spent, n=20)[-1]:>9.0f}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
