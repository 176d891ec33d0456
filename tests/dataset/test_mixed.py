import gzip

import numpy as np
import pytest

from muddle.dataset.folder import read_dataset
from muddle.dataset.generate import make_dataset
from muddle.dataset.mixed import AS_SURE, IMAGES, LABELS, UNLIKE, mixed_rows, read_real
from muddle.dataset.spec import KINDS, Spec
from muddle.errors import ArgumentError, DataError


@pytest.fixture(scope="module")
def digits(real):
    return read_real(real)


@pytest.fixture(scope="module")
def spec(digits):
    return Spec(count=40, real=digits.sha256)


@pytest.fixture(scope="module")
def mixed(muddler, spec, digits):
    return mixed_rows(muddler, spec, digits, range(40))


def test_real_digits_are_read_from_any_place_and_packed(real, digits, muddler, tmp_path):
    assert (digits.images == muddler.bundle.exemplars.images[::50].numpy()).all()
    assert digits.labels.tolist() == muddler.bundle.exemplars.labels[::50].tolist()
    for name in (IMAGES, LABELS):
        (path,) = (real / "MNIST/raw").glob(f"{name}*")
        data = gzip.decompress(path.read_bytes()) if path.suffix else path.read_bytes()
        (tmp_path / name).write_bytes(data)
    assert read_real(tmp_path).sha256 == digits.sha256
    (tmp_path / IMAGES).write_bytes((tmp_path / IMAGES).read_bytes()[:-1])
    for _ in range(2):
        with pytest.raises(DataError, match=r"download=True"):
            read_real(tmp_path)
        (tmp_path / IMAGES).unlink(missing_ok=True)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x00\x00\x08", b"\x00\x00\x08\x03\x00\x00\x00\x01"])
def test_what_is_no_file_of_mnist_is_told(data, tmp_path):
    for name in (IMAGES, LABELS):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError):
        read_real(tmp_path)


def test_each_kind_is_what_it_says(mixed, digits, muddler):
    assert mixed.index.tolist() == list(range(40))
    assert {kind: int((mixed.kind == kind).sum()) for kind in KINDS} == dict.fromkeys(KINDS, 10)
    real, clear, ambiguous, ood = (mixed.rows(mixed.kind == kind) for kind in KINDS)
    assert (real.image == digits.images[real.source]).all()
    assert (real.label == digits.labels[real.source]).all()
    assert len(set(real.source.tolist())) == 10
    for rows in (clear, ambiguous):
        m = muddler.muddle(int(rows.digit[3]), int(rows.target[3]), seed=int(rows.seed[3]), balance=rows.balance[3])
        assert (m.image == rows.image[3]).all()
        assert (m.soft_label == rows.soft_label[3]).all()
    assert (ambiguous.balance == 0.5).all()
    assert ambiguous.entropy.mean() > 5 * clear.entropy.mean()
    assert ood.likeness.max() < UNLIKE
    assert (ood.image.reshape(10, -1).max(1) > 0).all()


def test_the_four_of_a_block_have_one_pair_and_the_clear_one_is_its_real_ones_twin(mixed):
    for block in range(10):
        four = mixed.rows(mixed.index // 4 == block)
        one = {kind: four.rows(four.kind == kind) for kind in KINDS}
        pairs = {(int(one[kind].digit[0]), int(one[kind].target[0])) for kind in ("real", "clear", "ambiguous")}
        assert len(pairs) == 1
        assert one["clear"].balance[0] == pytest.approx(AS_SURE * one["real"].target_share()[0], abs=1e-5)


def test_a_part_of_a_mixed_set_is_the_same_alone(muddler, spec, digits, mixed):
    part = mixed_rows(muddler, spec, digits, range(13, 18))
    for name, column in vars(part).items():
        np.testing.assert_array_equal(column, vars(mixed)[name][13:18], name)


def test_a_mixed_set_is_made_and_read_and_needs_enough_real_digits(muddler, real, mixed, tmp_path):
    outcome = make_dataset(tmp_path / "set", count=40, real=str(real), form="npz", muddler=muddler)
    rows = read_dataset(tmp_path / "set")
    for name, column in vars(mixed).items():
        np.testing.assert_array_equal(column, vars(rows)[name], name)
    card = (tmp_path / "set/README.md").read_text()
    assert outcome.sha256 in card
    assert "| ambiguous | 10 |" in card
    assert "made to lie between two digits" not in card
    assert "Balance (of the ambiguous images)" in card
    with pytest.raises(ArgumentError, match="at most 200 ") as caught:
        make_dataset(tmp_path / "large", count=201, real=real, muddler=muddler)
    assert caught.value.code == "bad-count"
    with pytest.raises(ArgumentError) as caught:
        make_dataset(tmp_path / "large", count=20, real=real, train=0.5, muddler=muddler)
    assert caught.value.code == "bad-mixed"
