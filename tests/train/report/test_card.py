import json

from muddle.bundle.files import EMBEDDED
from muddle.export.report_table import interval
from train.report.card import farthest_note, model_card, pair_summary

REPORT, CONFIG = (json.loads((EMBEDDED / name).read_text()) for name in ("report.json", "config.json"))


def test_the_shipped_card_is_written_from_the_shipped_report():
    assert model_card(REPORT, CONFIG) == (EMBEDDED / "README.md").read_text()


def test_a_published_card_names_its_repository_and_shows_samples():
    card = model_card(REPORT, CONFIG, "me/model")
    assert 'from_pretrained("me/model")' in card
    assert "muddle verify me/model" in card
    assert "samples.png" in card
    assert "samples.png" not in model_card(REPORT, CONFIG)


def test_figures_are_written_with_their_intervals():
    assert interval({"value": 0.451, "low": 0.42, "high": 0.482}, "share") == "45.1 % (42.0 to 48.2)"


def test_the_five_worst_and_the_five_best_pairs_are_named():
    pairs = {f"0-{i}": {"both_above_0.2": i / 100} for i in range(1, 10)}
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    text = pair_summary({"pairs": pairs, "all_pairs": {"split": figure}})
    assert "0-1 (1 %), 0-2 (2 %), 0-3 (3 %), 0-4 (4 %), 0-5 (5 %);" in text
    assert "0-9 (9 %), 0-8 (8 %), 0-7 (7 %), 0-6 (6 %), 0-5 (5 %)." in text
    assert "50.0 % (40.0 to 60.0)" in text


def test_the_note_on_farthest_has_both_ends():
    text = farthest_note({"farthest_on_whole_paths": {"first_frame": 0.58, "last_frame": 0.2, "inner": 0.22}})
    assert "58 %" in text
    assert "20 %" in text
