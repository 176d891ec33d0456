"""Stage `embed`: ship a sealed bundle with the code, and write its figures into the README and docs/results.md."""

import json
import shutil
from pathlib import Path
from typing import Any

from muddle.bundle.files import EMBEDDED, copy_bundle, load_bundle
from muddle.bundle.references import REFERENCES_DIR
from muddle.export.report_table import member_table, result_table
from muddle.images.codecs import png
from muddle.search.atlas import mosaic
from train.report import card
from train.run import Run

ROOT = Path(__file__).parent.parent.parent
PICTURES = (
    "report/balanced.png",
    "report/midpoint.png",
    "report/pairs-both_above_0.2.png",
    "report/pairs-split.png",
    "report/balance.png",
    "report/panel-apart.png",
    "report/least-likely.png",
    "exemplars/dropped.png",
    "likeness/bad.png",
    "autoencoder/loss.png",
    "autoencoder/reconstructions.png",
)
BEGIN, END = "<!-- results: written by python -m train embed -->", "<!-- end of results -->"


def run_stage(run: Run) -> None:
    """Copy the bundle to muddle/assets and the report's pictures to docs/, and rewrite the results in both texts."""
    bundle = load_bundle(run.bundle)
    copy_bundle(run.bundle, EMBEDDED)
    (ROOT / "docs/atlas.png").write_bytes(png(mosaic(bundle)))
    for path in (run.out / "references").glob("*"):
        shutil.copyfile(path, REFERENCES_DIR / path.name)
    for name in PICTURES:
        picture = run.out / "work" / name
        if picture.exists():
            shutil.copyfile(picture, ROOT / "docs" / picture.name)
    report = json.loads((EMBEDDED / "report.json").read_text())
    for path, content in (
        (ROOT / "README.md", result_table(report)),
        (ROOT / "docs/results.md", results(report)),
    ):
        path.write_text(with_results(path.read_text(), content))


def with_results(text: str, content: str) -> str:
    """The text with `content` between its markers BEGIN and END, each of which it has once."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def results(report: dict[str, Any]) -> str:
    """All results as Markdown: table, pairs, a note on `farthest`, and the author's assumptions."""
    return "\n\n".join(
        [
            card.measured_by(report),
            result_table(report),
            "The panel, one by one:",
            member_table(report),
            card.pair_summary(report),
            card.balance_note(report),
            "![Asked-for balance against the panel's share, a dot for each muddle](balance.png)",
            card.boldness_note(report),
            card.tells_note(report),
            card.farthest_note(report),
            card.atlas_note(report),
            *([card.people_note(report)] if "people" in report else []),
            "The author's four assumptions, each of which he doubted:",
            card.assumption_table(report),
        ]
    )
