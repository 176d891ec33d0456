"""Stage `autoencoder`: train on the mean squared error first, then against a discriminator for crisp strokes.

The error of pixels alone teaches the grey of an average. In the last part of the training a discriminator sees
reconstructions and decoded mixes of two codes beside real digits, and the decoder learns to fool it (Goodfellow et
al., 2014; on interpolations: Berthelot et al., 2019). From first to last, the codes of a batch are held near mean 0
and covariance 1, so that every latent axis is used and distances mean the same along each.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from muddle.bundle.files import read_part, write_part
from muddle.networks.autoencoder import Autoencoder, AutoencoderConfig
from muddle.search.latent import centroid_matrix, nearest_centroid
from muddle.search.metrics import grey_share
from train import sheets
from train.data import Digits, to_float
from train.loop import best_device, fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run


@dataclass(frozen=True)
class AutoencoderTrainConfig:
    """How the autoencoder is trained; rates are peak learning rates."""

    rate: float = 3e-3
    discriminator_rate: float = 1e-3
    discriminator_from: float = 0.8  # share of the training after which the discriminator joins
    discriminator_weight: float = 0.0015
    whitening_weight: float = 1e-3


class Discriminator(nn.Module):
    """Logit of "a real digit". Spectral norms keep it smooth (Miyato et al., 2018)."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(2 * width, 2 * width, 3, padding=1)), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(2 * width * 49, 1),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in [0, 1] -> (N,)."""
        return self.net(images).squeeze(1)


def whitening_loss(codes: Tensor) -> Tensor:
    """How far the codes of a batch are from mean 0 and covariance 1: (N, D) -> scalar, 0 or more."""
    mean = codes.mean(0)
    centred = codes - mean
    covariance = centred.T @ centred / len(codes)
    identity = torch.eye(codes.shape[1], device=codes.device)
    return ((covariance - identity) ** 2).sum() / codes.shape[1] + (mean**2).mean()


class AutoencoderTask:
    """Each step trains both players on one batch."""

    def __init__(self, config: AutoencoderTrainConfig, train: Digits, test: Digits, device: torch.device):
        self.config, self.train, self.test, self.device = config, train, test, device
        self.autoencoder = Autoencoder(AutoencoderConfig()).to(device, memory_format=torch.channels_last)
        self.discriminator = Discriminator().to(device, memory_format=torch.channels_last)
        self.modules = {"autoencoder": self.autoencoder, "discriminator": self.discriminator}
        self.optimizers = {
            "autoencoder": torch.optim.Adam(self.autoencoder.parameters(), betas=(0.9, 0.99)),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), betas=(0.5, 0.99)),
        }

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        config = self.config
        images = to_float(self.train.images[index].to(self.device)).contiguous(memory_format=torch.channels_last)
        set_rate(self.optimizers["autoencoder"], one_cycle(progress, config.rate))
        codes = self.autoencoder.encode(images)
        adversarial = progress >= config.discriminator_from
        if adversarial:
            half = len(codes) // 2
            weight = 0.5 * torch.rand(half, 1, generator=generator).to(self.device)
            mixes = torch.lerp(codes[:half], codes[:half].flip(0), weight)
            decoded = self.autoencoder.decode(torch.cat([codes, mixes]))
            fakes = decoded[half:]  # the later reconstructions and every mix
            self._discriminator_step(images, fakes.detach(), progress)
        else:
            decoded = self.autoencoder.decode(codes)
        error = F.mse_loss(decoded[: len(images)], images)
        loss = error + config.whitening_weight * whitening_loss(codes)
        if adversarial:
            loss = loss + config.discriminator_weight * F.softplus(-self.discriminator(fakes)).mean()
        optimizer_step(self.optimizers["autoencoder"], loss)
        return {"train_mse": error.item()}

    def _discriminator_step(self, real: Tensor, fake: Tensor, progress: float) -> None:
        part = (progress - self.config.discriminator_from) / (1 - self.config.discriminator_from)
        set_rate(self.optimizers["discriminator"], one_cycle(part, self.config.discriminator_rate, warmup=0.02))
        loss = F.softplus(-self.discriminator(real)).mean() + F.softplus(self.discriminator(fake)).mean()
        optimizer_step(self.optimizers["discriminator"], loss)

    def evaluate(self) -> dict[str, float]:
        some = self.train[torch.arange(min(len(self.train), 10_000))]  # enough for the centroids
        return measure(self.autoencoder, some, self.test, self.device)


def measure(autoencoder: Autoencoder, train: Digits, test: Digits, device: torch.device) -> dict[str, float]:
    """Test MSE per pixel, nearest-centroid accuracy, least over most used axis (variance), grey share of decodings."""
    images = to_float(test.images)
    codes = encode(autoencoder, test.images, device)
    decoded = in_batches(lambda z: autoencoder.decode(z.to(device)).cpu(), codes)
    centroids = centroid_matrix(encode(autoencoder, train.images, device), train.labels)
    variance = codes.var(0)
    return {
        "test_mse": F.mse_loss(decoded, images).item(),
        "nearest_centroid_accuracy": (nearest_centroid(codes, centroids) == test.labels).float().mean().item(),
        "axis_variance_ratio": (variance.min() / variance.max()).item(),
        "grey_share": grey_share(decoded).mean().item(),
    }


def encode(autoencoder: Autoencoder, images: Tensor, device: torch.device = torch.device("cpu")) -> Tensor:
    """Codes on the CPU: uint8 (N, 28, 28) -> (N, D)."""
    return in_batches(lambda x: autoencoder.encode(to_float(x.to(device))).cpu(), images)


def run_stage(run: Run) -> None:
    """Train, and write the part, the loss curve and a sheet of reconstructions."""
    train, test = run.digits(train=True), run.digits(train=False)
    seed, work = run.seed_of("autoencoder"), run.work("autoencoder")
    torch.manual_seed(seed)
    task = AutoencoderTask(AutoencoderTrainConfig(), train, test, best_device())
    history = fit(task, len(train), run.schedule(run.size.autoencoder_epochs, seed), work, name="autoencoder")
    autoencoder = task.autoencoder.cpu().eval()
    write_part(run.bundle, "autoencoder", autoencoder.config, autoencoder)
    sheets.loss_curve(history, ("train_mse", "test_mse"), work / "loss.png")
    sheets.reconstructions(autoencoder, test.images[:60], work / "reconstructions.png")


def load_trained(bundle: Path) -> Autoencoder:
    """The trained autoencoder as it is published, in float32 and evaluation mode."""
    return read_part(bundle, "autoencoder").float()
