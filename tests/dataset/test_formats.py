import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.processes import environment

from muddle.dataset.formats import FORMATS, SCALARS, from_idx, read_set, shard_name, to_idx
from muddle.errors import DataError

NAME = shard_name(0, 1)


def write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.fixture(params=FORMATS)
def stored(request, rows, tmp_path):
    """The folder of a finished set of one shard, in each of the formats."""
    write(tmp_path / "set/data", FORMATS[request.param].write(NAME, rows))
    note = {"format": request.param, "spec": {"count": 16, "shards": 1}, "files": {}}
    (tmp_path / "set/dataset.json").write_text(json.dumps(note))
    return tmp_path / "set"


def test_rows_come_back_from_their_files(stored, rows):
    for name, column, same in zip(rows._fields, rows, read_set(stored), strict=True):
        assert column.dtype == same.dtype, name
        np.testing.assert_array_equal(column, same, name)


def test_shards_come_back_in_their_order(rows, tmp_path):
    for shard, part in enumerate((slice(0, 5), slice(5, 16))):
        piece = type(rows)(*(column[part] for column in rows))
        write(tmp_path / "data", FORMATS["npz"].write(shard_name(shard, 2), piece))
    (tmp_path / "dataset.json").write_text('{"format": "npz", "spec": {"count": 16, "shards": 2}, "files": {}}')
    assert read_set(tmp_path).index.tolist() == list(range(16))


@pytest.mark.parametrize("size", [None, 0, 30])
def test_a_set_with_a_missing_or_truncated_file_is_refused(stored, size):
    for path in sorted(stored.glob("data/**/*.*")):
        data = path.read_bytes()
        if size is None:
            path.unlink()
        else:
            path.write_bytes(data[:size])
        if path.suffix != ".json" and "labels-idx1" not in path.name and "targets-idx1" not in path.name:
            with pytest.raises(DataError) as caught:
                read_set(stored)
            assert caught.value.code == "data"
        path.write_bytes(data)
    assert len(read_set(stored).index) == 16


@pytest.mark.parametrize(
    "note", [None, "", "[]", "{}", '{"format": "bmp", "spec": {"count": 16, "shards": 1}, "files": {}}']
)
def test_a_folder_without_a_set_is_refused(note, tmp_path):
    if note is not None:
        (tmp_path / "dataset.json").write_text(note)
    with pytest.raises(DataError):
        read_set(tmp_path)


def test_an_unfinished_set_is_refused(stored):
    note = json.loads((stored / "dataset.json").read_text())
    note.pop("files")
    (stored / "dataset.json").write_text(json.dumps(note))
    with pytest.raises(DataError):
        read_set(stored)


def test_parquet_without_pyarrow_names_what_to_install(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="pip install pyarrow"):
        FORMATS["parquet"].write(NAME, rows)


@given(st.integers(0, 3), st.sampled_from([np.uint8, np.float64]))
def test_idx_keeps_shape_and_values(dimensions, kind):
    array = np.arange(2**dimensions, dtype=kind).reshape((2,) * dimensions)
    back = from_idx(to_idx(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


def test_idx_is_what_mnists_readers_read(rows):
    files = FORMATS["idx"].write("x", rows)
    images, labels, soft = (
        files[f"x-{n}"] for n in ("images-idx3-ubyte", "labels-idx1-ubyte", "soft-labels-idx2-double")
    )
    assert images[:4] == b"\x00\x00\x08\x03"
    assert np.frombuffer(images, ">u4", 3, 4).tolist() == [16, 28, 28]
    assert images[16:] == rows.image.tobytes()
    assert labels == b"\x00\x00\x08\x01\x00\x00\x00\x10" + bytes(rows.digit.tolist())
    assert from_idx(files["x-targets-idx1-ubyte"]).tolist() == rows.target.tolist()
    assert np.frombuffer(soft, ">f8", offset=12).reshape(16, 10).tolist() == rows.soft_label.tolist()


def test_the_metadata_of_pictures_has_every_number(rows):
    files = FORMATS["png"].write("x", rows)
    lines = [json.loads(line) for line in files.pop("x/metadata.jsonl").splitlines()]
    assert [f"x/{line['file_name']}" for line in lines] == list(files)
    assert all(set(line) == {"file_name", "soft_label", *SCALARS} for line in lines)
    assert lines[3]["seed"] == rows.seed[3]


OPEN = """
import json, sys
from datasets import load_dataset
found = {}
for form in ("parquet", "png"):
    d = load_dataset(f"{sys.argv[1]}/{form}", split="test", cache_dir=sys.argv[2])
    row = d[0]
    row["image"] = list(row["image"].getdata())
    found[form] = {"features": str(d.features), "count": d.num_rows, "row": row}
print(json.dumps(found))
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_the_datasets_library_opens_parquet_and_pictures(rows, muddler, small, tmp_path):
    from muddle.dataset.card import card_files

    for form in ("parquet", "png"):
        write(tmp_path / form / "data", FORMATS[form].write(NAME, rows))
        write(tmp_path / form, card_files(muddler, small, rows, form))
    offline = environment(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    command = [sys.executable, "-W", "ignore", "-c", OPEN, str(tmp_path), str(tmp_path / "cache")]
    done = subprocess.run(command, env=offline, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    for opened in json.loads(done.stdout).values():
        row = opened["row"]
        i = row["index"]
        assert opened["count"] == 16
        assert "'image': Image(" in opened["features"]
        assert row["image"] == rows.image[i].ravel().tolist()
        assert row["soft_label"] == rows.soft_label[i].tolist()
        assert [row[name] for name in SCALARS] == [getattr(rows, name)[i] for name in SCALARS]
    parquet = json.loads(done.stdout)["parquet"]
    assert parquet["row"]["index"] == 0  # in order; pictures come in any
    assert "'digit': ClassLabel(names=['0'" in parquet["features"]
    assert "length=10" in parquet["features"]
