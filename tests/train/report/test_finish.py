import json

from muddle.bundle.files import CARD, EMBEDDED, FILES
from train.report.finish import SAMPLE, finish


def test_finishing_the_shipped_bundle_again_changes_no_byte(bundle_copy):
    (bundle_copy / CARD).write_text("an older card")
    muddler = finish(bundle_copy)
    for name in (*FILES, CARD):
        assert (bundle_copy / name).read_bytes() == (EMBEDDED / name).read_bytes(), name
    assert muddler.bundle.sample == json.loads((EMBEDDED / "config.json").read_text())["sample"]
    assert muddler.bundle.sample["query"] == SAMPLE.query()
