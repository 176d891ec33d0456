"""A data set for PyTorch's loaders."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import Dataset

from muddle.dataset.spec import Rows


class TorchDataset(Dataset):
    """Rows as pairs of an image, float32 (1, 28, 28) in [0, 1], white on black, and its soft label, float32 (10,).

    transform: what to apply to each image, such as torchvision's Normalize((0.1307,), (0.3081,)). `rows` has the rest.
    """

    def __init__(self, rows: Rows, transform: Callable[[Tensor], Tensor] | None = None):
        self.rows, self.transform = rows, transform
        self._images = torch.from_numpy(rows.image)[:, None].float() / 255
        self._soft_labels = torch.from_numpy(rows.soft_label).float()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        image = self._images[i]
        return (self.transform(image) if self.transform else image), self._soft_labels[i]
