import json
import math
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from muddle.evaluate.classifiers import REFERENCES, checked, load, references
from muddle.errors import ArgumentError, DataError
from muddle.evaluate.calibration import COLUMNS, FLOOR, anchors, as_json, divergence_bits, evaluate, rank_correlation, ranks, report
from muddle.networks.judges import Ensemble, JudgeConfig
from muddle.evaluate.diagram import diagram
from muddle.bundle.classifier_file import read_classifier, write_classifier

LOG10 = math.log2(10)


def row(**classes):
    """A distribution from its classes above 0: row(c4=0.6, c9=0.4)."""
    p = np.zeros(10)
    for name, value in classes.items():
        p[int(name[1:])] = value
    return p


def ambiguous(count=200, seed=0):
    """Soft labels (N, 10) of pairs with all the rest of the belief spread out, digits (N,) and targets (N,)."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, count)
    targets = (digits + rng.integers(1, 10, count)) % 10
    share = rng.uniform(0.05, 0.95, count)
    soft = np.full((count, 10), 0.002)
    soft[np.arange(count), digits] += 0.98 * (1 - share)
    soft[np.arange(count), targets] += 0.98 * share
    return soft, digits, targets


def certain(soft):
    return np.eye(10)[soft.argmax(1)]


TWO = (  # two images, on which every figure can be had by hand
    np.stack([row(c4=0.75, c9=0.25), row(c1=0.5, c3=0.25, c7=0.25)]),  # the classifier
    np.stack([row(c4=0.5, c9=0.5), row(c1=0.5, c7=0.5)]),  # the soft labels
    np.array([4, 7]),
    np.array([9, 1]),
)


def test_every_figure_of_two_images_is_what_it_is_by_hand():
    e = evaluate(*TWO)
    assert e.count == 2
    assert e.top_pair == 0.5  # on the second, 3 and 7 tie for the second place
    first = 0.75 * math.log2(4 / 3) + 0.5
    assert e.entropy == pytest.approx((first + 1.5) / 2)
    assert e.soft_entropy == pytest.approx(1)
    assert e.rank_correlation == 0  # the soft labels' entropy is constant
    assert e.divergence == pytest.approx((0.5 * math.log2(0.5 / 0.75) + 0.5 * 1 + 0.5 * 1) / 2)
    assert e.calibration_error == pytest.approx(0.125)  # bins of their own: gaps 0.25 and 0
    assert e.hubris == pytest.approx(0.125)


def test_the_calibration_error_averages_within_a_bin_and_hubris_does_not():
    p = np.stack([row(c0=0.9, c1=0.1), row(c0=0.9, c1=0.1)])
    soft = np.stack([row(c0=0.8, c1=0.2), row(c0=1.0)])
    e = evaluate(p, soft, np.array([0, 0]), np.array([1, 1]))
    assert e.calibration_error == pytest.approx(0)
    assert e.hubris == pytest.approx(0.05)
    (only,) = [b for b in e.bins if b.count]
    assert (only.count, only.low, only.high) == (2, 13 / 15, 14 / 15)
    assert (only.confidence, only.correctness) == (pytest.approx(0.9), pytest.approx(0.9))


def test_too_much_doubt_is_a_calibration_error_and_no_hubris():
    e = evaluate(row(c0=0.6, c1=0.4)[None], row(c0=1.0)[None], np.array([0]), np.array([1]))
    assert e.calibration_error == pytest.approx(0.4)
    assert e.hubris == 0


def test_equal_doubt_about_other_digits_is_equal_to_the_last_bit():
    rng = np.random.default_rng(0)
    soft, digits, targets = ambiguous(50)
    same = np.stack([rng.permutation(soft[0]) for _ in soft])
    assert evaluate(same, soft, digits, targets).rank_correlation == 0


def test_a_perfect_classifier_gives_the_soft_labels():
    soft, digits, targets = ambiguous()
    e = evaluate(soft, soft, digits, targets)
    assert (e.top_pair, e.divergence, e.hubris) == (1, 0, 0)
    assert e.rank_correlation == pytest.approx(1)
    assert e.calibration_error == pytest.approx(0, abs=1e-12)
    assert e.entropy == e.soft_entropy


def test_a_clueless_classifier_is_honest_and_knows_nothing():
    soft, digits, targets = ambiguous()
    e = evaluate(np.full_like(soft, 0.1), soft, digits, targets)
    assert (e.top_pair, e.rank_correlation) == (0, 0)
    assert e.entropy == pytest.approx(LOG10)
    assert e.divergence == pytest.approx(LOG10 - e.soft_entropy)
    assert (e.calibration_error, e.hubris) == (pytest.approx(0), pytest.approx(0))


def test_one_that_never_doubts_is_all_hubris():
    soft, digits, targets = ambiguous()
    e = evaluate(certain(soft), soft, digits, targets)
    assert (e.top_pair, e.entropy, e.rank_correlation) == (0, 0, 0)
    assert e.hubris == pytest.approx(1 - soft.max(1).mean())
    assert e.calibration_error == pytest.approx(e.hubris)
    assert e.hubris < e.divergence < 20
    wrong = np.eye(10)[:, [1, 0, *range(2, 10)]][[0]]
    worst = evaluate(wrong, np.eye(10)[[0]], np.array([0]), np.array([2]))
    assert (worst.hubris, worst.calibration_error) == (1, 1)
    assert worst.divergence == pytest.approx(math.log2(1 / FLOOR))


def test_the_anchors_are_the_perfect_and_the_clueless_classifier():
    perfect, clueless = anchors(*TWO[1:]).values()
    assert (perfect.top_pair, perfect.divergence, clueless.top_pair) == (1, 0, 0)
    assert clueless.divergence == pytest.approx(LOG10 - 1)


def test_doubt_turned_round_is_correlated_the_other_way():
    soft, digits, targets = ambiguous()
    sharpened = soft**2 / (soft**2).sum(1, keepdims=True)
    order = soft.max(1).argsort()
    swapped = np.empty_like(soft)
    swapped[order] = soft[order[::-1]]
    assert evaluate(sharpened, soft, digits, targets).rank_correlation > 0.999
    assert evaluate(swapped, soft, digits, targets).rank_correlation < -0.999


def test_ranks_of_equal_values_are_shared():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 100, 101])) == pytest.approx(1)
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([3.0, 2, -1])) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 2, 2, 3]), np.array([1.0, 3, 2, 4])) == pytest.approx(math.sqrt(0.9))


def test_the_divergence_is_finite_for_zeros_and_zero_for_the_same():
    p = np.stack([row(c0=1.0), row(c0=0.5, c1=0.5)])
    assert divergence_bits(p, p).tolist() == [0, 0]
    assert divergence_bits(p[[1]], p[[0]]) == pytest.approx(-1 - 0.5 * math.log2(FLOOR))


def dirichlet(count):
    alpha = st.sampled_from([0.02, 0.3, 1.0, 30.0])
    return st.builds(lambda a, s: np.random.default_rng(s).dirichlet(np.full(10, a), count), alpha, st.integers(0, 999))


@given(dirichlet(20), dirichlet(20), st.integers(0, 99))
def test_every_figure_keeps_its_bounds_and_no_order_matters(p, soft, seed):
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, 20)
    targets = (digits + rng.integers(1, 10, 20)) % 10
    e = evaluate(p, soft, digits, targets)
    for value in (e.top_pair, e.calibration_error, e.hubris):
        assert 0 <= value <= 1 + 1e-9
    for value in (e.entropy, e.soft_entropy):
        assert 0 <= value <= LOG10 + 1e-9
    assert -1 <= e.rank_correlation <= 1
    assert 0 <= e.divergence <= math.log2(1 / FLOOR)
    assert sum(b.count for b in e.bins) == e.count == 20
    images, classes = rng.permutation(20), rng.permutation(10)
    renamed = np.argsort(classes)  # class k becomes renamed[k]
    other = evaluate(p[images][:, classes], soft[images][:, classes], renamed[targets[images]], renamed[digits[images]])
    for key in COLUMNS:
        assert getattr(other, key) == pytest.approx(getattr(e, key), abs=1e-9), key


@pytest.mark.parametrize("change", [{0: np.zeros((2, 9))}, {1: np.zeros((3, 10))}, {2: np.array([1])}, {3: np.eye(2)}])
def test_shapes_that_do_not_fit_are_refused(change):
    with pytest.raises(ArgumentError, match=r"give \(N, 10\)"):
        evaluate(*(change.get(i, part) for i, part in enumerate(TWO)))
    with pytest.raises(ArgumentError, match="N at least 1"):
        evaluate(np.zeros((0, 10)), np.zeros((0, 10)), np.zeros(0), np.zeros(0))


def test_the_table_is_markdown_and_aligned():
    soft, digits, targets = ambiguous()
    found = evaluate(soft, soft, digits, targets)
    lines = report({"perfect": found, "a|b": found}).splitlines()
    table, rest = lines[:4], lines[4:]
    assert len({len(line) for line in table}) == 1
    assert [cell.strip() for cell in table[0].strip("|").split("|")] == [
        "classifier",
        *(h for h, _ in COLUMNS.values()),
    ]
    assert set(table[1]) <= set("|-:")
    assert table[1].count("|") == table[0].count("|") == table[2].count("|") == 9
    assert table[2].startswith("| perfect    |    1.000 |")
    assert table[3].startswith("| a\\|b       |")
    assert rest[0] == ""
    assert all(any(line.startswith(f"- {head}") for line in rest) for head in ("top-pair", "entropy", "hubris"))


def test_json_holds_every_figure_and_the_bins():
    said = json.loads(json.dumps(as_json({"two": evaluate(*TWO)}), allow_nan=False))["two"]
    assert set(said) == {"count", *COLUMNS, "bins"}
    assert said["count"] == 2
    assert said["hubris"] == 0.125
    assert len(said["bins"]) == 15
    assert said["bins"][11] == {"low": 0.733333, "high": 0.8, "count": 1, "confidence": 0.75, "correctness": 0.5}


def test_the_diagram_is_well_formed_and_says_what_it_shows():
    soft, digits, targets = ambiguous()
    found = evaluate(certain(soft), soft, digits, targets)
    svg = ET.fromstring(diagram(found, "<b>&\x00 mine"))
    tag = "{http://www.w3.org/2000/svg}"
    assert svg.get("role") == "img"
    assert svg[0].tag == f"{tag}title"
    assert svg[0].text.startswith("Reliability diagram of <b>&  mine: calibration error 0.")
    bars = [r for r in svg.iter(f"{tag}rect") if r.get("class") == "bar"]
    assert len(bars) == sum(b.count > 0 for b in found.bins) == 1
    assert float(bars[0].get("height")) == pytest.approx(300 * soft.max(1).mean(), abs=0.1)
    assert "200" in [t.text for t in svg.iter(f"{tag}text")]
    assert "prefers-color-scheme" in svg.find(f"{tag}style").text


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)

CODE = """
import numpy as np, torch
def soft(images):
    assert images.dtype == np.uint8 and images.shape[1:] == (28, 28)
    logits = torch.as_tensor(images.reshape(len(images), -1)[:, :10].astype(np.float32) / 99).requires_grad_()
    return logits.softmax(1)
