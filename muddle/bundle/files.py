"""Read and write the bundle, the folder of everything that is published: read strictly, and without pickle."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors
from torch import Tensor, nn

from muddle.errors import BundleError
from muddle.networks.autoencoder import Autoencoder, AutoencoderConfig
from muddle.networks.judges import Ensemble, JudgeConfig
from muddle.networks.likeness import Likeness, LikenessConfig
from muddle.networks.projection import Inverse, Projection, ProjectionConfig
from muddle.networks.student import Student, StudentConfig
from muddle.networks.surrogate import Surrogate, SurrogateConfig
from muddle.result import Origin

FORMAT = 5
NETWORKS: dict[str, Callable[[Any], nn.Module]] = {  # builds each network from its entry in config.json
    "autoencoder": lambda config: Autoencoder(AutoencoderConfig(**config)),
    "judge": lambda configs: Ensemble([JudgeConfig(**config) for config in configs]),
    "likeness": lambda config: Likeness(LikenessConfig(**config)),
    "surrogate": lambda config: Surrogate(SurrogateConfig(**config)),
    "student": lambda config: Student(StudentConfig(**config)),
    "projection": lambda config: Projection(ProjectionConfig(**config)),
    "inverse": lambda config: Inverse(ProjectionConfig(**config)),
}
NO_MUDDLES_NEED = ("inverse",)  # which is for the atlas alone
TENSOR_FILES = (*NETWORKS, "centroids", "exemplars")
HASHED = (*(f"{name}.safetensors" for name in TENSOR_FILES), "report.json")  # config.json has their sha256
FILES = (*HASHED, "config.json")  # without which there is no bundle
CARD = "README.md"  # prose, which may be edited or left out
EMBEDDED = Path(__file__).parent.parent / "assets"
MANY_CHANNELS = 16
COUNTER = "num_batches_tracked"  # of batch norm: useless after training
REMEDY = "Fetch it again, or build it with python -m train."


@dataclass(frozen=True, eq=False)
class Exemplars:
    """The real images that sources and partners are drawn from."""

    images: Tensor  # uint8 (N, 28, 28)
    labels: Tensor  # int64 (N,)
    codes: Tensor  # float64 (N, D)

    def indices_of(self, digit: int) -> Tensor:
        """The indices of one digit's exemplars: int64 (n,)."""
        return (self.labels == digit).nonzero().squeeze(1)


@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded bundle. Its networks are in evaluation mode and in float64, so that results do not depend on batch
    shapes, threads or the processor."""

    autoencoder: Autoencoder
    judges: Ensemble
    likeness: Likeness
    surrogate: Surrogate
    student: Student
    projection: Projection
    inverse: Inverse
    centroids: Tensor  # float64 (10, D)
    exemplars: Exemplars
    report: dict[str, Any]  # the measured results
    card: str  # the model card, Markdown; "" if there is none
    provenance: dict[str, Any]
    sample: dict[str, str] | None  # a muddle's query and the sha256 of its 784 pixels, for verification
    files: dict[str, str]  # the sha256 of every file but config.json and the card
    fingerprint: str  # sha256 of what muddles depend on: the networks' configs and the tensors, not report and card
    folder: Path  # that it was read from
    origin: Origin = field(default_factory=lambda: Origin("embedded"))


def write_part(folder: Path, name: str, config: Any, module: nn.Module) -> None:
    """Write a network as `<name>.safetensors`, its floats rounded to float16, and its config into config.json."""
    write_tensors(folder, name, as_stored(module))
    configs = [dataclasses.asdict(c) for c in config] if isinstance(config, list) else dataclasses.asdict(config)
    update_config(folder, **{name: configs})


def as_stored(module: nn.Module) -> dict[str, Tensor]:
    """A network's tensors in their stored form: floats rounded to float16, without batch norm's counters."""
    kept = {key: t for key, t in module.state_dict().items() if not key.endswith(COUNTER)}
    return {key: t.half() if t.is_floating_point() else t for key, t in kept.items()}


def write_tensors(folder: Path, name: str, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write tensors as `<name>.safetensors`, with optional metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {key: t.detach().cpu().contiguous() for key, t in tensors.items()}
    (folder / f"{name}.safetensors").write_bytes(format_tensors(contiguous, metadata))


def update_config(folder: Path, **entries: Any) -> None:
    """Set entries of config.json, which is created if it is missing."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) if path.exists() else {"format": FORMAT}
    path.write_text(json.dumps({**config, **entries}, indent=2) + "\n")


def read_part(folder: Path, name: str) -> nn.Module:
    """Read one network of a bundle that may be unfinished: float64, in evaluation mode. Checks all but the hashes."""
    tensors = read_tensors(folder, name)
    return _network(folder, name, json.loads((folder / "config.json").read_bytes()), tensors)


