import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from muddle.bundle.files import (
    CARD,
    EMBEDDED,
    FILES,
    HASHED,
    NETWORKS,
    as_stored,
    copy_bundle,
    load_bundle,
    read_part,
    read_tensors,
    seal,
    update_config,
    write_part,
    write_tensors,
)
from muddle.errors import BundleError
from muddle.networks.judges import Ensemble, JudgeConfig

SIX_MB = 6_000_000


def refused(folder):
    """The error of loading a folder."""
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert caught.value.code == "bad-bundle"
    return caught.value


def test_the_embedded_bundle_is_whole_and_small():
    bundle = load_bundle(EMBEDDED)
    assert sum(f.stat().st_size for f in EMBEDDED.iterdir()) < SIX_MB
    assert bundle.centroids.shape == (10, 10)
    assert bundle.origin.name == "embedded"
    counts = torch.bincount(bundle.exemplars.labels)
    assert len(counts) == 10
    assert counts.min() >= 200


def test_networks_are_loaded_for_inference_in_float64():
    bundle = load_bundle(EMBEDDED)
    for network in (
        bundle.autoencoder,
        bundle.judges,
        bundle.likeness,
        bundle.surrogate,
        bundle.student,
        bundle.projection,
        bundle.inverse,
    ):
        assert not any(module.training for module in network.modules())
        assert {(t.dtype, t.requires_grad) for t in network.parameters()} == {(torch.float64, False)}


def test_exemplar_codes_are_the_encodings_of_their_images():
    bundle = load_bundle(EMBEDDED)
    some = bundle.exemplars.images[::50, None].double() / 255
    with torch.no_grad():
        codes = bundle.autoencoder.encode(some)
    torch.testing.assert_close(codes, bundle.exemplars.codes[::50], atol=0.02, rtol=0)


def test_the_exemplars_of_a_digit_are_all_of_it_and_nothing_else():
    exemplars = load_bundle(EMBEDDED).exemplars
    indices = [exemplars.indices_of(digit) for digit in range(10)]
    assert all((exemplars.labels[own] == digit).all() for digit, own in enumerate(indices))
    assert torch.cat(indices).sort().values.equal(torch.arange(len(exemplars.labels)))


def test_sealing_again_changes_nothing(bundle_copy):
    before = load_bundle(bundle_copy).fingerprint
    seal(bundle_copy)
    assert load_bundle(bundle_copy).fingerprint == before


@pytest.mark.parametrize("name", HASHED)
def test_a_changed_byte_is_found_in_every_file(bundle_copy, name):
    path = bundle_copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    error = refused(bundle_copy)
    assert error.path == path
    assert "sha256" in error.problem


def test_a_changed_byte_is_found_anywhere_in_the_config(bundle_copy):
    path = bundle_copy / "config.json"
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 7):  # the last byte is a line's end
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert refused(bundle_copy).path == path


def test_the_fingerprint_is_of_what_muddles_depend_on(bundle_copy):
    before = load_bundle(bundle_copy).fingerprint
    (bundle_copy / "report.json").write_text("{}")
    seal(bundle_copy)
    assert load_bundle(bundle_copy).fingerprint == before
    tamper(bundle_copy, "centroids", lambda t: t["centroids"].__setitem__((0, 0), 0.5))
    assert load_bundle(bundle_copy).fingerprint != before


@pytest.mark.parametrize("card", ["Edited on the Hub: é".encode(), b"\xff\xfe", None])
def test_a_card_is_prose_that_may_be_edited_or_missing(bundle_copy, card):
    (bundle_copy / CARD).unlink() if card is None else (bundle_copy / CARD).write_bytes(card)
    bundle = load_bundle(bundle_copy)
    assert bundle.card == (card or b"").decode(errors="replace")
    assert bundle.fingerprint == load_bundle(EMBEDDED).fingerprint


def test_a_bundle_whose_config_has_a_hash_of_its_card_as_once_is_taken(bundle_copy):
    edit(bundle_copy, lambda c: c["files"].update({CARD: "0" * 64}))
    assert load_bundle(bundle_copy).files.keys() == set(HASHED)


@pytest.mark.parametrize("card", [True, False])
def test_a_copy_has_a_bundles_files_and_no_others(bundle_copy, tmp_path, card):
    (bundle_copy / "notes.txt").write_text("mine")
    if not card:
        (bundle_copy / CARD).unlink()
    copy_bundle(bundle_copy, tmp_path / "a" / "copy")
    assert {path.name for path in (tmp_path / "a" / "copy").iterdir()} == {*FILES, *([CARD] if card else [])}
    assert load_bundle(tmp_path / "a" / "copy").folder == tmp_path / "a" / "copy"


@pytest.mark.parametrize("name", HASHED)
def test_a_missing_file_is_named(bundle_copy, name):
    (bundle_copy / name).unlink()
    assert refused(bundle_copy).path == bundle_copy / name


