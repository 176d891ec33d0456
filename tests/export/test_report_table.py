import json
import re

from muddle.bundle.files import EMBEDDED
from muddle.export.report_table import ROWS, balance_table, interval, member_table, result_table


def figure(value, low, high):
    return {"value": value, "low": low, "high": high}


def report(**strategies):
    """A report whose figures are the strategy's number and one more a row."""
    return {
        "panel_members": ["one", "two"],
        "real_test_digits": {"grey_share": {"value": 0.5061}},
        "strategies": {
            name: {
                "count": 1000,
                **{key: figure(n + i / 10, 0, 1) for i, (key, _, _) in enumerate(ROWS)},
                "descent": {"by_code": figure(n + 0.9, 0, 1)},
            }
            for name, n in strategies.items()
        },
    }


def test_a_figure_has_its_interval():
    assert interval(figure(0.4512, 0.4204, 0.4816), "share") == "45.1 % (42.0 to 48.2)"
    assert interval(figure(0.5714, 0.57, 0.573), "number") == "0.571 (0.570 to 0.573)"


def test_the_table_has_a_column_a_strategy_and_a_row_a_figure():
    lines = result_table(report(balanced=0, midpoint=1)).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in cells} == {3}
    assert cells[0][1:] == ["`balanced`", "`midpoint`"]
    assert "1,000" in cells[0][0]
    assert cells[1] == ["---"] * 3
    assert len(lines) == 2 + len(ROWS) + 1
    for i, (row, (_, _, kind)) in enumerate(zip(cells[2:], ROWS, strict=False)):
        assert row[1:] == [interval(figure(n + i / 10, 0, 1), kind) for n in (0, 1)]
    assert cells[-1][1:] == [interval(figure(n + 0.9, 0, 1), "share") for n in (0, 1)]


def test_the_grey_share_stands_beside_that_of_real_digits():
    assert "real test digits: 0.506" in result_table(report(balanced=0))


def test_the_embedded_report_makes_a_table_of_figures():
    table = result_table(json.loads((EMBEDDED / "report.json").read_text()))
    assert re.findall("`(.+?)`", table)[:3] == ["balanced", "midpoint", "farthest"]
    assert "nan" not in table


def test_the_members_stand_alone_then_their_mean_then_other_kinds_and_all():
    shares = {"both_above_0.2": [0.1, 0.2], "split": [0.3, 0.4], "top_pair": [0.5, 0.6]}
    means = {key: figure(0.5, 0.4, 0.6) for key in shares}
    report = {
        "panel": ["one", "two", "trees"],
        "panel_members": ["one", "two"],
        "all_pairs": {"count": 4500, "members": shares, **means},
    }
    lines = member_table(report).splitlines()
    assert lines[2:4] == ["| one alone | 10.0 % | 30.0 % | 50.0 % |", "| two alone | 20.0 % | 40.0 % | 60.0 % |"]
    mean = "| 50.0 % (40.0 to 60.0) | 50.0 % (40.0 to 60.0) | 50.0 % (40.0 to 60.0) |"
    assert lines[4:] == [f"| **their mean** {mean}"]
    report["other_kinds"] = {name: {"all_pairs": means} for name in ("trees", "these", "all", "tuning")}
    assert member_table(report).splitlines()[5:] == [
        "| trees alone | 50.0 % | 50.0 % | 50.0 % |",
        f"| mean of these three {mean}",
        f"| **mean of all 3** {mean}",
        f"| mean of the tuning panel, by which settings were chosen {mean}",
    ]


def test_the_balance_has_a_column_a_bin():
    bins = [
        {"asked": 0.05, "share": figure(0.06, 0.05, 0.07), "spread": 0.1},
        {"asked": 0.15, "share": figure(0.2, 0, 1), "spread": 0},
    ]
    head, _, *rows = balance_table({"balance": bins}).splitlines()
    assert head == "| asked for | 0.05 | 0.15 |"
    assert rows[0].endswith("| 0.06 | 0.20 |")
    assert rows[1].endswith("| 0.05 to 0.07 | 0.00 to 1.00 |")
