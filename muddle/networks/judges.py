"""The judges: small classifiers of different architectures, and the ensemble of them that scores an image.

A `JudgeConfig` describes a judge, `KINDS` holds the architectures. All map images in [0, 1], (N, 1, 28, 28), to logits,
(N, 10).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

CLASSES = 10


@dataclass(frozen=True)
class JudgeConfig:
    """A judge's architecture, `kind`, which is a key of `KINDS`, and the `width` that scales its layers."""

    kind: str
    width: int

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of judge {self.kind!r}: choose from {', '.join(KINDS)}")


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size, but for the stride, with batch norm and SiLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.SiLU())


class MaxPool(nn.Module):
    """nn.MaxPool2d(2) for planes with even sides, ten times as fast on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """The maximum of each square of 2 x 2: (N, C, 2 H, 2 W) -> (N, C, H, W)."""
        rows = torch.maximum(x[..., ::2, :], x[..., 1::2, :])
        return torch.maximum(rows[..., ::2], rows[..., 1::2])


def _strided(w: int) -> nn.Module:
    """Three strided 3 x 3 convolutions and global average pooling."""
    return nn.Sequential(
        conv(1, w, stride=2), conv(w, 2 * w, stride=2), conv(2 * w, 4 * w, stride=2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * w, CLASSES),
    )  # fmt: skip


def _pooled(w: int) -> nn.Module:
    """5 x 5 convolutions with max-pooling and a dense layer, after LeNet-5 (LeCun et al., 1998)."""
    return nn.Sequential(
        nn.Conv2d(1, w, 5, padding=2), nn.ReLU(), MaxPool(),
        nn.Conv2d(w, 2 * w, 5), nn.ReLU(), MaxPool(),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(2 * w * 25, 4 * w), nn.ReLU(), nn.Linear(4 * w, CLASSES),
    )  # fmt: skip


def _dense(w: int) -> nn.Module:
    """Two hidden dense layers on the pixels, without a convolution."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, w), nn.BatchNorm1d(w), nn.SiLU(), nn.Dropout(0.2),
        nn.Linear(w, w), nn.BatchNorm1d(w), nn.SiLU(), nn.Linear(w, CLASSES),
    )  # fmt: skip


def _coarse(w: int) -> nn.Module:
    """Convolutions on the image at half its resolution."""
    return nn.Sequential(
        nn.AvgPool2d(2), conv(1, w), conv(w, 2 * w, stride=2), conv(2 * w, 2 * w),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(2 * w * 49, CLASSES),
    )  # fmt: skip


def _wide_kernel(w: int) -> nn.Module:
    """A layer of 9 x 9 stroke detectors, a 5 x 5 layer, and dense layers on the flattened feature maps."""
    return nn.Sequential(
        conv(1, w, kernel=9, stride=2), conv(w, w, kernel=5, stride=2),
        nn.Flatten(), nn.Linear(w * 49, 2 * w), nn.SiLU(), nn.Linear(2 * w, CLASSES),
    )  # fmt: skip


class _Residual(nn.Module):
    """A residual block, x + f(x), where f is two 3 x 3 convolutions (He et al., 2016)."""

    def __init__(self, w: int):
        super().__init__()
        self.body = nn.Sequential(conv(w, w), conv(w, w))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _residual(w: int) -> nn.Module:
    """Two strided layers, then two residual blocks at a quarter of the resolution."""
    return nn.Sequential(
        conv(1, w, kernel=5, stride=2), conv(w, 2 * w, stride=2), _Residual(2 * w), _Residual(2 * w),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8 * w, CLASSES),
    )  # fmt: skip


class _Mix(nn.Module):
    """A mixer block: an MLP across the patches, then one across the channels (Tolstikhin et al., 2021)."""

    def __init__(self, patches: int, w: int):
        super().__init__()
        self.across = nn.Sequential(nn.Linear(patches, 2 * patches), nn.GELU(), nn.Linear(2 * patches, patches))
        self.within = nn.Sequential(nn.LayerNorm(w), nn.Linear(w, 2 * w), nn.GELU(), nn.Linear(2 * w, w))
        self.norm = nn.LayerNorm(w)

    def forward(self, x: Tensor) -> Tensor:  # (N, patches, w)
        x = x + self.across(self.norm(x).mT).mT
        return x + self.within(x)


class _Mixer(nn.Module):
    """Two mixer blocks on 4 x 4 patches."""

    def __init__(self, w: int):
        super().__init__()
        self.patches = nn.Conv2d(1, w, 4, stride=4)
        self.blocks = nn.Sequential(_Mix(49, w), _Mix(49, w), nn.LayerNorm(w))
        self.head = nn.Linear(w, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).mT  # (N, 49, w)
        return self.head(self.blocks(tokens).mean(1))


KINDS: dict[str, Callable[[int], nn.Module]] = {
    "strided": _strided,
    "pooled": _pooled,
    "dense": _dense,
    "coarse": _coarse,
    "wide-kernel": _wide_kernel,
    "residual": _residual,
    "mixer": _Mixer,
}


class Judge(nn.Module):
    """A classifier with the temperature that calibrates it (Guo et al., 2017)."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        self.net = KINDS[config.kind](config.width)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        """Calibrated logits: (N, 1, 28, 28) in [0, 1] -> (N, 10)."""
        return self.net(images) / self.temperature


class Ensemble(nn.Module):
    """An ensemble of judges that keeps each one's probabilities, as their agreement matters as much as their mean."""

    def __init__(self, configs: list[JudgeConfig]):
        super().__init__()
        self.judges = nn.ModuleList(Judge(config) for config in configs)

    def forward(self, images: Tensor) -> Tensor:
        """Each judge's probabilities: (N, 1, 28, 28) in [0, 1] -> (J, N, 10)."""
        return torch.stack([judge(images).softmax(1) for judge in self.judges])
