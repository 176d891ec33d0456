import json
import subprocess

import numpy as np
import pytest

from muddle.dataset.folder import DATA, NOTE, SUMS, SetFolder, read_dataset
from muddle.dataset.formats import FORMATS
from muddle.dataset.generate import make_dataset
from muddle.errors import ArgumentError, DataError

OPTIONS = {"count": 8, "shards": 2}


@pytest.fixture(params=FORMATS)
def made(request, muddler, tmp_path):
    """A finished set of two shards in each of the formats, and how to make it again."""

    def make():
        return make_dataset(tmp_path / "set", **OPTIONS, form=request.param, muddler=muddler)

    make()
    return tmp_path / "set", make


def data_files(folder):
    return sorted(path for path in (folder / DATA).rglob("*") if path.is_file())


def test_a_changed_file_is_told_by_reading_and_by_making_again_and_never_blessed(made):
    folder, make = made
    path = data_files(folder)[0]
    whole = path.read_bytes()
    for changed in (whole[:-1], whole[:30], b"", whole[:-1] + b"!"):
        path.write_bytes(changed)
        for again in (lambda: read_dataset(folder), make):
            with pytest.raises(DataError, match="was changed since it was made"):
                again()
        assert path.read_bytes() == changed
    path.write_bytes(whole)
    assert len(read_dataset(folder)) == 8


def test_a_missing_file_is_told_and_made_again_as_it_was(made):
    folder, make = made
    path = next(path for path in data_files(folder) if "00001-of" in str(path))
    whole, before = path.read_bytes(), (folder / SUMS).read_bytes()
    path.unlink()
    with pytest.raises(DataError, match=r"is missing\. Rerun"):
        read_dataset(folder)
    assert make().resumed == 1
    assert path.read_bytes() == whole
    assert (folder / SUMS).read_bytes() == before
    assert len(read_dataset(str(folder))) == 8


def test_a_list_of_hashes_that_was_changed_is_told(made):
    folder, _ = made
    sums = folder / SUMS
    sums.write_text(sums.read_text().replace("0", "1"))
    with pytest.raises(DataError):
        read_dataset(folder)


def test_the_list_is_one_that_sha256sum_reads(made):
    folder, _ = made
    done = subprocess.run(["sha256sum", "-c", "--strict", SUMS], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(data_files(folder))


@pytest.mark.parametrize("note", [None, "", "[]", "{}", '{"format": "bmp"}', '{"format": ["npz"]}'])
def test_a_folder_without_a_set_is_refused(note, tmp_path):
    if note is not None:
        (tmp_path / NOTE).write_text(note)
    with pytest.raises(DataError, match="no data set here"):
        read_dataset(tmp_path)


def test_an_unfinished_set_is_refused(made):
    folder, _ = made
    note = json.loads((folder / NOTE).read_text())
    note.pop("sums")
    (folder / NOTE).write_text(json.dumps(note))
    with pytest.raises(DataError, match="not finished"):
        read_dataset(folder)


def test_a_set_whose_note_is_of_another_version_is_a_sentence(made):
    folder, _ = made
    note = json.loads((folder / NOTE).read_text())
    for spec in ({**note["spec"], "more": 1}, {**note["spec"], "count": -1}, [], None, {"pairs": 3}):
        (folder / NOTE).write_text(json.dumps({**note, "spec": spec}))
        with pytest.raises(DataError):
            read_dataset(folder)


def test_splits_are_read_one_by_one_and_others_refused(muddler, tmp_path):
    make_dataset(tmp_path, count=10, train=0.6, form="npz", muddler=muddler)
    train, test = (read_dataset(tmp_path, split) for split in ("train", "test"))
    assert (train.index.tolist(), test.index.tolist()) == (list(range(6)), list(range(6, 10)))
    assert read_dataset(tmp_path).index.tolist() == list(range(10))
    assert {int(i) % 2 for i in (*train.source, *train.partner)} == {0}
    assert {int(i) % 2 for i in (*test.source, *test.partner)} == {1}
    with pytest.raises(ArgumentError) as caught:
        read_dataset(tmp_path, "validation")
    assert caught.value.code == "bad-split"
    prints = {SetFolder(tmp_path).fingerprint(split) for split in (None, "train", "test")}
    assert len(prints) == 3


def test_a_line_that_a_stop_cut_short_counts_for_nothing(made):
    folder, make = made
    whole = (folder / SUMS).read_bytes()
    (folder / SUMS).write_bytes(whole[:-5])
    note = json.loads((folder / NOTE).read_text())
    note.pop("sums")
    (folder / NOTE).write_text(json.dumps(note))
    make()
    assert (folder / SUMS).read_bytes() == whole
    assert len(read_dataset(folder)) == 8


def test_rows_of_every_part_are_the_muddles_that_they_name(made, muddler):
    rows = read_dataset(made[0])
    for i in range(0, 8, 3):
        m = muddler.muddle(int(rows.digit[i]), int(rows.target[i]), seed=int(rows.seed[i]), balance=rows.balance[i])
        np.testing.assert_array_equal(m.image, rows.image[i])
        np.testing.assert_array_equal(m.judge_soft_labels, rows.judges[i])
