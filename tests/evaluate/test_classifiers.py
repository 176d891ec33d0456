import sys

import numpy as np
import pytest
import torch

from muddle.bundle.classifier_file import write_classifier
from muddle.bundle.references import REFERENCES, REFERENCES_DIR
from muddle.errors import ArgumentError, DataError
from muddle.evaluate.classifiers import check_probabilities, load_classifier, references
from muddle.networks.judges import Ensemble, JudgeConfig

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)

CODE = """
import numpy as np, torch
def soft(images):
    assert images.dtype == np.uint8 and images.shape[1:] == (28, 28) and len(images) <= 1000
    logits = torch.as_tensor(images.reshape(len(images), -1)[:, :10].astype(np.float32) / 99).requires_grad_()
    return logits.softmax(1)
class Mine:
    def says(images): return np.full((len(images), 10), 0.1, np.float32)
def vandal(images):
    images[:] = 0
    return Mine.says(images)
def logits(images): return np.linspace(-3, 3, 10 * len(images)).reshape(-1, 10)
def counts(images): return np.full((len(images), 10), 7)
def members(images): return torch.stack([soft(images), torch.full((len(images), 10), 0.1)])
def flat(images): return np.full(len(images), 0.1)
def nan(images): return np.full((len(images), 10), np.nan)
def words(images): return ["four"]
def strings(images): return np.full((len(images), 10), "four")
def breaks(images): raise KeyError("weights")
number = 4
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder that is the current one, with the module `ours` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", ".")])
    for name in ("ours", "needy", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "ours.py").write_text(CODE)
    (tmp_path / "needy.py").write_text("import need")
    (tmp_path / "broken.py").write_text("1 / 0")
    yield tmp_path
    for name in ("ours", "needy", "broken"):
        sys.modules.pop(name, None)


def test_a_callable_of_the_current_directory_is_a_classifier(here):
    p = load_classifier("ours:soft")(IMAGES)
    np.testing.assert_array_equal(load_classifier("./ours.py:soft")(IMAGES), p)
    assert (p.shape, p.dtype) == ((5, 10), np.float64)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(load_classifier("ours:Mine.says")(IMAGES), np.full((5, 10), 0.1))
    assert load_classifier("ours:soft")(IMAGES[:0]).shape == (0, 10)


def test_it_sees_at_most_a_thousand_images_and_cannot_change_them(here):
    many = np.repeat(IMAGES, 401, axis=0)
    np.testing.assert_allclose(
        load_classifier("ours:soft")(many)[::401], load_classifier("ours:soft")(IMAGES), rtol=1e-6
    )
    before = IMAGES.copy()
    load_classifier("ours:vandal")(IMAGES)
    np.testing.assert_array_equal(IMAGES, before)


@pytest.mark.parametrize("name", ["logits", "counts", "flat", "nan", "words", "strings", "breaks"])
def test_results_that_are_no_probabilities_are_a_data_error_that_names_the_classifier(here, name):
    with pytest.raises(DataError) as caught:
        load_classifier(f"ours:{name}")(IMAGES)
    assert caught.value.code == "data"
    assert f"ours:{name}" in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        "ours",
        "ours:",
        ":soft",
        "",
        "ours.absent:soft",
        "nowhere.at_all:soft",
        "/absent/ours.py:soft",
        ".ours:soft",
        "needy:soft",
        "ours:hard",
        "ours:number",
    ],
)
def test_a_text_that_names_no_classifier_is_a_bad_classifier(here, spec):
    with pytest.raises(ArgumentError) as caught:
        load_classifier(spec)
    assert (caught.value.code, caught.value.value) == ("bad-classifier", spec)


def test_what_a_module_needs_is_named(here):
    with pytest.raises(ArgumentError) as caught:
        load_classifier("needy:soft")
    assert "module need " in caught.value.allowed
    assert "which needy needs" in caught.value.allowed


def test_a_module_that_fails_is_a_data_error_with_the_exception(here):
    with pytest.raises(DataError) as caught:
        load_classifier("broken:f")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_rows_may_be_off_by_a_thousandth_and_are_scaled():
    p = np.full((2, 10), 0.10009)
    np.testing.assert_allclose(check_probabilities(p, 2, "it").sum(1), 1, rtol=1e-12)
    half = torch.full((2, 10), 0.1, dtype=torch.bfloat16)
    np.testing.assert_allclose(check_probabilities(half, 2, "it"), 0.1, rtol=1e-12)
    with pytest.raises(DataError):
        check_probabilities(np.full((2, 10), 0.1002), 2, "it")
    for result in (np.eye(10, dtype=int), torch.eye(10, dtype=torch.int64), torch.eye(10).requires_grad_()):
        assert check_probabilities(result, 10, "it").dtype == np.float64


def test_probabilities_in_a_file_serve_for_as_many_images(tmp_path):
    p = np.random.default_rng(0).dirichlet(np.ones(10), 5)
    np.save(tmp_path / "p.npy", p)
    np.savez(tmp_path / "only.npz", anything=p)
    np.savez_compressed(tmp_path / "named.npz", probabilities=p, other=p[:2])
    for name in ("p.npy", "only.npz", "named.npz"):
        classify = load_classifier(str(tmp_path / name))
        np.testing.assert_allclose(classify(IMAGES), p, rtol=1e-12)
        with pytest.raises(DataError):
            classify(IMAGES[:4])


def test_a_file_without_probabilities_is_a_data_error(tmp_path):
    np.savez(tmp_path / "two.npz", a=np.eye(10), b=np.eye(10))
    np.savez(tmp_path / "none.npz")
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "pickled.npz", p=np.array([{}], dtype=object))
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04 junk")
    (tmp_path / "junk.npy").write_bytes(b"junk")
    (tmp_path / "empty.npy").write_bytes(b"")
    files = ("two.npz", "none.npz", "pickled.npy", "pickled.npz", "junk.npz", "junk.npy", "empty.npy", "absent.npz")
    for name in files:
        with pytest.raises(DataError) as caught:
            load_classifier(str(tmp_path / name))
        assert name in str(caught.value)


def test_an_index_beside_probabilities_is_checked(tmp_path):
    p = np.random.default_rng(0).dirichlet(np.ones(10), 5)
    np.savez(tmp_path / "p.npz", probabilities=p, index=np.arange(5))
    classify = load_classifier(str(tmp_path / "p.npz"))
    np.testing.assert_allclose(classify(IMAGES, np.arange(5)), p, rtol=1e-12)
    np.testing.assert_allclose(classify(IMAGES), p, rtol=1e-12)
    for other in (np.arange(5)[::-1], np.arange(1, 6)):
        with pytest.raises(DataError, match="index"):
            classify(IMAGES, other)


def test_the_hint_for_a_missing_file_writes_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("p.npz", "p.npy"):
        with pytest.raises(DataError) as caught:
            load_classifier(name)
        call = str(caught.value).partition("Write one with ")[2].rstrip(".")
        exec(call, {"numpy": np, "p": np.full((5, 10), 0.1), "i": np.arange(5)})
        assert load_classifier(name)(IMAGES).shape == (5, 10)


def test_an_ensemble_answers_with_its_members(here, tmp_path):
    assert load_classifier("ours:members")(IMAGES).shape == (2, 5, 10)
    assert load_classifier("ours:members")(np.repeat(IMAGES, 401, axis=0)).shape == (2, 2005, 10)
    np.save(tmp_path / "m.npy", np.full((3, 5, 10), 0.1))
    assert load_classifier("m.npy")(IMAGES).shape == (3, 5, 10)


def test_networks_in_a_file_answer_one_by_one(tmp_path):
    torch.manual_seed(0)
    ensemble = Ensemble([JudgeConfig("strided", 2), JudgeConfig("pooled", 2)]).double().eval()
    path = tmp_path / "small.safetensors"
    write_classifier(path, ensemble)
    with torch.no_grad():
        expected = ensemble(torch.from_numpy(IMAGES)[:, None].double() / 255)
    np.testing.assert_allclose(load_classifier(str(path))(IMAGES), expected, atol=0.002)
    np.testing.assert_array_equal(load_classifier(str(path))(IMAGES[:2]), load_classifier(str(path))(IMAGES)[:, :2])
    write_classifier(path, Ensemble([JudgeConfig("strided", 2)]).double().eval())
    assert load_classifier(str(path))(IMAGES).shape == (5, 10)
    with pytest.raises(DataError):
        load_classifier(str(tmp_path / "absent.safetensors"))


def test_the_references_differ_in_their_confidence_as_they_should(muddler):
    classifiers = references()
    assert tuple(classifiers) == REFERENCES
    assert {path.stem for path in REFERENCES_DIR.glob("*.safetensors")} == set(REFERENCES)
    digits, targets = np.array([4, 3, 7, 9] * 12), np.array([9, 5, 1, 4] * 12)
    batch = muddler.muddle_many(digits, targets, range(48))
    row = np.arange(48)
    sure = {}
    for name, classify in classifiers.items():
        p = classify(batch.images)
        p = p if p.ndim == 2 else p.mean(0)
        sure[name] = (p.max(1) - batch.soft_labels[row, p.argmax(1)]).mean()
    assert sure["plain"] > sure["smoothed"]
    assert sure["plain"] > sure["ensemble"]
    exemplars = muddler.bundle.exemplars
    for name, classify in classifiers.items():
        p = classify(exemplars.images[::10].numpy())
        guess = (p if p.ndim == 2 else p.mean(0)).argmax(1)
        assert (guess == exemplars.labels[::10].numpy()).mean() > 0.95, name