def read_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Read the stored tensors in `<name>.safetensors` of a bundle that may be unfinished."""
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        raise BundleError(path, "the file is missing", f"Run python -m train {name} first.")
    return _tensors(path, path.read_bytes())


def seal(folder: Path) -> None:
    """Finish a bundle: enter the hashes of its files into its config.json, and then that of the config itself."""
    update_config(folder, files={name: _sha256((folder / name).read_bytes()) for name in HASHED})
    update_config(folder, seal=_seal_of(json.loads((folder / "config.json").read_bytes())))


def copy_bundle(source: Path, folder: Path) -> None:
    """Copy the files of a bundle, and its card if it has one, into a folder, which is created if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.samefile(source):
        return
    for name in (*FILES, CARD):
        if name != CARD or (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def load_bundle(folder: Path, origin: Origin | None = None) -> Bundle:
    """Read a bundle and check it.

    Raises BundleError when a file is missing, changed or not a bundle's, or when a tensor is missing, superfluous, of
    another shape, or not finite.
    """
    config_path = folder / "config.json"
    if not config_path.is_file():
        raise BundleError(folder, "there is no bundle here: config.json is missing", REMEDY)
    config = _parse_config(config_path, config_path.read_bytes())
    contents = {name: _read(folder / name, config["files"][name]) for name in HASHED}
    card = folder / CARD
    paths = {name: folder / f"{name}.safetensors" for name in TENSOR_FILES}
    tensors = {name: _tensors(path, contents[path.name]) for name, path in paths.items()}
    networks: dict[str, Any] = {name: _network(folder, name, config, tensors[name]) for name in NETWORKS}
    autoencoder = networks["autoencoder"]
    shapes = {"images": (None, 28, 28), "labels": (None,), "codes": (None, autoencoder.config.latent)}
    exemplars = _check_shapes(folder / "exemplars.safetensors", tensors["exemplars"], shapes)
    centroids = _check_shapes(
        folder / "centroids.safetensors", tensors["centroids"], {"centroids": (10, autoencoder.config.latent)}
    )
    return Bundle(
        autoencoder=autoencoder,
        judges=networks["judge"],
        likeness=networks["likeness"],
        surrogate=networks["surrogate"],
        student=networks["student"],
        projection=networks["projection"],
        inverse=networks["inverse"],
        centroids=centroids["centroids"].double(),
        exemplars=Exemplars(exemplars["images"], exemplars["labels"].long(), exemplars["codes"].double()),
        report=json.loads(contents["report.json"]),
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        provenance=config["provenance"],
        sample=config["sample"],
        files={name: config["files"][name] for name in HASHED},
        fingerprint=_fingerprint(config),
        folder=folder,
        origin=origin or Origin("embedded" if folder == EMBEDDED else str(folder)),
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _seal_of(config: dict[str, Any]) -> str:
    return _sha256(json.dumps({k: v for k, v in config.items() if k != "seal"}, sort_keys=True).encode())


def _fingerprint(config: dict[str, Any]) -> str:
    parts = {name: config[name] for name in NETWORKS if name not in NO_MUDDLES_NEED}
    hashes = {name: config["files"][f"{name}.safetensors"] for name in TENSOR_FILES if name not in NO_MUDDLES_NEED}
    return _sha256(json.dumps([parts, hashes], sort_keys=True).encode())


def _parse_config(path: Path, data: bytes) -> dict[str, Any]:
    try:
        config = json.loads(data)
        version = config["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(path, "the config is not a bundle's", REMEDY) from error
    if version != FORMAT:
        problem = f"format {version!r} is not the format {FORMAT} that this version reads"
        raise BundleError(path, problem, "Update MNIST Muddle or the bundle.")
    expected = {"format", *NETWORKS, "provenance", "sample", "files", "seal"}
    if wrong := expected ^ config.keys():
        raise BundleError(path, f"missing or unknown keys: {', '.join(sorted(wrong))}", REMEDY)
    if not isinstance(config["files"], dict) or config["files"].keys() - {CARD} != set(HASHED):  # once it was hashed
        raise BundleError(path, "the list of files is not a bundle's", REMEDY)
    if config["seal"] != _seal_of(config):
        raise BundleError(path, "the file has changed: its seal is not the hash of its entries", REMEDY)
    return config


def _read(path: Path, expected: str) -> bytes:
    if not path.is_file():
        raise BundleError(path, "the file is missing", REMEDY)
    data = path.read_bytes()
    if _sha256(data) != expected:
        raise BundleError(path, "the file has changed: its sha256 is not the one in config.json", REMEDY)
    return data


def _tensors(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        tensors = parse_tensors(data)
    except SafetensorError as error:
        raise BundleError(path, f"not a safetensors file ({error})", REMEDY) from error
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise BundleError(path, f"tensor {key} is not finite", REMEDY)
    return tensors


def _network(folder: Path, name: str, config: dict[str, Any], tensors: dict[str, Tensor]) -> nn.Module:
    try:
        module = NETWORKS[name](config[name]).double().eval().requires_grad_(False)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise BundleError(folder / "config.json", f"its entry {name!r} cannot be built ({error})", REMEDY) from error
    path = folder / f"{name}.safetensors"
    own = {key: t for key, t in module.state_dict().items() if not key.endswith(COUNTER)}
    _check_shapes(path, tensors, {key: tuple(t.shape) for key, t in own.items()})
    module.load_state_dict(tensors, strict=False)  # complete but for batch counters: checked above
    for layer in module.modules():  # float64 over many channels is up to four times as fast in this layout
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.in_channels >= MANY_CHANNELS:
            layer.to(memory_format=torch.channels_last)
    return module


def _check_shapes(path: Path, tensors: dict[str, Tensor], shapes: dict[str, tuple]) -> dict[str, Tensor]:
    if wrong := sorted(shapes.keys() ^ tensors.keys()):
        state = "missing" if wrong[0] in shapes else "not expected"
        raise BundleError(path, f"tensor {wrong[0]} is {state}", REMEDY)
    for key, shape in shapes.items():
        actual = tuple(tensors[key].shape)
        if len(actual) != len(shape) or any(n not in (None, m) for m, n in zip(actual, shape, strict=True)):
            raise BundleError(path, f"tensor {key} has shape {actual}, not {shape}", REMEDY)
    return tensors