class Mine:
    def says(images): return np.full((len(images), 10), 0.1, np.float32)
def vandal(images):
    images[:] = 0
    return Mine.says(images)
def logits(images): return np.linspace(-3, 3, 10 * len(images)).reshape(-1, 10)
def counts(images): return np.full((len(images), 10), 7)
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
    p = load("ours:soft")(IMAGES)
    np.testing.assert_array_equal(load("./ours.py:soft")(IMAGES), p)
    assert (p.shape, p.dtype) == ((5, 10), np.float64)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(load("ours:Mine.says")(IMAGES), np.full((5, 10), 0.1))
    assert load("ours:soft")(IMAGES[:0]).shape == (0, 10)


def test_it_sees_at_most_a_thousand_images_and_cannot_change_them(here):
    many = np.repeat(IMAGES, 401, axis=0)
    np.testing.assert_allclose(load("ours:soft")(many)[::401], load("ours:soft")(IMAGES), rtol=1e-6)
    before = IMAGES.copy()
    load("ours:vandal")(IMAGES)
    np.testing.assert_array_equal(IMAGES, before)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("logits", "ours:logits gave -3: probabilities are not negative. Are these logits"),
        ("counts", r"ours:counts gave a row that sums to 70, not to 1. Are these logits\? Use softmax."),
        ("flat", r"ours:flat gave shape \(5,\) for 5 images: it must give \(5, 10\)."),
        ("nan", "ours:nan gave numbers that are not finite"),
        ("words", "ours:words gave list: it must give probabilities as an array of numbers."),
        ("strings", "ours:strings gave an array of <U4"),
        (
            "breaks",
            r"ours:breaks failed with KeyError \('weights'\). Give it uint8 \(N, 28, 28\) in Python to see more.",
        ),
    ],
)
def test_answers_that_are_no_probabilities_are_told_apart(here, name, said):
    with pytest.raises(DataError, match=said):
        load(f"ours:{name}")(IMAGES)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ours", "give package.module:callable"),
        ("ours:", "give package.module:callable"),
        (":soft", "give package.module:callable"),
        ("", "give package.module:callable"),
        ("ours.absent:soft", "there is no such module"),
        ("nowhere.at_all:soft", "there is no such module"),
        ("/absent/ours.py:soft", "name a module, or a .py file below the current directory"),
        (".ours:soft", "name a module"),
        ("needy:soft", "it needs need, here or among what is installed"),
        ("ours:hard", "has no attribute 'hard'"),
        ("ours:number", "number is of type int, which cannot be called"),
    ],
)
def test_a_text_that_names_no_classifier_is_one_sentence(here, spec, said):
    with pytest.raises(ArgumentError, match=said):
        load(spec)


