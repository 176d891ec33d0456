import json

from muddle.bundle.classifier_file import read_classifier
from muddle.bundle.references import REFERENCES, REFERENCES_DIR
from train.stages.reference import PLAIN, SMOOTHED


def test_those_that_ship_are_small_and_good_and_as_their_report_says():
    about = json.loads((REFERENCES_DIR / "references.json").read_text())
    assert sum(path.stat().st_size for path in REFERENCES_DIR.iterdir()) < 600_000
    assert about["data"] == "mnist"
    for name in REFERENCES:
        ensemble, grades = read_classifier(REFERENCES_DIR / f"{name}.safetensors"), about["references"][name]
        assert {judge.config for judge in ensemble.judges} == {PLAIN.build().config}
        assert len(ensemble.judges) == grades["members"]
        assert sum(p.numel() for p in ensemble.parameters()) == grades["parameters"]
        assert grades["accuracy"] > 0.98


def test_the_smoothed_reference_differs_from_the_plain_one_in_its_labels_alone():
    assert SMOOTHED.build().config == PLAIN.build().config
    assert SMOOTHED.epochs == PLAIN.epochs
    assert PLAIN.config.smoothing == 0 < SMOOTHED.config.smoothing
    assert (SMOOTHED.config.affine, SMOOTHED.config.mixup) == (PLAIN.config.affine, PLAIN.config.mixup) == (0, 0)
