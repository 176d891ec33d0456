import json
import shutil

from muddle.bundle.files import CARD, EMBEDDED, FILES
from muddle.export.report_table import result_table
from train.report import embed
from train.report.embed import BEGIN, END, results, with_results
from train.run import Run

REPORT = json.loads((EMBEDDED / "report.json").read_text())


def test_content_is_put_between_the_markers_and_again():
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert with_results(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"
    assert with_results(with_results(text, "new"), "new") == with_results(text, "new")


def test_the_results_say_by_whom_they_are_and_then_the_table():
    by, table, _ = results(REPORT).split("\n\n", 2)
    assert "sealed panel" in by
    assert table == result_table(REPORT)
    assert len(results(REPORT)) > 1.5 * len(result_table(REPORT))


def test_embedding_ships_bundle_references_and_pictures_and_writes_both_texts(tmp_path, monkeypatch):
    run, root = Run(out=tmp_path / "run"), tmp_path / "root"
    shutil.copytree(EMBEDDED, run.bundle)
    (run.out / "references").mkdir()
    (run.out / "references/plain.safetensors").write_bytes(b"weights")
    (run.work("report") / "balanced.png").write_bytes(b"picture")
    for folder in ("docs", "references"):
        (root / folder).mkdir(parents=True)
    for name in ("README.md", "docs/results.md"):
        (root / name).write_text(f"{name}\n{BEGIN}\n{END}\n")
    monkeypatch.setattr(embed, "ROOT", root)
    monkeypatch.setattr(embed, "EMBEDDED", root / "assets")
    monkeypatch.setattr(embed, "REFERENCES_DIR", root / "references")
    embed.run_stage(run)
    assert {path.name for path in (root / "assets").iterdir()} == {*FILES, CARD}
    assert all(path.read_bytes() == (EMBEDDED / path.name).read_bytes() for path in (root / "assets").iterdir())
    assert (root / "references/plain.safetensors").read_bytes() == b"weights"
    assert (root / "docs/balanced.png").read_bytes() == b"picture"
    assert (root / "README.md").read_text() == f"README.md\n{BEGIN}\n{result_table(REPORT)}\n{END}\n"
    assert (root / "docs/results.md").read_text() == f"docs/results.md\n{BEGIN}\n{results(REPORT)}\n{END}\n"
