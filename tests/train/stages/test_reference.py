import json

import numpy as np
import pytest
from support.processes import ROOT

from muddle.evaluate.classifiers import FOLDER, REFERENCES, load
from muddle.bundle.classifier_file import read_classifier
from train import data
from train.__main__ import main
from train.reference import CONFIG, MEMBERS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, muddler):
    """What the stage leaves when the command runs it on little: the bundle's exemplars."""
    out, real = tmp_path_factory.mktemp("run"), muddler.bundle.exemplars
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "mnist_5k", lambda: data.Digits(real.images, real.labels))
        assert main(["reference", "--data", "mnist-5k", "--quick", "--seed", "3", "--out", str(out)]) == 0
    return out / "references"


def test_the_stage_writes_three_classifiers_and_what_they_score(tiny):
    about = json.loads((tiny / "references.json").read_text())
    assert (about["data"], about["seed"], about["epochs"]) == ("mnist-5k", 3, 1)
    assert tuple(about["references"]) == REFERENCES
    for name, found in about["references"].items():
        assert 0 <= found["accuracy"] <= 1
        assert load(str(tiny / f"{name}.safetensors"))(np.zeros((2, 28, 28), np.uint8)).shape == (2, 10)


def test_the_ensemble_begins_with_the_plain_one_and_the_rest_differ(tiny):
    plain, smoothed, ensemble = (read_classifier(tiny / f"{name}.safetensors") for name in REFERENCES)
    weights = [judge.net[-1].weight for judge in (*ensemble.judges, *smoothed.judges)]
    assert len(ensemble.judges) == MEMBERS
    assert plain.judges[0].net[-1].weight.equal(weights[0])
    assert not any(a.equal(b) for i, a in enumerate(weights) for b in weights[:i])


def test_those_that_ship_are_small_and_good_and_as_their_report_says():
    about = json.loads((FOLDER / "references.json").read_text())
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 600_000
    assert about["data"] == "mnist"
    for name in REFERENCES:
        ensemble, found = read_classifier(FOLDER / f"{name}.safetensors"), about["references"][name]
        assert {judge.config for judge in ensemble.judges} == {CONFIG}
        assert len(ensemble.judges) == found["members"]
        assert sum(p.numel() for p in ensemble.parameters()) == found["parameters"]
        assert found["accuracy"] > 0.98
    assert FOLDER.is_relative_to(ROOT / "muddle")