def test_a_module_that_fails_is_one_sentence(here):
    with pytest.raises(DataError, match=r"broken:f failed with ZeroDivisionError .* Import broken in Python"):
        load("broken:f")


def test_rows_may_be_off_by_a_thousandth_and_are_put_right():
    p = np.full((2, 10), 0.10009)
    np.testing.assert_allclose(checked(p, 2, "it").sum(1), 1, rtol=1e-12)
    half = torch.full((2, 10), 0.1, dtype=torch.bfloat16)
    np.testing.assert_allclose(checked(half, 2, "it"), 0.1, rtol=1e-12)
    with pytest.raises(DataError, match=r"sums to 1\.002, not to 1"):
        checked(np.full((2, 10), 0.1002), 2, "it")
    for answer in (np.eye(10, dtype=int), torch.eye(10, dtype=torch.int64), torch.eye(10).requires_grad_()):
        assert checked(answer, 10, "it").dtype == np.float64


def test_probabilities_in_a_file_serve_for_as_many_images(tmp_path):
    p = np.random.default_rng(0).dirichlet(np.ones(10), 5)
    np.save(tmp_path / "p.npy", p)
    np.savez(tmp_path / "only.npz", anything=p)
    np.savez_compressed(tmp_path / "named.npz", probabilities=p, other=p[:2])
    for name in ("p.npy", "only.npz", "named.npz"):
        np.testing.assert_allclose(load(str(tmp_path / name))(IMAGES), p, rtol=1e-12)
        with pytest.raises(DataError, match=rf"{name} gave shape \(5, 10\) for 4 images"):
            load(str(tmp_path / name))(IMAGES[:4])


