import xml.etree.ElementTree as ET

import numpy as np
import pytest
from support.probabilities import ambiguous, certain, row

from muddle.evaluate.calibration import evaluate
from muddle.evaluate.diagram import diagram

TAG = "{http://www.w3.org/2000/svg}"


def test_the_diagram_is_well_formed_and_says_what_it_shows():
    soft, digits, targets = ambiguous()
    evaluation = evaluate(certain(soft), soft, digits, targets)
    svg = ET.fromstring(diagram(evaluation, "<b>&\x00 mine"))
    assert svg.get("role") == "img"
    assert svg[0].tag == f"{TAG}title"
    assert "<b>&  mine" in svg[0].text
    assert f"overconfidence {evaluation.overconfidence:.3f}" in svg[0].text
    bars = [r for r in svg.iter(f"{TAG}rect") if r.get("class") == "bar"]
    assert len(bars) == sum(b.count > 0 for b in evaluation.bins) == 1
    assert float(bars[0].get("height")) == pytest.approx(300 * soft.max(1).mean(), abs=0.1)
    assert "200" in [t.text for t in svg.iter(f"{TAG}text")]
    assert "prefers-color-scheme" in svg.find(f"{TAG}style").text


def test_the_gap_lies_between_correctness_and_confidence_and_the_count_above():
    p, soft = np.stack([row(c0=0.9, c1=0.1)] * 1500), np.stack([row(c0=0.6, c1=0.4)] * 1500)
    svg = ET.fromstring(diagram(evaluate(p, soft, np.zeros(1500), np.ones(1500)), "mine"))
    bar, gap = (r for r in svg.iter(f"{TAG}rect") if r.get("class") in ("bar", "gap"))
    assert (bar.get("class"), gap.get("class")) == ("bar", "gap")
    bottom, top = (float(bar.get("y")) + float(bar.get("height")), float(bar.get("y")))
    assert bottom - top == pytest.approx(300 * 0.6, abs=0.1)
    assert float(gap.get("y")) + float(gap.get("height")) == pytest.approx(top, abs=0.11)
    assert float(gap.get("height")) == pytest.approx(300 * 0.3, abs=0.1)
    assert "1.5k" in [t.text for t in svg.iter(f"{TAG}text")]
