import json

import numpy as np

from train.report.report import contact_sheet, make_many, write_provenance
from train.run import QUICK, Run, RunSize
from train.sealed_panel import MEMBERS


def test_the_contact_sheet_has_the_first_ten_of_each_digit():
    digits = np.repeat(np.arange(10), 12)
    assert contact_sheet(digits).tolist() == [12 * digit + i for digit in range(10) for i in range(10)]
    assert contact_sheet(np.arange(10)).tolist() == list(range(10))


def test_muddles_that_are_made_in_parts_are_those_that_are_made_at_once(muddler):
    digits, seeds = np.arange(120) % 10, np.arange(120)
    batch = make_many(muddler, digits, [None] * 120, seeds, "midpoint")
    whole = muddler.muddle_many(digits, [None] * 120, seeds, strategy="midpoint", steps=21)
    for part, column in zip(vars(batch).values(), vars(whole).values(), strict=True):
        np.testing.assert_array_equal(part, column)


def test_the_shipped_report_hides_no_pair(muddler):
    assert list(muddler.bundle.report["pairs"]) == [f"{a}-{b}" for a in range(10) for b in range(10) if a != b]
    assert muddler.bundle.report["all_pairs"]["count"] == 90 * RunSize().muddles_per_pair


def test_a_bundle_says_what_it_was_made_from(tmp_path):
    run = Run(source="mnist-5k", out=tmp_path, seed=3, size=QUICK)
    run.bundle.mkdir()
    write_provenance(run)
    provenance = json.loads((run.bundle / "config.json").read_text())["provenance"]
    assert (provenance["data"], provenance["seed"], provenance["plan"]) == ("mnist-5k", 3, vars(QUICK))
    assert {"version", "torch", "python"} < provenance.keys()


def test_the_shipped_figures_are_the_sealed_panels_whose_members_all_know_digits(muddler):
    report = muddler.bundle.report
    assert report["measured_by"] == "sealed"
    assert list(report["panel"]) == list(MEMBERS)
    assert all(member["accuracy"] > 0.95 for member in report["panel"].values())


def test_each_of_ten_bins_was_asked_for_its_balance(muddler):
    bins = muddler.bundle.report["balance"]
    assert [row["asked"] for row in bins] == [round(0.05 + k / 10, 5) for k in range(10)]
    shares = [row["share"]["value"] for row in bins]
    assert shares == sorted(shares)
