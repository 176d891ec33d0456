"""The time that it takes to train an autoencoder to the original's test MSE, by our training and by the original's.

The original's is written from the description of the demo of 2021: four strided convolutions of few channels and a
dense layer to ten numbers with a ReLU, mirrored by a dense layer and four deconvolutions, 33,000 parameters (its
published weights have 31,000); Adam at 0.001, batches of 64, images decoded and scaled one by one by torchvision and a
DataLoader.
"""

import itertools
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.measure import Row, Settings
from train.data import Digits, load, to_float
from train.loop import Schedule, evaluate, fit, optimizer_step
from train.stages.autoencoder import AutoencoderTask, AutoencoderTrainConfig

TARGET = 0.0202  # the original's test MSE (facts of its published weights)
MAX_EPOCHS = 60  # of the original's training
ONE_EPOCH = Schedule(epochs=1, batch=128)
NO_DISCRIMINATOR = AutoencoderTrainConfig(discriminator_from=2)  # it would join after the end


def train(settings: Settings) -> list[Row]:
    """Seconds of our training, once before and once after the original's, which takes minutes."""
    digits, test = (load("mnist", settings.data_dir, train=part) for part in (True, False))
    if settings.quick:
        digits = digits[torch.arange(2000)]
    first, our_error = train_ours(digits, test)
    seconds, error, epochs = train_original(digits, test, 1 if settings.quick else MAX_EPOCHS)
    second, _ = train_ours(digits, test)
    reached = f"{epochs} epochs to {error:.4f}" if error <= TARGET else f"more: {error:.4f} after {epochs} epochs"
    what = f"training to a test MSE of {TARGET} (ours: {our_error:.4f}); baseline: the original's recipe ({reached})"
    spent = (first + second) / 2
    return [Row(what, "s", spent, max(first, second), seconds, spent / seconds, "≤ 0.1")]


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
    """The digits as torchvision's data set gives them: each a picture that is converted to a tensor when it is read."""

    def __init__(self, digits: Digits):
        self.digits = digits

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> torch.Tensor:
        from torchvision.transforms.functional import to_pil_image, to_tensor

        return to_tensor(to_pil_image(self.digits.images[index]))


def train_original(digits: Digits, test: Digits, max_epochs: int) -> tuple[float, float, int]:
    """Seconds until the test MSE is reached, the MSE then, and the epochs."""
    torch.manual_seed(0)
    network = Original()
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    images = to_float(test.images)
    seconds, error, epoch = 0.0, float("inf"), 0
    while error > TARGET and epoch < max_epochs:
        began = time.perf_counter()
        for batch in torch.utils.data.DataLoader(Images(digits), batch_size=64, shuffle=True):
            optimizer_step(adam, F.mse_loss(network(batch), batch))
        seconds += time.perf_counter() - began
        epoch += 1
        with torch.inference_mode():
            error = F.mse_loss(network(images), images).item()
        print(f"the original's recipe, epoch {epoch}: {seconds:.0f} s, test MSE {error:.4f}", flush=True)
    return seconds, error, epoch


def train_ours(digits: Digits, test: Digits) -> tuple[float, float]:
    """Seconds of one epoch of our training without the discriminator, and its test MSE."""
    torch.manual_seed(0)
    task = AutoencoderTask(NO_DISCRIMINATOR, digits, test, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        fit(task, len(digits), ONE_EPOCH, Path(scratch), name="ours")
        seconds = time.perf_counter() - began
    return seconds, evaluate(task)["test_mse"]
