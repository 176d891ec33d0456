import pytest
import yaml
from safetensors.torch import load_file

from muddle.bundle.files import CARD, EMBEDDED, NETWORKS, load_bundle
from muddle.export.report_table import interval
from train.report.card import WHEEL, farthest_note, model_card, pair_summary, parameter_count


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(EMBEDDED)


def test_the_shipped_card_is_written_from_the_shipped_bundle(bundle):
    assert model_card(bundle) == (EMBEDDED / CARD).read_text()


def test_a_card_says_how_many_parameters_the_files_have(bundle):
    stored = [load_file(EMBEDDED / f"{name}.safetensors") for name in NETWORKS]
    assert parameter_count(bundle) == sum(tensor.numel() for tensors in stored for tensor in tensors.values())
    assert f"{parameter_count(bundle):,} parameters" in model_card(bundle)


def test_a_card_says_what_the_hub_looks_for(bundle):
    data = yaml.safe_load(model_card(bundle, "me/model").split("---\n")[1])
    assert data["license"] == ["mit", "cc-by-sa-3.0"]
    assert (data["library_name"], data["pipeline_tag"]) == ("mnist-muddle", "unconditional-image-generation")
    assert data["thumbnail"].endswith("/me/model/resolve/main/samples.png")
    assert "thumbnail" not in yaml.safe_load(model_card(bundle).split("---\n")[1])


def test_a_published_card_names_its_repository_and_shows_samples(bundle):
    card = model_card(bundle, "me/model")
    assert f"/me/model/resolve/main/{WHEEL}" in card
    assert 'from_pretrained("me/model")' in card
    assert "muddle verify me/model" in card
    assert "samples.png" in card
    assert "samples.png" not in model_card(bundle)


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
