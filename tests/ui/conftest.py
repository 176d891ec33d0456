import pytest
from support.browser import RESULT, SETTLED, open_tab, settle, watch


@pytest.fixture(scope="session")
def visitor(browser):
    """A browser context that keeps gradio's scripts from one visit to the next, which makes a visit quick."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def visit(app, browser, visitor):
    """Opens the page with a query, at the shared app or another, and waits until `ready` is there.

    With options of a browser context, in one of its own. prepare: is called with the page before it is opened. Fails at
    the end on any trouble, unless a part of its text was put into `visit.expected`.
    """
    contexts, pages, troubles = [], [], []

    def go(query="", at=app, ready=SETTLED, prepare=None, **options):
        if options:
            contexts.append(browser.new_context(**options))
        page = (contexts[-1] if options else visitor).new_page()
        pages.append(page)
        troubles.append(watch(page, at))
        if prepare:
            prepare(page)
        page.goto(at + query)
        page.wait_for_selector(ready, state="attached")
        return page

    go.expected = []
    yield go
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    for context in contexts:
        context.close()
    assert not [text for texts in troubles for text in texts if not any(part in text for part in go.expected)]


@pytest.fixture(scope="module")
def opening_page(app, visitor):
    page = visitor.new_page()
    troubles = watch(page, app)
    page.goto(app)
    settle(page)
    yield page, troubles
    page.close()


@pytest.fixture
def opening(opening_page):
    """The page as it opens, shared by the tests of a module that leave its muddle and its controls as they are."""
    page, troubles = opening_page
    before = page.get_attribute(RESULT, "data-muddle")
    yield page
    open_tab(page, "Muddle")
    assert page.get_attribute(SETTLED, "data-muddle") == before
    assert not troubles
