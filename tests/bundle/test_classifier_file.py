import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from muddle.bundle.classifier_file import read_classifier, write_classifier
from muddle.errors import DataError
from muddle.networks.judges import Ensemble, JudgeConfig

CONFIGS = [{"kind": "strided", "width": 2}, {"kind": "pooled", "width": 2}]
IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def written(tmp_path):
    """The file of an untrained ensemble of two kinds, and the ensemble."""
    torch.manual_seed(0)
    ensemble = Ensemble([JudgeConfig(**config) for config in CONFIGS]).eval()
    write_classifier(tmp_path / "small.safetensors", ensemble)
    return tmp_path / "small.safetensors", ensemble


def test_a_classifier_comes_back_from_its_file(written):
    path, ensemble = written
    read = read_classifier(path)
    with torch.no_grad():
        torch.testing.assert_close(read(IMAGES.double()), ensemble(IMAGES).double(), atol=0.002, rtol=0)
    assert [judge.config for judge in read.judges] == [judge.config for judge in ensemble.judges]
    assert not read.training
    assert {(t.dtype, t.requires_grad) for t in read.parameters()} == {(torch.float64, False)}
    assert {t.dtype for t in load_file(path).values()} == {torch.float16}


OTHERS = {
    "no networks named": (lambda t: t, None),
    "nonsense": (lambda t: t, "nonsense"),
    "a number": (lambda t: t, "[3]"),
    "an unknown kind": (lambda t: t, json.dumps([{"kind": "magic", "width": 2}])),
    "an unknown setting": (lambda t: t, json.dumps([{"kind": "strided", "width": 2, "depth": 3}])),
    "another width": (lambda t: t, json.dumps([{"kind": "strided", "width": 3}, CONFIGS[1]])),
    "fewer networks than tensors": (lambda t: t, json.dumps(CONFIGS[:1])),
    "no network": (lambda t: {}, "[]"),
    "a missing tensor": (lambda t: dict(list(t.items())[1:]), json.dumps(CONFIGS)),
    "a superfluous tensor": (lambda t: {**t, "more": torch.ones(1)}, json.dumps(CONFIGS)),
    "tensors that are not finite": (
        lambda t: {key: torch.full_like(tensor, torch.inf) for key, tensor in t.items()},
        json.dumps(CONFIGS),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_refused(written, name):
    path, _ = written
    change, judges = OTHERS[name]
    save_file(change(load_file(path)), path, {"judges": judges} if judges else None)
    with pytest.raises(DataError) as caught:
        read_classifier(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("data", [None, b"", b"junk" * 99], ids=["absent", "empty", "junk"])
def test_what_is_no_safetensors_file_is_refused(tmp_path, data):
    path = tmp_path / "one.safetensors"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_classifier(path)
    assert str(caught.value).startswith(str(path))
