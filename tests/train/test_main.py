import importlib
import json

import numpy as np
import pytest
import torch

from muddle import Muddler
from muddle.bundle.classifier_file import read_classifier
from muddle.bundle.references import REFERENCES
from muddle.errors import BundleError
from muddle.evaluate.classifiers import load_classifier
from muddle.verify import verify
from train.__main__ import ALL, COMMANDS, STAGES, main, parser, run_stages
from train.report import ablation, report
from train.run import Run, RunSize
from train.sealed_panel import KINDS
from train.stages import judge
from train.stages.panel import PANEL
from train.stages.reference import MEMBERS

TINY = RunSize(  # as small as batches of 128 images, 256 codes and 64 partners allow
    autoencoder_epochs=2,
    epochs_scale=0.01,
    likeness_epochs=1,
    held_out=500,
    surrogate_codes=600,
    surrogate_epochs=1,
    student_epochs=1,
    exemplars_per_digit=70,
    projection_epochs=3,
    inverse_epochs=1,
    muddles_per_digit=1,
    muddles_per_pair=1,
)
pytestmark = pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:.*:DeprecationWarning")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, few_digits):
    """The folder of a tiny training to the end, of few classifiers, which is measured on ten pairs."""
    run = Run(source="mnist-5k", out=tmp_path_factory.mktemp("run"), size=TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "SOFT", judge.SOFT[1:4])
        patch.setattr(judge, "STEEP", judge.STEEP[:2])
        patch.setattr(report, "PAIRS", report.PAIRS[::9])
        run_stages(ALL, run)
    return run.out


def test_a_tiny_training_ends_with_a_bundle_that_muddles_and_verifies(tiny):
    muddler = Muddler.from_pretrained(tiny / "bundle")
    assert muddler.muddle(4, 9, seed=7).image.shape == (28, 28)
    assert muddler.bundle.report["data"]["source"] == "mnist-5k"
    assert muddler.bundle.provenance["data"] == "mnist-5k"
    assert muddler.bundle.provenance["plan"] == vars(TINY)
    assert verify(muddler.bundle)[1]


def test_it_leaves_metrics_curves_and_sheets(tiny):
    lines = (tiny / "work/autoencoder/metrics.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    assert [m["epoch"] for m in epochs] == [1, 2]
    assert epochs[-1]["test_mse"] < epochs[0]["test_mse"]
    for picture in (
        "autoencoder/loss.png",
        "autoencoder/reconstructions.png",
        "exemplars/kept.png",
        "likeness/bad.png",
        "projection/map.png",
        "report/balanced.png",
        "report/pairs-split.png",
    ):
        assert (tiny / "work" / picture).read_bytes().startswith(b"\x89PNG")
    assert json.loads((tiny / "work/exemplars/exemplars.json").read_text())["kept"] == 700


def test_the_report_counts_its_muddles_and_has_its_pairs(tiny):
    figures = json.loads((tiny / "bundle/report.json").read_text())
    assert {strategy["count"] for strategy in figures["strategies"].values()} == {10}
    assert list(figures["pairs"]) == [f"{a}-{b}" for a, b in report.PAIRS[::9]]
    assert figures["all_pairs"]["count"] == 10
    assert len(figures["judges"]) == 3 + 1  # and their mean
    assert len(figures["teachers"]) == 2 + 1
    assert figures["measured_by"] == "sealed"
    assert list(figures["panel"]) == [*figures["panel_members"], *KINDS]
    assert list(figures["other_kinds"]) == [*KINDS, "these", "all", "tuning"]
    assert sum(row["count"] for row in figures["balance"]) == 40


def test_no_network_of_the_sealed_panel_is_one_of_the_tuning_panel(tiny):
    for spec in PANEL:
        one, other = (torch.load(tiny / f"work/{name}/{spec.name}.pt") for name in ("panel", "sealed"))
        assert not all(one[key].equal(other[key]) for key in one), spec.name


def test_the_ablation_writes_a_row_for_every_variant(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablation, "DOCUMENT", tmp_path / "ablation.md")
    monkeypatch.setattr(ablation, "EVERY", 30)
    run_stages(["ablation"], Run(source="mnist-5k", out=tiny, size=TINY))
    rows = [line for line in (tmp_path / "ablation.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(ablation.VARIANTS)
    operations = {row.split("|")[1].strip(): float(row.split("|")[-2]) for row in rows}
    alone = operations["one path: no student is needed"]
    assert operations["midpoint only"] < alone <= operations["all of it"]
    assert operations["all of it"] < operations[f"no surrogate: the images of {ablation.ALONE} paths"]


def test_the_map_is_measured_beside_the_codes_and_two_linear_projections(tiny):
    figures = json.loads((tiny / "work/projection/projection.json").read_text())
    assert list(figures) == ["map", "codes", "pca", "lda"]
    assert figures["pca"]["accuracy"] < figures["codes"]["accuracy"] <= 1
    assert figures["map"]["divergence"] > 0


def test_the_references_are_three_classifiers_with_their_grades(tiny):
    about = json.loads((tiny / "references/references.json").read_text())
    assert (about["data"], about["seed"], about["epochs"]) == ("mnist-5k", 0, 1)
    assert tuple(about["references"]) == REFERENCES
    for name, grades in about["references"].items():
        assert 0 <= grades["accuracy"] <= 1
        p = load_classifier(str(tiny / f"references/{name}.safetensors"))(np.zeros((2, 28, 28), np.uint8))
        assert p.shape == ((MEMBERS, 2, 10) if name == "ensemble" else (2, 10))


def test_the_ensemble_begins_with_the_plain_reference_and_the_rest_differ(tiny):
    plain, smoothed, ensemble = (read_classifier(tiny / f"references/{name}.safetensors") for name in REFERENCES)
    weights = [judge.net[-1].weight for judge in (*ensemble.judges, *smoothed.judges)]
    assert len(ensemble.judges) == MEMBERS
    assert plain.judges[0].net[-1].weight.equal(weights[0])
    assert not any(a.equal(b) for i, a in enumerate(weights) for b in weights[:i])


def test_a_stage_whose_input_is_missing_names_the_stage_to_run(tmp_path, few_digits, capsys):
    with pytest.raises(BundleError) as caught:
        run_stages(["centroids"], Run(source="mnist-5k", out=tmp_path, size=TINY))
    assert (caught.value.code, caught.value.path.name) == ("bad-bundle", "autoencoder.safetensors")
    assert "train autoencoder" in caught.value.remedy
    assert main(["centroids", "--data", "mnist-5k", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{caught.value}\n"


def test_all_runs_every_stage_but_those_that_change_the_repository():
    assert [*ALL, "ablation", "embed"] == list(STAGES)


@pytest.mark.parametrize(("name", "entry"), [*STAGES.items(), *COMMANDS.items()])
def test_each_stage_and_command_has_its_module_and_its_line_in_the_help(name, entry):
    module = importlib.import_module(entry.module)
    assert callable(module.main if name in COMMANDS else module.run_stage)
    assert entry.module.endswith(f".{name}")
    assert f"{name} {entry.help}" in " ".join(parser().format_help().split())
