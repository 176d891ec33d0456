import json
import subprocess
import sys

import numpy as np
import pytest
from support.processes import environment

from muddle.dataset.formats import FORMATS
from muddle.dataset.generate import make_dataset
from muddle.errors import DataError


@pytest.mark.parametrize("form", FORMATS)
def test_rows_come_back_from_their_files(form, rows):
    files = FORMATS[form].write("test/00000-of-00001", rows)
    assert all(name.startswith("test/00000-of-00001") for name in files)
    back = FORMATS[form].read(files)
    for name, column in vars(rows).items():
        assert column.dtype.kind == vars(back)[name].dtype.kind, name
        np.testing.assert_array_equal(column, vars(back)[name], name)


def test_parquet_without_pyarrow_names_what_to_install(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="pip install pyarrow"):
        FORMATS["parquet"].write("x", rows)


def test_the_metadata_of_pictures_has_every_number(rows):
    files = FORMATS["png"].write("test/x", rows)
    lines = [json.loads(line) for line in files.pop("test/x.jsonl").splitlines()]
    assert [f"test/{line['file_name']}" for line in lines] == list(files)
    assert all(set(line) == {"file_name", *vars(rows)} - {"image"} for line in lines)
    assert lines[3]["seed"] == rows.seed[3]


OPEN = """
import json, sys
from datasets import load_dataset
found = {}
for split in ("train", "test"):
    d = load_dataset(sys.argv[1], split=split, cache_dir=sys.argv[2])
    pixels = [sum(picture.getdata()) for picture in d["image"]]
    found[split] = {"features": str(d.features), "index": list(d["index"]), "pixels": pixels, "row": d[0]["soft_label"]}
print(json.dumps(found))
"""


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if form.glob])
def test_the_datasets_library_sees_the_rows_in_the_order_that_evaluate_sees(form, muddler, tmp_path):
    from muddle.dataset.folder import read_dataset

    options = {"count": 30, "train": 0.6, "shards": 4, "balance": "uniform", "form": form, "muddler": muddler}
    make_dataset(tmp_path / "set", **options)
    command = [sys.executable, "-c", OPEN, str(tmp_path / "set"), str(tmp_path / "cache")]
    child = environment(HF_DATASETS_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    done = subprocess.run(command, env=child, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    for split, seen in json.loads(done.stdout).items():
        rows = read_dataset(tmp_path / "set", split)
        assert seen["index"] == rows.index.tolist(), split
        assert seen["pixels"] == rows.image.reshape(len(rows), -1).astype(int).sum(1).tolist()
        np.testing.assert_allclose(seen["row"], rows.soft_label[0], atol=1e-12)
        if form == "parquet":
            assert "'label': ClassLabel(names=['0'" in seen["features"]
            assert "'digit': Value('int64')" in seen["features"]
