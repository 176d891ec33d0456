"""The files of a data set: rows as Parquet, which the Hub shows, as NumPy's npz, MNIST's idx or PNG; and back."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muddle.dataset.spec import Rows
from muddle.errors import DataError
from muddle.images.codecs import from_png, png
from muddle.result import concatenate

SPLIT = "test"  # the sets are made to test classifiers with
NOTE = "dataset.json"  # which set it is; of a finished one also the sha256 of every data file
DATA_FOLDER = "data"
SCALARS = tuple(field for field in Rows._fields if field not in ("image", "soft_label"))  # columns of one number a row
IDX_TYPES = {np.dtype(np.uint8): 0x08, np.dtype(np.float64): 0x0E}  # of http://yann.lecun.com/exdb/mnist


class Format(NamedTuple):
    """One format."""

    write: Callable[[str, Rows], dict[str, bytes]]  # from a shard's name and rows to its files
    read: Callable[[Path, str], Rows]  # from the folder and the shard's name
    marker: str  # the file, with {} for the shard's name, that is written last: where it is, the shard is complete


def shard_name(shard: int, shards: int) -> str:
    """The name of a shard, by the Hub's convention."""
    return f"{SPLIT}-{shard:05d}-of-{shards:05d}"


def read_set(folder: Path) -> Rows:
    """All rows of a finished data set in its folder. Raises DataError when it is missing, unfinished or damaged."""
    try:
        note = json.loads((folder / NOTE).read_text())
        form, count, shards = FORMATS[note["format"]], note["spec"]["count"], note["spec"]["shards"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: there is no data set here. Make one: python -m muddle dataset.") from error
    if "files" not in note:
        raise DataError(f"{folder}: the data set is not finished. Rerun its command to resume.")
    try:
        rows = concatenate([form.read(folder / DATA_FOLDER, shard_name(shard, shards)) for shard in range(shards)])
        if any(len(column) != count for column in rows):
            raise ValueError(f"not all of its columns have {count} rows")
        return rows
    except DataError:  # pyarrow is missing
        raise
    except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder}: the data set is damaged ({error}). Remove the folder and make it again.") from error


def _write_parquet(name: str, rows: Rows) -> dict[str, bytes]:
    pa, parquet = _pyarrow()
    columns = {field: pa.array(column) for field, column in _scalars(rows).items()}
    columns["soft_label"] = pa.FixedSizeListArray.from_arrays(pa.array(rows.soft_label.ravel()), 10)
    files = [{"bytes": png(image), "path": None} for image in rows.image]
    columns["image"] = pa.array(files, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    features = {name: _feature(name, column) for name, column in columns.items()}
    ordered = {name: columns[name] for name in ("image", "digit", "target", "soft_label", *columns)}
    info = {"huggingface": json.dumps({"info": {"features": {name: features[name] for name in ordered}}})}
    buffer = io.BytesIO()
    parquet.write_table(pa.table(ordered).replace_schema_metadata(info), buffer, row_group_size=100, compression="zstd")
    return {f"{name}.parquet": buffer.getvalue()}


def _read_parquet(folder: Path, name: str) -> Rows:
    _, parquet = _pyarrow()
    table = parquet.read_table(folder / f"{name}.parquet")
    images = np.stack([from_png(cell["bytes"].as_py()) for cell in table["image"]])
    soft = np.stack(table["soft_label"].to_numpy(zero_copy_only=False))
    return Rows(image=images, soft_label=soft, **{field: table[field].to_numpy() for field in SCALARS})


def _feature(name: str, column: object) -> dict[str, object]:
    """The type of a column, in the notation of the `datasets` library."""
    if name == "image":
        return {"_type": "Image"}
    if name in ("digit", "target"):
        return {"_type": "ClassLabel", "names": [str(digit) for digit in range(10)]}
    if name == "soft_label":
        return {"_type": "Sequence", "length": 10, "feature": {"_type": "Value", "dtype": "float64"}}  # List: from 4 on
    return {"_type": "Value", "dtype": {"double": "float64"}.get(str(column.type), str(column.type))}


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("Parquet needs pyarrow: pip install pyarrow, or choose --format npz, idx or png.") from error
    return pyarrow, pyarrow.parquet


def _write_npz(name: str, rows: Rows) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **rows._asdict())
    return {f"{name}.npz": buffer.getvalue()}


