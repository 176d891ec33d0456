"""Share links, visitors beside each other, and what a long visit leaves behind, in a real browser."""

import time
from pathlib import Path

import pytest
from support.browser import RESULT, muddle_pixels, pixels, shown, wait_for_another
from support.processes import free_port, serving

from benchmarks.servers import resident

QUERY = "/?digit=2&target=7&seed=5&strategy=balanced&steps=6"


def test_the_address_alone_reproduces_the_result(visit):
    page = visit("/?digit=2&target=7&seed=5&strategy=midpoint&steps=6")
    assert shown(page) == "2-7-5-midpoint-6"
    page.click("#again")
    wait_for_another(page, "2-7-5-midpoint-6")
    page.wait_for_function("!location.search.includes('seed=5&')")
    another = visit("/" + page.evaluate("location.search"))
    assert shown(another) == shown(page)
    assert muddle_pixels(another) == muddle_pixels(page)


def test_the_copied_link_opens_the_same_for_somebody_else(visit, app):
    page = visit(QUERY, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{app}/?digit=2&target=7&seed=5")
    other = visit(link.removeprefix(app))
    assert muddle_pixels(other) == muddle_pixels(page)
    assert other.locator(f"{RESULT} .note").count() == 0


def test_without_a_clipboard_the_link_is_there_to_copy_by_hand(visit, app):
    page = visit(QUERY)
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    page.get_by_role("button", name="Copy link").click()
    assert page.get_by_label("To be copied").input_value().startswith(f"{app}/?digit=2")


def test_a_link_outlives_a_restart_and_works_on_another_server(visit, muddler):
    port = free_port()
    with serving(port=port) as (address, _):
        before = muddle_pixels(visit(QUERY, at=address))
    with serving(port=port) as (address, _), serving() as (other, _):
        assert muddle_pixels(visit(QUERY, at=address)) == before
        assert muddle_pixels(visit(QUERY, at=other)) == before
    assert before == muddler.muddle(2, 7, seed=5, steps=6).image.flatten().tolist()


def test_a_link_of_another_version_says_so(visit):
    page = visit("/?digit=2&v=1-abcdef0")
    assert "made with another version" in page.inner_text(f"{RESULT} .note")
    page.click("#muddle")
    page.wait_for_function("s => !document.querySelector(s)", arg=f"{RESULT} .note")


@pytest.mark.parametrize(
    "query",
    ["?digit=11", "?seed=-1", "?seed=99999999999", "?steps=1", "?strategy=x", "?digit=4&target=4", "?digit=%00"],
)
def test_a_broken_link_shows_the_usual_and_says_why(visit, query):
    page = visit("/" + query)
    assert shown(page).startswith("4-")
    note = page.inner_text(f"{RESULT} .note")
    assert "could not be read" in note
    assert "is not possible" in note


def test_a_parameter_that_is_not_ours_stays_in_the_address(visit):
    page = visit("/?__theme=dark&digit=3&source=0")
    page.wait_for_function("location.search.includes('v=')")
    assert "__theme=dark" in page.evaluate("location.search")
    assert "source" not in page.evaluate("location.search")  # it was not one of this digit


def test_two_visitors_never_see_each_others_results(visit):
    one, two = visit("/?digit=1&target=7"), visit("/?digit=6&target=0")
    for _ in range(5):
        before = shown(one), shown(two)
        one.click("#again", no_wait_after=True)
        two.click("#again", no_wait_after=True)
        wait_for_another(one, before[0])
        wait_for_another(two, before[1])
        assert shown(one).startswith("1-7-")
        assert shown(two).startswith("6-0-")
        assert pixels(one, f"{RESULT} .source canvas") != pixels(two, f"{RESULT} .source canvas")


def files_under(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_a_long_visit_leaves_no_files_and_takes_no_memory(visit, tmp_path):
    with serving(TMPDIR=str(tmp_path), GRADIO_TEMP_DIR=str(tmp_path / "gradio")) as (address, pid):
        page = visit(at=address)

        def again(times):
            for _ in range(times):
                before = shown(page)
                page.click("#again")
                wait_for_another(page, before)

        again(30)  # what a process needs once
        files, memory = files_under(tmp_path), resident(pid)
        again(100)
        time.sleep(1)
        assert files_under(tmp_path) == files
        assert resident(pid) - memory < 30
