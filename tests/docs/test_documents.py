"""Links, generated parts, and names of packages and tests in README.md, SECURITY.md and docs/ hold."""

import json
import re
import runpy

import pytest
import yaml
from support.processes import ROOT

from benchmarks.documents import PARAMETERS, REFERENCES, SPEED, replace_between
from muddle import __version__
from muddle.bundle.files import EMBEDDED
from muddle.evaluate.report import board_table, legend
from muddle.export.citation import bibtex
from muddle.export.report_table import result_table
from train.report.embed import BEGIN, END, results

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES = 170  # of the README: what a first visitor reads


def between(path, begin, end):
    """The part of a document that a command writes."""
    (part,) = re.findall(f"{re.escape(begin)}\n(.*?)\n{re.escape(end)}", (ROOT / path).read_text(), re.DOTALL)
    return part


def report():
    return json.loads((EMBEDDED / "report.json").read_text())


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LINES


def test_the_readmes_table_is_the_reports():
    assert between("README.md", BEGIN, END) == result_table(report())


def test_all_results_are_the_reports():
    assert between("docs/results.md", BEGIN, END) == results(report())


def test_the_table_of_parameters_is_the_recipes():
    table = runpy.run_path(str(ROOT / "docs/parameters.py"))["parameter_table"]()
    assert between("docs/api.md", PARAMETERS.begin, PARAMETERS.end) == table


def test_the_measured_tables_stand_where_their_commands_write_them():
    assert "| ratio |" in between("docs/speed.md", SPEED.begin, SPEED.end)
    references = between("docs/datasets.md", REFERENCES.begin, REFERENCES.end)
    assert board_table((ROOT / "docs/leaderboard.csv").read_text()) in references
    assert legend() in references


def test_a_generated_part_changes_and_the_rest_stays():
    assert replace_between("a\n<b>\nold\n<e>\nz\n", "<b>", "<e>", r"\1 new") == "a\n<b>\n\\1 new\n<e>\nz\n"


@pytest.mark.parametrize("text", ["no place", "<b> <e> <b> <e>", "<e> <b>"])
def test_without_its_place_nothing_is_written(text):
    with pytest.raises(ValueError, match="unpack"):
        replace_between(text, "<b>", "<e>", "new")


def test_the_front_matter_is_a_spaces_and_names_the_gradio_that_is_installed():
    matter = yaml.safe_load(README.split("---\n")[1])
    pinned = re.search(r"^gradio==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert matter["sdk"] == "gradio"
    assert matter["sdk_version"] == pinned[1] == pytest.importorskip("gradio").__version__
    assert (ROOT / matter["app_file"]).is_file()
    assert isinstance(matter["python_version"], str)


def test_the_file_tree_names_every_package():
    tree = README.split("## Files")[1].split("```")[1]
    for path in [*(ROOT / "muddle").glob("*/__init__.py"), *ROOT.glob("*/__init__.py")]:
        assert re.search(rf"^ *{path.parent.name}/ ", tree, re.MULTILINE), path


def test_the_architecture_names_every_part_of_the_library():
    table = (ROOT / "docs/architecture.md").read_text().split("## The library")[1].split("## ")[0]
    parts = [*(ROOT / "muddle").glob("[a-z]*.py"), *(path.parent for path in (ROOT / "muddle").glob("*/__init__.py"))]
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == sorted(path.stem for path in parts)


def slug(heading):
    """The anchor that GitHub and the Hub give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(path):
    text = path.read_text()
    links = re.findall(r'\]\(([^)]+)\)|(?:src|srcset)="(?!http)([^"]+)"', text)
    for link in (a or b for a, b in links):
        if not link.startswith("http"):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE) if anchor else []
            assert not anchor or anchor in map(slug, headings), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_file_that_a_document_names_is_there(path):
    named = re.findall(r"`((?:muddle|train|tests|docs|benchmarks)/[\w./-]+?)`", path.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_picture_is_shown_somewhere():
    texts = "".join(path.read_text() for path in DOCUMENTS)
    for picture in [*(ROOT / "docs").glob("*.png"), *(ROOT / "docs").glob("*.svg")]:
        assert picture.name in texts, picture


def test_the_original_is_credited_with_a_link():
    assert "https://github.com/vdivakar/mnistMuddle" in README
    assert "Verma" in README


def test_what_security_md_promises_has_tests():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 15
    for path, name in named:
        assert f"def {name}" in (ROOT / path).read_text(), name


def test_the_citation_says_what_the_bibtex_says():
    citation, entry = yaml.safe_load((ROOT / "CITATION.cff").read_text()), bibtex()
    assert citation["version"] == __version__
    assert f"version = {{{__version__}}}" in entry
    assert citation["title"] == re.search(r"title = \{(.+)\},\n", entry)[1].replace("{", "").replace("}", "")
    assert citation["authors"] == [{"name": re.search(r"author = \{\{(.+)\}\}", entry)[1]}]
    assert entry in README
