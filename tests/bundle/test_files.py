import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from muddle.bundle.files import EMBEDDED, FILES, _seal_of, load_bundle, seal
from muddle.errors import BundleError
from muddle.search.latent import path

SIX_MB = 6_000_000


def test_the_embedded_bundle_is_whole_and_small():
    bundle = load_bundle(EMBEDDED)
    assert sum(f.stat().st_size for f in EMBEDDED.iterdir()) < SIX_MB
    assert bundle.centroids.shape == (10, 10)
    assert bundle.origin.name == "embedded"
    counts = torch.bincount(bundle.exemplars.labels)
    assert len(counts) == 10
    assert counts.min() >= 200


def test_exemplar_codes_are_the_encodings_of_their_images():
    bundle = load_bundle(EMBEDDED)
    some = bundle.exemplars.images[::50, None].double() / 255
    with torch.no_grad():
        codes = bundle.autoencoder.encode(some)
    torch.testing.assert_close(codes, bundle.exemplars.codes[::50], atol=0.02, rtol=0)


def test_exemplars_fill_the_latent_map_and_none_lies_outside():
    bundle = load_bundle(EMBEDDED)
    places = bundle.projection(bundle.exemplars.codes)
    assert places.shape == (len(bundle.exemplars.codes), 2)
    assert places.dtype == torch.float64
    assert 0.998 < places.abs().max() <= 1
    torch.testing.assert_close(places.amax(0), -places.amin(0), atol=0.005, rtol=0)  # both axes are centred


def test_the_latent_map_keeps_each_digit_together():
    bundle = load_bundle(EMBEDDED)
    labels, places = bundle.exemplars.labels, bundle.projection(bundle.exemplars.codes)
    nearest = torch.cdist(places, places).fill_diagonal_(torch.inf).topk(5, largest=False).indices
    assert (labels[nearest].mode(1).values == labels).double().mean() > 0.92
    centroids = bundle.projection(bundle.centroids)
    assert centroids.shape == (10, 2)
    around = torch.cdist(centroids, places).topk(20, largest=False).indices
    assert torch.equal(labels[around].mode(1).values, torch.arange(10))


def test_a_path_is_a_curve_without_jumps_on_the_latent_map():
    bundle = load_bundle(EMBEDDED)
    codes = bundle.exemplars.codes
    curves = bundle.projection(path(codes[::25], codes.flip(0)[::25], 101))
    assert curves.shape == (100, 101, 2)
    steps = curves.diff(dim=1).norm(dim=-1)
    assert (steps.max(1).values / steps.sum(1)).median() < 0.03  # 0.01 would be an even pace


def test_sealing_again_changes_nothing(bundle_copy):
    before = load_bundle(bundle_copy).fingerprint
    seal(bundle_copy)
    assert load_bundle(bundle_copy).fingerprint == before


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_found_in_every_file(bundle_copy, name):
    path = bundle_copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match=f"{name}: the file has changed"):
        load_bundle(bundle_copy)


def test_a_changed_byte_is_found_anywhere_in_the_config(bundle_copy):
    path = bundle_copy / "config.json"
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 7):  # the last byte is a line's end
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BundleError):
            load_bundle(bundle_copy)


def test_the_fingerprint_is_of_what_muddles_depend_on(bundle_copy):
    before = load_bundle(bundle_copy).fingerprint
    (bundle_copy / "README.md").write_text("Another card")
    seal(bundle_copy)
    assert load_bundle(bundle_copy).fingerprint == before
    tamper(bundle_copy, "centroids", lambda t: t["centroids"].__setitem__((0, 0), 0.5))
    assert load_bundle(bundle_copy).fingerprint != before


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle_copy, name):
    (bundle_copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: the file is missing"):
        load_bundle(bundle_copy)


def test_an_empty_folder_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"there is no bundle here, for want of a config\.json"):
        load_bundle(tmp_path)


def tamper(folder, name, change):
    path = folder / f"{name}.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    seal(folder)  # as somebody would who means it: the hashes are right


def test_a_missing_tensor_is_not_replaced_by_a_random_one(bundle_copy):
    tamper(bundle_copy, "autoencoder", lambda t: t.pop("to_code.weight"))
    with pytest.raises(BundleError, match=r"tensor to_code\.weight is missing"):
        load_bundle(bundle_copy)


def test_a_superfluous_tensor_is_refused(bundle_copy):
    tamper(bundle_copy, "judge", lambda t: t.update(more=torch.ones(1)))
    with pytest.raises(BundleError, match="tensor more is not expected"):
        load_bundle(bundle_copy)


def test_a_tensor_of_another_shape_is_refused(bundle_copy):
    tamper(bundle_copy, "centroids", lambda t: t.update(centroids=torch.zeros(9, 10)))
    with pytest.raises(BundleError, match=r"tensor centroids has shape \(9, 10\), not \(10, 10\)"):
        load_bundle(bundle_copy)


def test_a_tensor_that_is_not_finite_is_refused(bundle_copy):
    tamper(bundle_copy, "surrogate", lambda t: t["net.0.weight"].__setitem__((0, 0), torch.nan))
    with pytest.raises(BundleError, match=r"tensor net\.0\.weight is not finite"):
        load_bundle(bundle_copy)


def test_a_file_that_is_no_safetensors_is_refused(bundle_copy):
    (bundle_copy / "judge.safetensors").write_text("<html>not found</html>")
    seal(bundle_copy)
    with pytest.raises(BundleError, match="not a safetensors file"):
        load_bundle(bundle_copy)


def edit(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    config["seal"] = _seal_of(config)  # as somebody would who means it
    path.write_text(json.dumps(config))


CHANGES = [
    (lambda c: c.update(format=1), "format 1 is not the format 2"),
    (lambda c: c.pop("format"), "not a bundle's config"),
    (lambda c: c.update(extra=1), "missing or unknown keys: extra"),
    (lambda c: c.pop("judge"), "missing or unknown keys: judge"),
    (lambda c: c.pop("projection"), "missing or unknown keys: projection"),
    (lambda c: c["projection"].update(depth=3), "'projection' cannot be built"),
    (lambda c: c["autoencoder"].update(depth=3), "'autoencoder' cannot be built"),
    (lambda c: c["judge"][0].update(kind="oracle"), "unknown kind of judge 'oracle'"),
    (lambda c: c["files"].pop("README.md"), "list of files is not a bundle's"),
    (lambda c: c["files"].update(evil="0" * 64), "list of files is not a bundle's"),
]


@pytest.mark.parametrize(("change", "text"), CHANGES, ids=[text for _, text in CHANGES])
def test_a_config_that_is_not_this_formats_is_refused(bundle_copy, change, text):
    edit(bundle_copy, change)
    with pytest.raises(BundleError, match=text):
        load_bundle(bundle_copy)


def test_a_config_that_is_no_json_is_refused(bundle_copy):
    (bundle_copy / "config.json").write_text("{")
    with pytest.raises(BundleError, match="not a bundle's config"):
        load_bundle(bundle_copy)


def test_a_bundle_that_was_moved_is_the_same_bundle(bundle_copy, tmp_path):
    moved = shutil.move(bundle_copy, tmp_path / "elsewhere")
    assert load_bundle(tmp_path / "elsewhere").fingerprint == load_bundle(EMBEDDED).fingerprint, moved
