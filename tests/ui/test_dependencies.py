"""The page is built of what gradio, starlette, uvicorn and Python document: nothing private, nothing patched."""

import ast

import pytest
from support.processes import ROOT

SOURCES = {path.stem: path.read_text() for path in sorted((ROOT / "muddle/ui").glob("*.py"))}
ASSIGNED = {  # every attribute that is set on anything but self, and why
    (
        "api",
        "box.api_info",
    ): "gr.api takes types from hints, and has no option for ranges and descriptions",
    ("api", "box.example_payload"): "nor has it one for examples",
    ("log", "log.propagate"): "logging's own way to keep a logger's lines to its handlers",
    ("networks", "job.tries"): "our own Job",
    ("serve", "page.app.state_holder"): "gradio copies the page's whole configuration for each call, without an option",
}


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def private(text):
    """The private attributes of anything but self and cls that a source uses, and the private names that it imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) not in ("self", "cls"):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found |= {name for name in names if any(map(is_private, name.split(".")))}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "delattr", "vars"):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant) and is_private(str(a.value))}
    return found


def assigned(text):
    """The attributes of anything but self that a source sets or deletes, and its calls that could."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found |= {ast.unparse(node)} if ast.unparse(node.value) != "self" else set()
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("setattr", "__setattr__"):
            found.add(ast.unparse(node))
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_private_of_others_is_used(name):
    assert private(SOURCES[name]) == set()


def test_attributes_of_others_are_set_in_these_places_only():
    assert {(name, target) for name, text in SOURCES.items() for target in assigned(text)} == set(ASSIGNED)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("page._queue.x", {"page._queue"}),
        ("self._queue.x, cls._x, work.__name__", set()),
        ("self.page._queue", {"self.page._queue"}),
        ("from gradio import _simple", {"_simple"}),
        ("import starlette._utils", {"starlette._utils"}),
        ("getattr(page, '_queue')", {"_queue"}),
    ],
)
def test_what_is_private_would_be_noticed(code, expected):
    assert private(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("page.x = 1", {"page.x"}),
        ("page.x, y = 1, 2", {"page.x"}),
        ("page.x += 1", {"page.x"}),
        ("del page.x", {"page.x"}),
        ("self.x = page.x", set()),
        ("self.page.x = 1", {"self.page.x"}),
        ("setattr(page, 'x', 1)", {"setattr(page, 'x', 1)"}),
    ],
)
def test_what_is_set_would_be_noticed(code, expected):
    assert assigned(code) == expected
