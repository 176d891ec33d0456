"""Stage `panel`: train the tuning panel, classifiers of architectures that no judge has, which no search ever sees.

Settings of the search are chosen by it, so no result is quoted from it: that is for the stage `sealed`. Each member
maps images in [0, 1], (N, 1, 28, 28), to logits, (N, 10).
"""

import json
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from train.classifier import ClassifierSpec, TrainConfig, grade, logits_of, train_classifier
from train.run import Run


def _vgg() -> nn.Module:
    """Pairs of 3 x 3 convolutions between max-pools (Simonyan and Zisserman, 2015), with batch norm."""

    def pair(inputs: int, outputs: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for width in (inputs, outputs):
            layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        return [*layers, nn.MaxPool2d(2)]

    return nn.Sequential(
        *pair(1, 16), *pair(16, 32), *pair(32, 64),
        nn.Flatten(), nn.Linear(64 * 9, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10),
    )  # fmt: skip


def _tutorial() -> nn.Module:
    """Two unpadded 3 x 3 convolutions, one max-pool, dropout and a dense layer: the shape of many first lessons."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(32 * 36, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip


def _lenet5() -> nn.Module:
    """LeNet-5 with its tanh and mean-pooling (LeCun et al., 1998)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def _wide_dense() -> nn.Module:
    """One wide hidden layer with heavy dropout."""
    return nn.Sequential(
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(784, 800), nn.ReLU(), nn.Dropout(0.5), nn.Linear(800, 10)
    )


class _DenseBlock(nn.Module):
    """Each layer takes the outputs of all before it (Huang et al., 2017)."""

    def __init__(self, inputs: int, growth: int, layers: int):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(inputs + i * growth), nn.ReLU(), nn.Conv2d(inputs + i * growth, growth, 3, padding=1)
            )
            for i in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


def _densenet() -> nn.Module:
    """Two dense blocks with a pooled transition between them."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), _DenseBlock(16, 12, 3), nn.Conv2d(52, 32, 1), nn.AvgPool2d(2),
        _DenseBlock(32, 12, 3), nn.BatchNorm2d(68), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(68, 10),
    )  # fmt: skip


class _Attention(nn.Module):
    """Two transformer layers on the image's 14 bands of 2 rows (after Dosovitskiy et al., 2021)."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.embed = nn.Linear(56, width)
        self.position = nn.Parameter(0.02 * torch.randn(1, 14, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, images: Tensor) -> Tensor:
        bands = images.flatten(1).unflatten(1, (14, 56))  # (N, 14, 56)
        return self.head(self.layers(self.embed(bands) + self.position).mean(1))


PANEL = (
    ClassifierSpec("vgg", _vgg, TrainConfig(rate=2e-3), 5),
    ClassifierSpec("tutorial", _tutorial, TrainConfig(rate=1e-3), 6),
    ClassifierSpec("lenet5", _lenet5, TrainConfig(affine=0.5, rate=2e-3), 10),
    ClassifierSpec("wide-dense", _wide_dense, TrainConfig(rate=1e-3), 10),
    ClassifierSpec("densenet", _densenet, TrainConfig(affine=0.5, rate=3e-3), 6),
    ClassifierSpec("attention", _Attention, TrainConfig(affine=0.3, rate=1e-3), 12),
)


def run_stage(run: Run) -> None:
    """Train the panel, and store it and the grades of its members outside the bundle."""
    grades = train_networks(PANEL, run, "panel", "panel")
    (run.work("panel") / "panel.json").write_text(json.dumps(grades, indent=2))


def load_panel(run: Run) -> list[nn.Module]:
    """The trained panel, in evaluation mode."""
    return load_networks(PANEL, run, "panel")


def train_networks(specs: Sequence[ClassifierSpec], run: Run, name: str, seeds: str) -> dict[str, dict[str, float]]:
    """Train networks, store them in the work folder of that name, and return their grades; `seeds`: see Run.seed_of."""
    train, held_out = run.split_for_classifiers()
    test, work, grades = run.digits(train=False), run.work(name), {}
    for number, spec in enumerate(specs):
        options = {"seed": run.seed_of(seeds, number), "folder": work / spec.name, "label": f"{name} {spec.name}"}
        net = train_classifier(spec, train, held_out, run, **options)
        torch.save(net.state_dict(), work / f"{spec.name}.pt")
        grades[spec.name] = grade(net, test)
    return grades


def load_networks(specs: Sequence[ClassifierSpec], run: Run, name: str) -> list[nn.Module]:
    """What `train_networks` stored, in evaluation mode."""
    nets = []
    for spec in specs:
        net = spec.build()
        net.load_state_dict(torch.load(run.work(name) / f"{spec.name}.pt", weights_only=True))
        nets.append(net.eval())
    return nets


def panel_probabilities(panel: Sequence[nn.Module], images: Tensor) -> Tensor:
    """Each member's probabilities: uint8 (N, 28, 28) -> float32 (J, N, 10)."""
    return torch.stack([logits_of(net, images).softmax(1) for net in panel])
