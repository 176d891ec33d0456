"""Any classifier as a function from images to probabilities: from a Python callable, a file of ours, or an array."""

import importlib
import sys
import zipfile
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch

from muddle.errors import ArgumentError, DataError
from muddle.images.pixels import to_unit
from muddle.bundle.classifier_file import read_classifier

Classifier = Callable[[np.ndarray], np.ndarray]  # uint8 (N, 28, 28), white on black -> float64 (N, 10)

REFERENCES = ("plain", "smoothed", "ensemble")  # trained by python -m train reference
FOLDER = Path(__file__).parent / "references"
KEY = "probabilities"
BATCH = 1000  # images that a classifier sees at once
TOLERANCE = 1e-3  # how far a row's sum may be from 1
ALLOWED = "give package.module:callable, a .safetensors of python -m train reference, or probabilities as .npz or .npy"
CALL = "Give it uint8 (N, 28, 28) in Python to see more."


def load(spec: str) -> Classifier:
    """The classifier that a text names; its answers are checked, and their rows then sum to exactly 1.

    `package.module:callable` or `package/module.py:callable`: looked for in the current directory too; it gets uint8
    (N, 28, 28), white on black, at most 1,000 images at once, and returns probabilities (N, 10), NumPy's or torch's.
    `*.safetensors`: one of the project's own kinds. `*.npz`, `*.npy`: the probabilities (N, 10) themselves, which are
    returned for any N images.
    Raises ArgumentError and DataError, and so does the classifier when what it gives are not probabilities.
    """
    kinds = {".safetensors": _from_weights, ".npz": _from_array, ".npy": _from_array}
    suffix = Path(spec).suffix.lower()
    if suffix in kinds:
        return kinds[suffix](Path(spec))
    module, colon, name = spec.partition(":")
    if not (colon and name and module):
        raise ArgumentError("classifier", spec, ALLOWED)
    if module.endswith(".py"):
        module = ".".join(Path(module).with_suffix("").parts)
    if not all(part.isidentifier() for part in module.split(".")):
        raise ArgumentError("classifier", spec, "name a module, or a .py file below the current directory")
    return _from_callable(spec, module, name)


def references() -> dict[str, Classifier]:
    """The classifiers that ship with the code, by name."""
    return {name: _from_weights(FOLDER / f"{name}.safetensors") for name in REFERENCES}


def checked(answer: Any, count: int, origin: str) -> np.ndarray:
    """What a classifier gave as float64 (count, 10) whose rows sum to 1. Raises DataError, saying what is wrong."""
    if isinstance(answer, torch.Tensor):
        answer = answer.detach().to("cpu", torch.float64 if answer.is_floating_point() else None).numpy()
    if not isinstance(answer, np.ndarray) or answer.dtype.kind not in "fiu":
        kind = f"an array of {answer.dtype}" if isinstance(answer, np.ndarray) else type(answer).__name__
        raise DataError(f"{origin} gave {kind}: it must give probabilities as an array of numbers.")
    if answer.shape != (count, 10):
        raise DataError(f"{origin} gave shape {answer.shape} for {count} images: it must give ({count}, 10).")
    p = answer.astype(np.float64)
    if not np.isfinite(p).all():
        raise DataError(f"{origin} gave numbers that are not finite: look for nan and inf.")
    if p.min(initial=0) < 0:
        raise DataError(f"{origin} gave {p.min():.3g}: probabilities are not negative. Are these logits? Use softmax.")
    sums = p.sum(1, keepdims=True)
    far = np.abs(sums - 1).max(initial=0)
    if far > TOLERANCE:
        worst = sums.flat[np.abs(sums - 1).argmax()]
        raise DataError(f"{origin} gave a row that sums to {worst:.4g}, not to 1. Are these logits? Use softmax.")
    return p / sums


def _from_callable(spec: str, module: str, name: str) -> Classifier:
    if not {"", "."} & set(sys.path):
        sys.path.append("")  # the current directory, also when not started by python -m; last, so it hides nothing
    importlib.invalidate_caches()
    try:
        function = reduce(getattr, name.split("."), importlib.import_module(module))
    except ModuleNotFoundError as error:
        itself = f"{module}.".startswith(f"{error.name}.")
        whose = "there is no such module" if itself else f"it needs {error.name}"
        raise ArgumentError("classifier", spec, f"{whose}, here or among what is installed") from error
    except AttributeError as error:
        raise ArgumentError("classifier", spec, f"{error}") from error
    except Exception as error:  # whatever the user's module does when it is imported
        raise DataError(f"{spec} failed with {_named(error)}. Import {module} in Python to see more.") from error
    if not callable(function):
        raise ArgumentError("classifier", spec, f"{name} is of type {type(function).__name__}, which cannot be called")

    def answer(images: np.ndarray) -> Any:
        try:
            with torch.no_grad():
                return function(images.copy())
        except Exception as error:  # whatever the user's function does
            raise DataError(f"{spec} failed with {_named(error)}. {CALL}") from error

    return _in_batches(answer, spec)


def _from_weights(path: Path) -> Classifier:
    ensemble = read_classifier(path)

    def answer(images: np.ndarray) -> torch.Tensor:
        with torch.inference_mode():
            return ensemble(to_unit(torch.from_numpy(images))).mean(0)

    return _in_batches(answer, str(path))


def _from_array(path: Path) -> Classifier:
    array = _array(path)
    return lambda images: checked(array, len(images), str(path))


def _in_batches(answer: Callable[[np.ndarray], Any], origin: str) -> Classifier:
    def classify(images: np.ndarray) -> np.ndarray:
        parts = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        return np.concatenate([np.zeros((0, 10)), *(checked(answer(part), len(part), origin) for part in parts)])

    return classify


def _array(path: Path) -> np.ndarray:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Write one with numpy.savez({path.name!r}, {KEY}=p).")
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            name = KEY if KEY in found.files or len(found.files) != 1 else found.files[0]
            if name in found.files:
                return found[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: NumPy cannot read it without pickle ({error}). Save plain numbers.") from error
    listed = ", ".join(found.files) or "nothing"
    raise DataError(f"{path}: it holds {listed}. Name the array (N, 10) of probabilities {KEY!r}.")


def _named(error: Exception) -> str:
    return f"{type(error).__name__} ({str(error).strip() or 'no more said'})"
