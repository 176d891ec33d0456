"""The files of a data set's shard: Parquet, which the Hub shows, NumPy's npz, or PNG; from rows, and back to them."""

import io
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from muddle.dataset.spec import Rows
from muddle.errors import DataError
from muddle.images.codecs import from_png, png

Files = dict[str, bytes]  # names, relative to the set's data folder, and contents
FIRST = ("image", "label", "soft_label")  # of the columns that readers see


class Format(NamedTuple):
    """One format: a shard's files, whose names begin with its own, from its name and rows, and its rows from them."""

    write: Callable[[str, Rows], Files]
    read: Callable[[Files], Rows]
    last: str  # the ending of the shard's last file: where that is listed, the shard is whole
    glob: str = ""  # matches a split's files, where `datasets` and the Hub's viewer can read them, in the rows' order
    joined: str = ""  # a file of the split that is the last files of all its shards, one after another


def _write_parquet(name: str, rows: Rows) -> Files:
    pa, parquet = _pyarrow()
    columns = {field: pa.array(column) for field, column in rows.scalars().items()}
    columns["soft_label"] = pa.FixedSizeListArray.from_arrays(pa.array(rows.soft_label.ravel()), 10)
    judges = pa.FixedSizeListArray.from_arrays(pa.array(rows.judges.ravel()), 10)
    columns["judges"] = pa.FixedSizeListArray.from_arrays(judges, rows.judges.shape[1])
    files = [{"bytes": png(image), "path": None} for image in rows.image]
    columns["image"] = pa.array(files, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    ordered = {name: columns[name] for name in (*FIRST, *columns)}
    features = {name: _feature(name, column) for name, column in ordered.items()}
    info = {"huggingface": json.dumps({"info": {"features": features}})}
    buffer = io.BytesIO()
    parquet.write_table(pa.table(ordered).replace_schema_metadata(info), buffer, row_group_size=100, compression="zstd")
    return {f"{name}.parquet": buffer.getvalue()}


def _read_parquet(files: Files) -> Rows:
    pa, parquet = _pyarrow()
    (data,) = files.values()
    table = parquet.read_table(pa.BufferReader(data))
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in ("image", "judges")}
    columns["soft_label"] = np.stack(columns["soft_label"])
    columns["judges"] = np.stack([np.stack(row) for row in table["judges"].to_numpy()])
    columns["kind"] = columns["kind"].astype(str)
    return Rows(image=np.stack([from_png(cell["bytes"].as_py()) for cell in table["image"]]), **columns)


def _feature(name: str, column: object) -> dict[str, object]:
    """The type of a column, in the notation of the `datasets` library."""
    doubles = {"_type": "Value", "dtype": "float64"}
    if name == "image":
        return {"_type": "Image"}
    if name == "label":
        return {"_type": "ClassLabel", "names": [str(digit) for digit in range(10)]}
    if name == "soft_label":
        return {"_type": "Sequence", "length": 10, "feature": doubles}  # List: from 4 on
    if name == "judges":
        ten = {"_type": "Sequence", "length": 10, "feature": doubles}
        return {"_type": "Sequence", "length": column.type.list_size, "feature": ten}
    return {"_type": "Value", "dtype": {"double": "float64"}.get(str(column.type), str(column.type))}


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("Parquet needs pyarrow: pip install pyarrow, or choose --format npz or png.") from error
    return pyarrow, pyarrow.parquet


def _write_npz(name: str, rows: Rows) -> Files:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **vars(rows))
    return {f"{name}.npz": buffer.getvalue()}


def _read_npz(files: Files) -> Rows:
    (data,) = files.values()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Rows(**arrays)


def _write_png(name: str, rows: Rows) -> Files:
    """A folder of PNG files, and a line of JSON for each beside it; `datasets` reads them as an image folder."""
    folder, split = name.rpartition("/")[2], name.rpartition("/")[0]
    names = [f"{folder}/{i:08d}-{a}-{b}.png" for i, a, b in zip(rows.index, rows.digit, rows.target, strict=True)]
    columns = {"file_name": names} | {key: column.tolist() for key, column in vars(rows).items() if key != "image"}
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
    pictures = {f"{split}/{file}": png(image) for file, image in zip(names, rows.image, strict=True)}
    return {**pictures, f"{name}.jsonl": "".join(f"{line}\n" for line in lines).encode()}


def _read_png(files: Files) -> Rows:
    (metadata,) = (name for name in files if name.endswith(".jsonl"))
    lines = [json.loads(line) for line in files[metadata].splitlines()]
    split = metadata.rpartition("/")[0]
    image = np.stack([from_png(files[f"{split}/{line.pop('file_name')}"]) for line in lines])
    return Rows(image=image, **{key: np.array([line[key] for line in lines]) for key in lines[0]})


FORMATS = {
    "parquet": Format(_write_parquet, _read_parquet, ".parquet", glob="*.parquet"),
    "npz": Format(_write_npz, _read_npz, ".npz"),
    "png": Format(_write_png, _read_png, ".jsonl", glob="**", joined="metadata.jsonl"),
}
