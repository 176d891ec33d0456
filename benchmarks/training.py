"""How long it takes to train an autoencoder to the original's test MSE, by its recipe and by ours.

The floor is written here from the description of the original of 2021: four strided convolutions of few channels and a
dense layer to ten numbers with a ReLU, mirrored by a dense layer and four deconvolutions, 33,000 parameters (its
published weights have 31,000); Adam at 0.001, batches of 64, images made and scaled one by one by torchvision and a
DataLoader, epoch after epoch.
"""

import itertools
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.measure import Row
from train.autoencoder import AutoencoderRecipe, AutoencoderRegime
from train.data import Digits, load, to_float
from train.loop import Schedule, descend, evaluate, fit

TARGET = 0.0202  # the original's test MSE (facts of its published weights)
MOST_EPOCHS = 60
OURS = Schedule(epochs=1, batch=128)


class Original(nn.Module):
    """The original's autoencoder, from its description."""

    def __init__(self):
        super().__init__()
        widths = (1, 8, 16, 32, 32)
        down = [
            layer
            for a, b in itertools.pairwise(widths)
            for layer in (nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU())
        ]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(128, 10), nn.ReLU())
        self.decoder = nn.Sequential(
            nn.Linear(10, 128), nn.ReLU(), nn.Unflatten(1, (32, 2, 2)),
            nn.ConvTranspose2d(32, 32, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 1, 28, 28) -> (N, 1, 28, 28)."""
        return self.decoder(self.encoder(images))


class Images(torch.utils.data.Dataset):
    """The digits as torchvision's data set gives them: a picture each, made a tensor when it is asked for."""

    def __init__(self, digits: Digits):
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> torch.Tensor:
        from torchvision.transforms.functional import to_pil_image, to_tensor

        return to_tensor(to_pil_image(self.digits.images[index]))


def floor(train: Digits, test: Digits, most_epochs: int) -> tuple[float, float, int]:
    """Seconds until the test MSE is reached, the MSE then, and the epochs."""
    torch.manual_seed(0)
    network = Original()
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    images = to_float(test.images)
    seconds, error, epoch = 0.0, float("inf"), 0
    while error > TARGET and epoch < most_epochs:
        began = time.perf_counter()
        for batch in torch.utils.data.DataLoader(Images(train), batch_size=64, shuffle=True):
            descend(adam, F.mse_loss(network(batch), batch))
        seconds += time.perf_counter() - began
        epoch += 1
        with torch.inference_mode():
            error = F.mse_loss(network(images), images).item()
        print(f"the original's recipe, epoch {epoch}: {seconds:.0f} s, test MSE {error:.4f}", flush=True)
    return seconds, error, epoch


def ours(train: Digits, test: Digits) -> tuple[float, float]:
    """Seconds of a training that is as short as ours can be, and its test MSE."""
    torch.manual_seed(0)
    recipe = AutoencoderRecipe(AutoencoderRegime(critic_from=2), train, test, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        fit(recipe, len(train), OURS, Path(scratch), name="ours")
        seconds = time.perf_counter() - began
    return seconds, evaluate(recipe)["test_mse"]


def measure(data: Path, quick: bool) -> list[Row]:
    """Ours before and after the floor, which takes minutes."""
    train, test = load("mnist", data, train=True), load("mnist", data, train=False)
    first = ours(train, test)
    seconds, error, epochs = floor(train, test, 1 if quick else MOST_EPOCHS)
    second = ours(train, test)
    spent = (first[0] + second[0]) / 2
    reached = f"{epochs} epochs to {error:.4f}" if error <= TARGET else f"more: {error:.4f} after {epochs} epochs"
    what = f"training to a test MSE of {TARGET} (ours: {first[1]:.4f}); floor: the original's recipe ({reached})"
    return [Row(what, "s", spent, max(first[0], second[0]), seconds, spent / seconds, "≤ 0.1")]
