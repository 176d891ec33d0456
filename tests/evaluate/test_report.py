import csv
import io
import json

import numpy as np
import pytest
from support.probabilities import ambiguous, rows_of

from muddle.errors import DataError
from muddle.evaluate.measures import MEASURES, evaluate
from muddle.evaluate.report import BOARD, as_csv, as_json, board_table, legend, read_board, table, with_results


@pytest.fixture(scope="module")
def found():
    rows = rows_of(*ambiguous(60))
    return {"perfect": evaluate(rows.soft_label, rows), "a|b": evaluate(np.full((60, 10), 0.1), rows)}


def test_the_table_is_markdown_and_aligned(found):
    lines = table(found).splitlines()
    assert len({len(line) for line in lines}) == 1
    heads = [measure.heading for measure in MEASURES.values()]
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == ["classifier", *heads]
    assert set(lines[1]) <= set("|-:")
    assert lines[2].startswith("| perfect    | 1.000 ±.000 |")
    assert lines[3].startswith("| a\\|b       |")
    assert lines[3].split(" | ")[-1].strip(" |") == "–"  # the clueless one's correlation is not defined


def test_the_legend_explains_every_figure():
    explained = {line.removeprefix("- ").split(":")[0] for line in legend().splitlines()}
    assert explained >= {measure.heading for measure in MEASURES.values()}


def test_json_holds_every_figure_with_its_interval_and_pairs(found):
    figures = json.loads(json.dumps(as_json(found), allow_nan=False))["a|b"]
    assert set(figures) == {"count", "figures", "auroc", "reliability", "balance", "pairs"}
    assert set(figures["figures"]) == set(MEASURES)
    assert figures["figures"]["brier"] == {"value": 0.9, "low": 0.9, "high": 0.9}
    assert figures["figures"]["rank_correlation"]["value"] is None
    assert len(figures["reliability"]) == 15
    assert len(figures["balance"]) == 10


def test_csv_has_a_figure_a_line(found):
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    of_all = {(line["classifier"], line["figure"]): line for line in lines if line["pair"] == "all"}
    assert len(of_all) == 2 * len(MEASURES)
    assert of_all["a|b", "brier"] == {
        "classifier": "a|b", "pair": "all", "figure": "brier", "value": "0.900000", "low": "0.900000",
        "high": "0.900000",
    }  # fmt: skip
    assert of_all["a|b", "rank_correlation"]["value"] == ""
    assert {line["pair"] for line in lines} == {"all", *found["perfect"].pairs}


def test_a_leaderboard_takes_results_and_replaces_those_of_the_same_set_and_name(found):
    board = with_results("", "f" * 64, found)
    assert [row["classifier"] for row in read_board(board)] == ["perfect", "a|b"]
    assert with_results(board, "f" * 64, found) == board
    other = with_results(board, "e" * 64, {"perfect": found["a|b"]})
    assert [(row["set"], row["classifier"]) for row in read_board(other)] == [
        ("f" * 12, "perfect"), ("f" * 12, "a|b"), ("e" * 12, "perfect"),
    ]  # fmt: skip
    assert board_table(board) == table(found)


def test_the_leaderboard_has_the_least_divergence_first(found):
    turned = with_results("", "f" * 64, dict(reversed(found.items())))
    assert board_table(turned) == table(found)


@pytest.mark.parametrize("text", ["classifier,count", "set;classifier", ",".join(BOARD[:-1])])
def test_another_file_is_no_leaderboard(text, found):
    with pytest.raises(DataError, match="no leaderboard"):
        with_results(text, "f" * 64, found)