def test_a_file_without_probabilities_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"there is no such file. Write one with numpy.savez\('absent.npz'"):
        load(str(tmp_path / "absent.npz"))
    np.savez(tmp_path / "two.npz", a=np.eye(10), b=np.eye(10))
    with pytest.raises(DataError, match=r"it holds a, b. Name the array \(N, 10\) of probabilities 'probabilities'"):
        load(str(tmp_path / "two.npz"))
    np.savez(tmp_path / "none.npz")
    with pytest.raises(DataError, match="it holds nothing"):
        load(str(tmp_path / "none.npz"))
    np.save(tmp_path / "pickled.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "pickled.npz", p=np.array([{}], dtype=object))
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04 junk")
    (tmp_path / "junk.npy").write_bytes(b"junk")
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("pickled.npy", "pickled.npz", "junk.npz", "junk.npy", "empty.npy"):
        with pytest.raises(DataError, match=f"{name}: NumPy cannot read it without pickle"):
            load(str(tmp_path / name))


@pytest.fixture
def small(tmp_path):
    """The file of an untrained ensemble of two kinds, and the ensemble."""
    torch.manual_seed(0)
    ensemble = Ensemble([JudgeConfig("strided", 2), JudgeConfig("pooled", 2)]).double().eval()
    write_classifier(tmp_path / "small.safetensors", ensemble)
    return tmp_path / "small.safetensors", ensemble


def test_a_classifier_comes_back_from_its_file(small):
    path, ensemble = small
    with torch.no_grad():
        expected = ensemble(torch.from_numpy(IMAGES)[:, None].double() / 255).mean(0)
    np.testing.assert_allclose(load(str(path))(IMAGES), expected, atol=0.002)
    assert all(t.dtype == torch.float16 for t in load_file(path).values())
    read = read_classifier(path)
    assert not read.training
    assert {t.dtype for t in read.parameters()} == {torch.float64}
    np.testing.assert_array_equal(load(str(path))(IMAGES[:2]), load(str(path))(IMAGES)[:2])


def without(tensors):
    return dict(list(tensors.items())[1:])


@pytest.mark.parametrize(
    ("tensors", "judges", "said"),
    [
        (lambda t: t, None, "this is no classifier of ours: its metadata has no entry 'judges'"),
        (lambda t: t, "nonsense", "its networks cannot be built"),
        (lambda t: t, "[3]", "its networks cannot be built"),
        (lambda t: t, '[{"kind": "magic", "width": 2}]', "unknown kind of judge 'magic'"),
        (lambda t: t, '[{"kind": "strided", "width": 2, "depth": 3}]', "its networks cannot be built .*depth"),
        (lambda t: t, '[{"kind": "strided", "width": 3}, {"kind": "pooled", "width": 2}]', "size mismatch"),
        (lambda t: t, '[{"kind": "strided", "width": 2}]', r"tensor judges.1\S* is not expected"),
        (lambda t: {}, "[]", "it holds no network"),
        (without, "own", r"tensor judges.\S+ is missing"),
        (lambda t: {**t, "more": torch.ones(1)}, "own", "tensor more is not expected"),
        (lambda t: {k: torch.full_like(v, torch.inf) for k, v in t.items()}, "own", r"tensor \S+ is not finite"),
    ],
)
def test_another_file_is_refused_in_a_sentence(small, tensors, judges, said):
    path, _ = small
    own = '[{"kind": "strided", "width": 2}, {"kind": "pooled", "width": 2}]'
    metadata = {"judges": own if judges == "own" else judges} if judges else None
    save_file(tensors(load_file(path)), path, metadata)
    with pytest.raises(DataError, match=said) as caught:
        load(str(path))
    assert "package.module:callable" in str(caught.value)


def test_what_is_no_safetensors_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load(str(tmp_path / "absent.safetensors"))
    for name, data in (("empty", b""), ("junk", b"junk" * 99)):
        (tmp_path / f"{name}.safetensors").write_bytes(data)
        with pytest.raises(DataError, match="this is not a safetensors file"):
            load(str(tmp_path / f"{name}.safetensors"))


def test_the_references_differ_in_hubris_as_they_should(muddler):
    found = references()
    assert tuple(found) == REFERENCES
    digits, targets = np.array([4, 3, 7, 9] * 12), np.array([9, 5, 1, 4] * 12)
    made = muddler.muddle_many(digits.tolist(), targets.tolist(), range(48))
    rows = {name: evaluate(c(made.images), made.soft_labels, digits, targets) for name, c in found.items()}
    assert rows["plain"].hubris > rows["smoothed"].hubris
    assert rows["plain"].hubris > rows["ensemble"].hubris
    real = muddler.bundle.exemplars
    for name, classify in found.items():
        guess = classify(real.images[::10].numpy()).argmax(1)
        assert (guess == real.labels[::10].numpy()).mean() > 0.95, name
