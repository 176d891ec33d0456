"""Classifiers as functions from images to probabilities: a Python callable, networks in a file, or an array."""

import importlib
import sys
import zipfile
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch

from muddle.bundle.classifier_file import read_classifier
from muddle.bundle.references import REFERENCES, REFERENCES_DIR, member_probabilities
from muddle.errors import ArgumentError, DataError

Classifier = Callable[..., np.ndarray]
# From uint8 (N, 28, 28), white on black, and perhaps the images' numbers, `index`, int64 (N,), to float64 (N, 10), or
# (M, N, 10) of an ensemble's members.

ARRAY, INDEX = "probabilities", "index"  # the names of the arrays in an .npz
BATCH_SIZE = 1000  # images in one call of a classifier
SUM_TOLERANCE = 1e-3  # how far a row's sum may be from 1
SPECS = "package.module:callable, a .safetensors of python -m train reference, or probabilities as .npz or .npy"


def load_classifier(spec: str) -> Classifier:
    """The classifier that a text names; its probabilities are checked, and each row is scaled to a sum of exactly 1.

    `package.module:callable` or `package/module.py:callable`: looked for in the current directory too; it gets uint8
    (N, 28, 28), white on black, at most 1,000 images at once, and returns probabilities (N, 10), or (M, N, 10) of an
    ensemble's members, NumPy's or torch's. `*.safetensors`: the networks that `python -m train reference` wrote.
    `*.npz`, `*.npy`: these probabilities themselves, in the order of the set's index, against which an array `index`
    beside them in an .npz is checked.
    Raises ArgumentError and DataError, and so does the classifier when its result is not probabilities.
    """
    loaders = {".safetensors": _from_weights, ".npz": _from_array, ".npy": _from_array}
    suffix = Path(spec).suffix.lower()
    if suffix in loaders:
        return loaders[suffix](Path(spec))
    module, colon, name = spec.partition(":")
    if not (colon and name and module):
        raise ArgumentError("classifier", spec, SPECS)
    if module.endswith(".py"):
        module = ".".join(Path(module).with_suffix("").parts)
    if not all(part.isidentifier() for part in module.split(".")):
        raise ArgumentError("classifier", spec, "a callable of a module, or of a .py file below the current directory")
    return _from_callable(spec, module, name)


def references() -> dict[str, Classifier]:
    """The classifiers that ship with the code, by name."""
    return {name: _from_weights(REFERENCES_DIR / f"{name}.safetensors") for name in REFERENCES}


def check_probabilities(result: Any, count: int, origin: str) -> np.ndarray:
    """The result of a classifier as float64 (count, 10), or (M, count, 10), whose rows sum to 1.

    Raises DataError, which says why it is none.

    A row's sum may be off by SUM_TOLERANCE. `origin` names the classifier in the error.
    """
    if isinstance(result, torch.Tensor):
        result = result.detach().to("cpu", torch.float64 if result.is_floating_point() else None).numpy()
    if not isinstance(result, np.ndarray) or result.dtype.kind not in "fiu":
        kind = f"an array of {result.dtype}" if isinstance(result, np.ndarray) else type(result).__name__
        raise DataError(f"{origin} returned {kind}: it must return probabilities as an array of numbers.")
    if result.shape[-2:] != (count, 10) or result.ndim not in (2, 3) or not len(result):
        wanted = f"({count}, 10), or (M, {count}, 10) for an ensemble"
        raise DataError(f"{origin} returned shape {result.shape} for {count} images: it must return {wanted}.")
    p = result.astype(np.float64)
    if not np.isfinite(p).all():
        raise DataError(f"{origin} returned numbers that are not finite: look for nan and inf.")
    if p.min(initial=0) < 0:
        least = p.min()
        raise DataError(
            f"{origin} returned {least:.3g}: probabilities are not negative. Are these logits? Use softmax."
        )
    sums = p.sum(-1, keepdims=True)
    errors = np.abs(sums - 1)
    if errors.max(initial=0) > SUM_TOLERANCE:
        worst = sums.flat[errors.argmax()]
        raise DataError(f"{origin} returned a row that sums to {worst:.4g}, not to 1. Are these logits? Use softmax.")
    return p / sums


def _from_callable(spec: str, module: str, name: str) -> Classifier:
    if not {"", "."} & set(sys.path):
        sys.path.append("")  # the current directory, also when not started by python -m; last, so it hides nothing
    importlib.invalidate_caches()
    importable = "a callable that can be imported"
    try:
        function = reduce(getattr, name.split("."), importlib.import_module(module))
    except ModuleNotFoundError as error:
        missing = "" if f"{module}.".startswith(f"{error.name}.") else f", which {module} needs"
        problem = f"there is no module {error.name} here or among what is installed{missing}"
        raise ArgumentError("classifier", spec, f"{importable} ({problem})") from error
    except AttributeError as error:
        raise ArgumentError("classifier", spec, f"{importable} ({error})") from error
    except Exception as error:  # whatever the user's module raises when it is imported
        raise DataError(f"{spec} failed with {_describe(error)}. Import {module} in Python to see more.") from error
    if not callable(function):
        raise ArgumentError("classifier", spec, f"a callable ({name} is of type {type(function).__name__})")

    def call(images: np.ndarray) -> Any:
        try:
            with torch.no_grad():
                return function(images.copy())
        except Exception as error:  # whatever the user's function raises
            hint = "Call it with uint8 (N, 28, 28) in Python to see more."
            raise DataError(f"{spec} failed with {_describe(error)}. {hint}") from error

    return _in_batches(call, spec)


def _from_weights(path: Path) -> Classifier:
    ensemble = read_classifier(path)

    def call(images: np.ndarray) -> np.ndarray:
        members = member_probabilities(ensemble, images)
        return members if len(members) > 1 else members[0]

    return _in_batches(call, str(path))


def _from_array(path: Path) -> Classifier:
    array, numbers = _arrays(path)

    def classify(images: np.ndarray, index: np.ndarray | None = None) -> np.ndarray:
        p = check_probabilities(array, len(images), str(path))
        if not (numbers is None or index is None) and not np.array_equal(numbers, index):
            raise DataError(f"{path}: its {INDEX!r} is not the data set's: put the rows in the order of that column.")
        return p

    return classify


def _in_batches(call: Callable[[np.ndarray], Any], origin: str) -> Classifier:
    def classify(images: np.ndarray, index: np.ndarray | None = None) -> np.ndarray:
        batches = [images[i : i + BATCH_SIZE] for i in range(0, len(images), BATCH_SIZE)]
        results = [check_probabilities(call(batch), len(batch), origin) for batch in batches]
        return np.concatenate(results, axis=-2) if results else np.zeros((0, 10))

    return classify


def _arrays(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The probabilities, and the images' numbers where the file has them."""
    if not path.is_file():
        write = f"savez({path.name!r}, {ARRAY}=p, {INDEX}=i)" if path.suffix == ".npz" else f"save({path.name!r}, p)"
        raise DataError(f"{path}: there is no such file. Write one with numpy.{write}.")
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content, None
            name = ARRAY if ARRAY in content.files or len(content.files) != 1 else content.files[0]
            if name in content.files:
                return content[name], content[INDEX] if INDEX in content.files else None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: NumPy cannot read it without pickle ({error}). Save plain numbers.") from error
    names = ", ".join(content.files) or "nothing"
    raise DataError(f"{path}: it holds {names}. Name the array (N, 10) of probabilities {ARRAY!r}.")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__} ({str(error).strip() or 'no message'})"
