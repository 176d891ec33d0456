"""Read and write a classifier as one safetensors file whose metadata names its networks: strictly, without pickle."""

import dataclasses
import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from muddle.bundle.files import COUNTER, as_stored, write_tensors
from muddle.errors import DataError
from muddle.networks.judges import Ensemble, JudgeConfig

METADATA_KEY = "judges"  # its value: a list of JudgeConfig as JSON
REMEDY = "Give a file that python -m train reference wrote, or your own classifier as package.module:callable."


def write_classifier(path: Path, ensemble: Ensemble) -> None:
    """Write an ensemble, of one network or more, as a `*.safetensors` file, floats rounded to float16."""
    configs = [dataclasses.asdict(judge.config) for judge in ensemble.judges]
    write_tensors(path.parent, path.stem, as_stored(ensemble), {METADATA_KEY: json.dumps(configs)})


def read_classifier(path: Path) -> Ensemble:
    """Read a file that `write_classifier` wrote: float64, in evaluation mode.

    Raises DataError when the file is missing or another kind of file, and when a tensor is missing, superfluous, of
    another shape, or not finite.
    """
    configs, tensors = _contents(path)
    if configs is None:
        raise DataError(f"{path}: this is no classifier of ours: its metadata has no entry {METADATA_KEY!r}. {REMEDY}")
    try:
        ensemble = Ensemble([JudgeConfig(**config) for config in json.loads(configs)])
        missing, superfluous = ensemble.load_state_dict(tensors, strict=False)  # both are checked below
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise DataError(f"{path}: its networks cannot be built ({reason}). {REMEDY}") from error
    problems = [f"tensor {key} is missing" for key in missing if not key.endswith(COUNTER)]
    problems += [f"tensor {key} is not expected" for key in superfluous]
    problems += [f"tensor {key} is not finite" for key, t in tensors.items() if not t.isfinite().all()]
    if problems or not ensemble.judges:
        raise DataError(f"{path}: {(problems or ['it holds no network'])[0]}. {REMEDY}")
    return ensemble.double().eval().requires_grad_(False)


def _contents(path: Path) -> tuple[str | None, dict[str, Tensor]]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. {REMEDY}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return (file.metadata() or {}).get(METADATA_KEY), tensors
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: this is not a safetensors file ({error}). {REMEDY}") from error
