"""Stage `embed`: make a sealed bundle the one that ships, and write its figures into the README."""

import json
import shutil
from pathlib import Path
from typing import Any

from muddle.bundle.files import EMBEDDED, FILES, load_bundle
from muddle.evaluate.classifiers import FOLDER as REFERENCES
from muddle.export.report_table import result_table
from train import card
from train.job import Job

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURES = (
    "report/balanced.png",
    "report/midpoint.png",
    "report/pairs-both_above_0.2.png",
    "report/pairs-split.png",
    "report/panel-apart.png",
    "report/least-likely.png",
    "exemplars/dropped.png",
    "projection/map.png",
    "likeness/bad.png",
    "autoencoder/loss.png",
    "autoencoder/reconstructions.png",
)
BEGIN, END = "<!-- results: written by python -m train embed -->", "<!-- end of results -->"


def run(job: Job) -> None:
    """Copies the bundle to muddle/assets and the report's pictures to docs/, and rewrites the README's results."""
    load_bundle(job.bundle)
    EMBEDDED.mkdir(exist_ok=True)
    for name in (*FILES, "config.json"):
        shutil.copyfile(job.bundle / name, EMBEDDED / name)
    for path in (job.out / "references").glob("*"):
        shutil.copyfile(path, REFERENCES / path.name)
    (ROOT / "docs").mkdir(exist_ok=True)
    for name in PICTURES:
        picture = job.out / "work" / name
        if picture.exists():
            shutil.copyfile(picture, ROOT / "docs" / picture.name)
    report = json.loads((EMBEDDED / "report.json").read_text())
    README.write_text(with_results(README.read_text(), report))


def with_results(readme: str, report: dict[str, Any]) -> str:
    """The README with the results of a report between its two markers."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{results(report)}\n{END}{after}"


def results(report: dict[str, Any]) -> str:
    """The README's results as Markdown."""
    return "\n\n".join(
        [
            result_table(report),
            card.pair_summary(report),
            card.farthest_note(report),
            "The author's four assumptions, each of which he doubted:",
            card.assumption_table(report),
        ]
    )
