"""The benchmarks work; how fast anything is, is no test's business."""

import contextlib
import json
import re
import sys
import time
from urllib.parse import urlsplit

import pytest
import torch
from support.processes import ROOT

from benchmarks import documents, measure, servers
from benchmarks.__main__ import PARTS, main
from benchmarks.digest import batch_recipes, content, single_recipes
from benchmarks.library import Meter, MeteredScorer, metered_search
from benchmarks.soak import State, problems
from muddle.recipe import STRATEGIES, Recipe
from muddle.search.draws import draw
from muddle.search.scorer import Scorer
from muddle.search.strategies import balanced


def test_a_row_has_the_medians_and_their_ratio():
    row = measure.row("it", "ms", [2, 2, 2], [4, 4, 5], "≤ 1")
    assert (row.ours, row.p95, row.baseline, row.ratio) == (2, 2, 4, 0.5)
    assert measure.table([row]).splitlines()[-1] == "| it | 2.00 ms | 2.00 ms | 4.00 ms | 0.50 | ≤ 1 |"


def test_a_row_without_a_baseline_has_no_ratio():
    row = measure.row("it", "KB", [1234.5])
    assert measure.table([row]).splitlines()[-1] == "| it | 1,234 KB | 1,234 KB |  |  |  |"


def test_one_caller_is_answered_beside_a_bare_page(app, tmp_path, monkeypatch, capsys):
    """With the app that is there, and a bare page that is started."""
    start = servers.served

    def served(*program, **options):
        there = servers.Server(urlsplit(app).port, pid=0, seconds=0, bare=False)
        return contextlib.nullcontext(there) if program == servers.APP else start(*program, **options)

    monkeypatch.setattr("benchmarks.app.served", served)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "answer", "--quick", "--json", str(tmp_path / "figures.json")])
    assert main() == 0
    printed = capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["machine"]["processors"] > 0
    assert len(figures["rows"]) == 3
    for row in figures["rows"]:
        assert row["ratio"] == pytest.approx(row["ours"] / row["baseline"])
        assert f"| {row['what']} |" in printed


@pytest.mark.parametrize(
    "arguments", [("strat",), ("bulk", "--against", "."), ("start", "--against", ".", "--docs")], ids=" ".join
)
def test_what_does_not_go_together_is_refused_before_anything_is_measured(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2


def test_the_tables_take_the_place_of_the_old_ones(tmp_path, monkeypatch):
    old = f"# Speed\n{documents.SPEED.begin}\nold\n{documents.SPEED.end}\n## Other\n"
    (tmp_path / "speed.md").write_text(old)
    monkeypatch.setattr(documents, "DOCS", tmp_path)
    documents.SPEED.write("| new |")
    assert (tmp_path / "speed.md").read_text() == old.replace("old", "| new |")


def test_a_meter_adds_up_by_name():
    readings = iter([0, 3, 10, 14, 20, 21])
    meter = Meter(lambda: next(readings))
    double = meter.wrap("double", lambda x, scale=2: scale * x)
    assert [double(1), double(2, scale=3), meter.wrap("other", str)(5)] == [2, 6, "5"]
    assert meter.totals == {"double": 7, "other": 1}


@torch.no_grad()
def test_a_metered_search_finds_the_same(muddler):
    draws = draw(muddler.bundle, [Recipe(digit=seed, seed=seed) for seed in range(3)])
    metered = balanced(draws, MeteredScorer(muddler.bundle, Meter(time.perf_counter)))
    for column, expected in zip(metered, balanced(draws, Scorer(muddler.bundle)), strict=True):
        assert torch.equal(column, expected)


def test_every_part_of_a_search_takes_time_and_all_of_them_no_more_than_the_whole(muddler):
    seconds = metered_search(muddler.bundle, 10, time.perf_counter)
    total = seconds.pop("all")
    assert {"decode", "objective", "gradient of the objective"} < set(seconds)
    assert len([name for name in seconds if name.startswith(("judges", "student", "surrogate"))]) == 5
    assert min(seconds.values()) > 0
    assert sum(seconds.values()) < total


def test_the_digest_is_of_a_thousand_muddles_of_every_kind(muddler):
    groups = [recipes for _, recipes in single_recipes(muddler.bundle.exemplars)]
    singles, batches = [recipe for group in groups for recipe in group], list(batch_recipes())
    assert len(singles) + sum(map(len, batches)) == 1000
    assert {recipe.strategy for recipe in singles} == set(STRATEGIES)
    assert [recipes[0].strategy for recipes in batches] == list(STRATEGIES)
    assert any(recipe.image is not None for recipe in singles)
    assert any(recipe.source is not None for recipe in singles)
    assert len({recipe.balance for recipe in singles}) > 50


def test_a_digest_sees_a_single_pixel(muddler):
    muddle = muddler.muddle(4, 9, strategy="midpoint")
    before = content(muddle)
    muddle.frames[3, 5, 5] ^= 1
    assert content(muddle) != before


FRESH = State(memory=800, open_files=40, disk_files=0)


def test_what_stays_and_busy_are_no_problems():
    assert problems(["ok", "busy"], FRESH, FRESH._replace(memory=836, open_files=39), max_growth=5) == []


@pytest.mark.parametrize("change", [{"memory": 845}, {"open_files": 41}, {"disk_files": 1}], ids=str)
def test_growth_is_a_problem(change):
    assert len(problems(["ok"], FRESH, FRESH._replace(**change), max_growth=5)) == 1


def test_a_failure_is_a_problem():
    assert problems(["ok", "500: oops"], FRESH, FRESH, max_growth=5) == ["500: oops"]


def test_every_command_of_the_document_is_there():
    text = (ROOT / "docs/speed.md").read_text()
    modules = re.findall(r"python -m benchmarks\.(\w+)", text)
    parts = " ".join(re.findall(r"python -m benchmarks ([a-z ]+)", text)).split()
    assert set(modules) == {"dataset", "digest", "soak"}
    assert all((ROOT / f"benchmarks/{module}.py").exists() for module in modules)
    assert set(parts) == set(PARTS)
