import pytest
from support.browser import RESULT, SETTLED, open_tab, settle, watch
from support.processes import serving_here


@pytest.fixture(scope="session")
def visitor(launch_browser, tmp_path_factory):
    """The browser that all tests share but those that say so."""
    context = launch_browser(tmp_path_factory.mktemp("profile"))
    yield context
    context.close()


@pytest.fixture
def expected():
    """Parts of the texts of errors in the console that a test provokes; any other is a failure."""
    return []


@pytest.fixture
def visit(app, launch_browser, visitor, expected, tmp_path):
    """Opens the page with a query, at the shared app or another, and waits until `ready` is there.

    prepare: is called with the page before it is opened. alone: in a browser of its own, for what would reach the
    next test's page too, such as a clock. Fails at the end on any trouble.
    """
    pages, troubles, own = [], [], []

    def go(query="", at=app, ready=SETTLED, prepare=None, alone=False):
        if alone:
            own.append(launch_browser(tmp_path / f"profile-{len(own)}"))
        page = (own[-1] if alone else visitor).new_page()
        pages.append(page)
        watch(page, at, troubles)
        if prepare:
            prepare(page)
        page.goto(at + query)
        page.wait_for_selector(ready, state="attached")
        return page

    yield go
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    for context in own:
        context.close()
    assert not unexpected(troubles, expected)


@pytest.fixture(scope="session")
def replica(networks):
    """The address of another server than the app's, with networks of its own."""
    with serving_here(networks) as (_, address):
        yield address


@pytest.fixture(scope="module")  # no longer, since an open page takes a tenth of a processor
def opening_page(app, visitor):
    page, troubles = visitor.new_page(), []
    watch(page, app, troubles)
    page.goto(app)
    settle(page)
    yield page, troubles
    page.close()


@pytest.fixture
def opening(opening_page, expected):
    """The page as it opens, shared by the tests that leave its muddle and its controls as they are."""
    page, troubles = opening_page
    before = page.get_attribute(RESULT, "data-muddle")
    yield page
    open_tab(page, "Morph")
    left = page.get_attribute(SETTLED, "data-muddle")
    wrong = unexpected(troubles, expected)
    troubles.clear()
    if left != before or wrong:  # nothing of it reaches the next test
        page.goto(page.url.partition("?")[0])
        settle(page)
    assert left == before
    assert not wrong


def unexpected(troubles, expected):
    return [text for text in troubles if not any(part in text for part in expected)]