def test_an_empty_folder_is_no_bundle(tmp_path):
    assert refused(tmp_path).path == tmp_path


def tamper(folder, name, change):
    path = folder / f"{name}.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    seal(folder)  # as somebody would who means it: the hashes are right


TAMPERED = {
    "missing": ("autoencoder", lambda t: t.pop("to_code.weight"), "to_code.weight"),
    "superfluous": ("judge", lambda t: t.update(more=torch.ones(1)), "more"),
    "of another shape": ("centroids", lambda t: t.update(centroids=torch.zeros(9, 10)), "(9, 10)"),
    "of fewer axes": ("exemplars", lambda t: t.update(labels=t["labels"][:, None]), "labels"),
    "not finite": ("surrogate", lambda t: t["net.0.weight"].__setitem__((0, 0), torch.nan), "net.0.weight"),
}


@pytest.mark.parametrize("change", TAMPERED)
def test_a_tensor_that_is_not_as_it_must_be_is_named(bundle_copy, change):
    name, function, part = TAMPERED[change]
    tamper(bundle_copy, name, function)
    error = refused(bundle_copy)
    assert error.path.stem == name
    assert part in error.problem


def test_a_file_that_is_no_safetensors_is_refused(bundle_copy):
    (bundle_copy / "judge.safetensors").write_text("<html>not found</html>")
    seal(bundle_copy)
    assert refused(bundle_copy).path.name == "judge.safetensors"


def edit(folder, change):
    """Changes the config, and its seal with it, as somebody would who means it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    unsealed = {key: value for key, value in config.items() if key != "seal"}
    config["seal"] = hashlib.sha256(json.dumps(unsealed, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(config))


CHANGES = [
    (lambda c: c.update(format=1), "format 1"),
    (lambda c: c.pop("format"), "config"),
    (lambda c: c.update(extra=1), "extra"),
    (lambda c: c.pop("judge"), "judge"),
    (lambda c: c.pop("projection"), "projection"),
    (lambda c: c["projection"].update(depth=3), "'projection'"),
    (lambda c: c["autoencoder"].update(depth=3), "'autoencoder'"),
    (lambda c: c["judge"][0].update(kind="oracle"), "'oracle'"),
    (lambda c: c["files"].pop("report.json"), "list of files"),
    (lambda c: c["files"].update(evil="0" * 64), "list of files"),
]


@pytest.mark.parametrize(("change", "part"), CHANGES)
def test_a_config_that_is_not_this_formats_is_refused(bundle_copy, change, part):
    edit(bundle_copy, change)
    error = refused(bundle_copy)
    assert error.path.name == "config.json"
    assert part in error.problem


def test_an_edit_that_changes_nothing_would_be_taken(bundle_copy):
    edit(bundle_copy, lambda c: None)
    assert load_bundle(bundle_copy).fingerprint == load_bundle(EMBEDDED).fingerprint


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_config_that_is_no_json_object_is_refused(bundle_copy, text):
    (bundle_copy / "config.json").write_text(text)
    assert refused(bundle_copy).path.name == "config.json"


def test_a_bundle_that_was_moved_is_the_same_bundle(bundle_copy, tmp_path):
    moved = shutil.move(bundle_copy, tmp_path / "elsewhere")
    bundle = load_bundle(moved)
    assert bundle.fingerprint == load_bundle(EMBEDDED).fingerprint
    assert bundle.origin.name == str(moved)


def test_a_part_is_read_as_it_was_written_rounded_to_float16(tmp_path):
    torch.manual_seed(0)
    configs = [JudgeConfig("dense", 4), JudgeConfig("strided", 2)]
    judges = Ensemble(configs)
    write_part(tmp_path, "judge", configs, judges)
    assert {t.dtype for t in read_tensors(tmp_path, "judge").values()} == {torch.float16}
    read = read_part(tmp_path, "judge")
    assert [judge.config for judge in read.judges] == configs
    stored = as_stored(judges)
    assert read.state_dict().keys() > stored.keys()  # but for the counters of batches
    assert all(read.state_dict()[key].equal(tensor.double()) for key, tensor in stored.items())


def test_a_part_that_is_not_there_yet_names_the_command_that_makes_it(tmp_path):
    write_tensors(tmp_path, "other", {"x": torch.ones(1)})
    for name in NETWORKS:
        with pytest.raises(BundleError) as caught:
            read_part(tmp_path, name)
        assert f"train {name}" in caught.value.remedy


def test_entries_of_the_config_are_added_and_replaced(tmp_path):
    update_config(tmp_path, one=1)
    update_config(tmp_path, one=2, two=3)
    assert json.loads((tmp_path / "config.json").read_text()) == {"format": 5, "one": 2, "two": 3}
