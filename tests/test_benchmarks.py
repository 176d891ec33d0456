"""The benchmarks work; what they measure is no test's business."""

import json
import subprocess
import sys

import pytest
from support.processes import ROOT, environment

from benchmarks.__main__ import BEGIN, END, README, with_speed
from benchmarks.measure import row, table


def run(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300)


def test_visitors_of_all_kinds_are_answered_and_leave_nothing_behind():
    done = run("benchmarks.soak", "--visitors", "12", "--seconds", "15", "--pause", "0.3", "--most-growth", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files on the disk: 0, then 0" in done.stdout


@pytest.mark.parametrize("part", ["answer", "bulk"])
def test_each_part_measures_something_beside_its_floor(part, tmp_path):
    done = run("benchmarks", part, "--quick", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["machine"]["processors"] > 0
    for measured in found["rows"]:
        assert measured["ours"] > 0
        assert f"| {measured['what']} |" in done.stdout
        if measured["floor"] is not None:
            assert measured["ratio"] == pytest.approx(measured["ours"] / measured["floor"])


def test_a_row_has_the_medians_and_their_ratio():
    measured = row("it", "ms", [2, 2, 2], [4, 4, 5], "≤ 1")
    assert (measured.ours, measured.floor, measured.ratio) == (2, 4, 0.5)
    assert table([measured]).splitlines()[-1] == "| it | 2.00 ms | 2.00 ms | 4.00 ms | 0.50 | ≤ 1 |"


def test_the_readme_keeps_all_but_the_figures():
    text = README.read_text()
    changed = with_speed(text, "figures")
    assert f"{BEGIN}\nfigures\n{END}" in changed
    assert changed.split(BEGIN)[0] == text.split(BEGIN)[0]
    assert changed.split(END)[1] == text.split(END)[1]
