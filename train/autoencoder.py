"""Stage `autoencoder`: mean squared error first, then a critic that asks for real strokes.

Pixels alone teach the grey of an average. In the last part of the training a discriminator sees reconstructions and
decoded mixes of two codes beside real digits, and the decoder learns to fool it (Goodfellow et al., 2014; on
interpolations: Berthelot et al., 2019). All through, the codes of a batch are held near mean 0 and covariance 1,
so that every latent axis is used and distances mean the same along each.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from muddle.networks.autoencoder import Autoencoder, AutoencoderConfig
from muddle.bundle.files import read_part, write_part
from muddle.search.latent import centroid_matrix, nearest_centroid
from muddle.search.metrics import grey_share
from train import sheets
from train.data import Digits, to_float
from train.job import Job
from train.loop import best_device, descend, fit, in_batches, one_cycle, set_rate


@dataclass(frozen=True)
class AutoencoderRegime:
    """How the autoencoder is taught."""

    rate: float = 3e-3
    critic_rate: float = 1e-3
    critic_from: float = 0.8  # share of the training after which the critic joins
    critic_weight: float = 0.0015
    whitening_weight: float = 1e-3


class Critic(nn.Module):
    """The discriminator: logit of "a real digit". Spectral norms keep it smooth (Miyato et al., 2018)."""

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


class AutoencoderRecipe:
    """One step of both players on one batch."""

    def __init__(self, regime: AutoencoderRegime, train: Digits, test: Digits, device: torch.device):
        self.regime, self.train, self.test, self.device = regime, train, test, device
        self.autoencoder = Autoencoder(AutoencoderConfig()).to(device, memory_format=torch.channels_last)
        self.critic = Critic().to(device, memory_format=torch.channels_last)
        self.modules = {"autoencoder": self.autoencoder, "critic": self.critic}
        self.optimizers = {
            "autoencoder": torch.optim.Adam(self.autoencoder.parameters(), betas=(0.9, 0.99)),
            "critic": torch.optim.Adam(self.critic.parameters(), betas=(0.5, 0.99)),
        }

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        regime = self.regime
        images = to_float(self.train.images[index].to(self.device)).contiguous(memory_format=torch.channels_last)
        set_rate(self.optimizers["autoencoder"], one_cycle(progress, regime.rate))
        codes = self.autoencoder.encode(images)
        adversarial = progress >= regime.critic_from
        if adversarial:
            half = len(codes) // 2
            weight = 0.5 * torch.rand(half, 1, generator=generator).to(self.device)
            mixes = torch.lerp(codes[:half], codes[:half].flip(0), weight)
            decoded = self.autoencoder.decode(torch.cat([codes, mixes]))
            fakes = decoded[half:]  # the later reconstructions and every mix
            self._teach_critic(images, fakes.detach(), progress)
        else:
            decoded = self.autoencoder.decode(codes)
        error = F.mse_loss(decoded[: len(images)], images)
        loss = error + regime.whitening_weight * whitening_loss(codes)
        if adversarial:
            loss = loss + regime.critic_weight * F.softplus(-self.critic(fakes)).mean()
        descend(self.optimizers["autoencoder"], loss)
        return {"train_mse": error.item()}

    def _teach_critic(self, real: Tensor, fake: Tensor, progress: float) -> None:
        part = (progress - self.regime.critic_from) / (1 - self.regime.critic_from)
        set_rate(self.optimizers["critic"], one_cycle(part, self.regime.critic_rate, warmup=0.02))
        loss = F.softplus(-self.critic(real)).mean() + F.softplus(self.critic(fake)).mean()
        descend(self.optimizers["critic"], loss)

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


def run(job: Job) -> None:
    """Trains, and writes the part, the loss curve and a sheet of reconstructions."""
    train, test = job.digits(train=True), job.digits(train=False)
    torch.manual_seed(job.seed)
    recipe = AutoencoderRecipe(AutoencoderRegime(), train, test, best_device())
    work = job.work("autoencoder")
    history = fit(recipe, len(train), job.schedule(job.plan.autoencoder_epochs), work, name="autoencoder")
    autoencoder = recipe.autoencoder.cpu().eval()
    write_part(job.bundle, "autoencoder", autoencoder.config, autoencoder)
    sheets.loss_curve(history, ("train_mse", "test_mse"), work / "loss.png")
    sheets.reconstructions(autoencoder, test.images[:60], work / "reconstructions.png")


def load_trained(bundle: Path) -> Autoencoder:
    """The trained autoencoder as it is published, in float32 and evaluation mode."""
    return read_part(bundle, "autoencoder").float()