def _read_npz(folder: Path, name: str) -> Rows:
    with open(folder / f"{name}.npz", "rb") as file, np.load(file, allow_pickle=False) as arrays:
        return Rows(**{field: arrays[field] for field in Rows._fields})


def _write_idx(name: str, rows: Rows) -> dict[str, bytes]:
    """Images and labels like MNIST's own files, the soft labels likewise as doubles; the rest as lines of JSON."""
    return {
        f"{name}-images-idx3-ubyte": to_idx(rows.image),
        f"{name}-labels-idx1-ubyte": to_idx(rows.digit.astype(np.uint8)),
        f"{name}-targets-idx1-ubyte": to_idx(rows.target.astype(np.uint8)),
        f"{name}-soft-labels-idx2-double": to_idx(rows.soft_label),
        f"{name}-metadata.jsonl": _to_lines(_scalars(rows)),
    }


def _read_idx(folder: Path, name: str) -> Rows:
    image = from_idx((folder / f"{name}-images-idx3-ubyte").read_bytes())
    soft = from_idx((folder / f"{name}-soft-labels-idx2-double").read_bytes())
    return _from_lines(folder / f"{name}-metadata.jsonl", image, soft)


def to_idx(array: np.ndarray) -> bytes:
    """An array of uint8 or float64 as an idx file."""
    head = bytes([0, 0, IDX_TYPES[array.dtype], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def from_idx(data: bytes) -> np.ndarray:
    """The array of an idx file that `to_idx` wrote. Raises ValueError or LookupError for another."""
    kind = {code: kind for kind, code in IDX_TYPES.items()}[data[2]]
    shape = np.frombuffer(data, ">u4", data[3], offset=4)
    return np.frombuffer(data, kind.newbyteorder(">"), offset=4 + 4 * data[3]).astype(kind).reshape(shape)


def _write_png(name: str, rows: Rows) -> dict[str, bytes]:
    """A folder of PNG files and its metadata.jsonl, which `datasets` reads as an image folder."""
    columns = {**_scalars(rows), "soft_label": rows.soft_label}
    files = [f"{i:08d}-{a}-{b}.png" for i, a, b in zip(rows.index, rows.digit, rows.target, strict=True)]
    pictures = {f"{name}/{file}": png(image) for file, image in zip(files, rows.image, strict=True)}
    return {**pictures, f"{name}/metadata.jsonl": _to_lines({"file_name": np.array(files), **columns})}


def _read_png(folder: Path, name: str) -> Rows:
    lines = [json.loads(line) for line in (folder / name / "metadata.jsonl").read_text().splitlines()]
    image = np.stack([from_png((folder / name / line["file_name"]).read_bytes()) for line in lines])
    return _from_lines(folder / name / "metadata.jsonl", image, np.array([line["soft_label"] for line in lines]))


def _scalars(rows: Rows) -> dict[str, np.ndarray]:
    return {field: getattr(rows, field) for field in SCALARS}


def _to_lines(columns: Mapping[str, np.ndarray]) -> bytes:
    values = [column.tolist() for column in columns.values()]
    lines = (json.dumps(dict(zip(columns, row, strict=True))) for row in zip(*values, strict=True))
    return "".join(f"{line}\n" for line in lines).encode()


def _from_lines(path: Path, image: np.ndarray, soft_label: np.ndarray) -> Rows:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return Rows(image=image, soft_label=soft_label, **{f: np.array([line[f] for line in lines]) for f in SCALARS})


FORMATS = {
    "parquet": Format(_write_parquet, _read_parquet, "{}.parquet"),
    "npz": Format(_write_npz, _read_npz, "{}.npz"),
    "idx": Format(_write_idx, _read_idx, "{}-metadata.jsonl"),
    "png": Format(_write_png, _read_png, "{}/metadata.jsonl"),
}
