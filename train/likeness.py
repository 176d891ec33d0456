"""Stage `likeness`: real digits against what goes wrong, apart from judges and panel."""

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from muddle.networks.autoencoder import Autoencoder
from muddle.bundle.files import write_part
from muddle.networks.likeness import PERCENTILES, Likeness, LikenessConfig
from muddle.images.pixels import to_pixels
from train import sheets
from train.autoencoder import encode, load_trained
from train.data import Digits, to_float
from train.job import Job
from train.loop import best_device, descend, fit, in_batches, one_cycle, set_rate

RATE = 2e-3


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Strong pixel noise over the digit, or noise alone."""
    grain = torch.rand(images.shape, generator=generator)
    share = 0.3 + 0.7 * torch.rand(len(images), 1, 1, 1, generator=generator)
    return torch.lerp(images, grain, share)


def blend(images: Tensor, generator: torch.Generator) -> Tensor:
    """Three digits laid over each other: their mean, or their maximum."""
    three = torch.stack([images, *(images[torch.randperm(len(images), generator=generator)] for _ in range(2))])
    soft = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(soft, three.mean(0) * 1.5, three.amax(0)).clamp(0, 1)


def erase(images: Tensor, generator: torch.Generator) -> Tensor:
    """A band across the middle rubbed out: strokes with a gap."""
    position = torch.arange(28) - torch.randint(8, 19, (len(images), 1), generator=generator)
    gap = position.abs() <= torch.randint(2, 5, (len(images), 1), generator=generator)  # (N, 28)
    upright = torch.rand(len(images), 1, 1, generator=generator) < 0.5
    mask = torch.where(upright, gap[:, :, None].expand(-1, 28, 28), gap[:, None, :].expand(-1, 28, 28))
    return images * ~mask[:, None]


def tear(images: Tensor, generator: torch.Generator) -> Tensor:
    """The lower half slid sideways."""
    shift = torch.randint(4, 9, (), generator=generator) * (2 * torch.randint(0, 2, (), generator=generator) - 1)
    cut = int(torch.randint(10, 18, (), generator=generator))
    return torch.cat([images[:, :, :cut], images[:, :, cut:].roll(int(shift), 3)], 2)


def double(images: Tensor, generator: torch.Generator) -> Tensor:
    """The digit and its own shifted ghost."""
    dy, dx = (int(v) for v in torch.randint(3, 7, (2,), generator=generator))
    return torch.maximum(images, images.roll((dy, dx), (2, 3)))


def off_centre(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pushed to the edge of the picture."""
    dy, dx = (int(v) for v in torch.randint(6, 11, (2,), generator=generator))
    return images.roll((dy, -dx), (2, 3))


def blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """The grey of an average: strokes smeared by a box filter."""
    return F.avg_pool2d(F.avg_pool2d(images, 3, 1, 1), 3, 1, 1).mul(1.6).clamp(0, 1)


def specks(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pieces of the digit shuffled: 7 x 7 tiles in a new order."""
    tiles = F.unfold(images, 7, stride=7)  # (N, 49, 16)
    return F.fold(tiles[:, :, torch.randperm(16, generator=generator)], 28, 7, stride=7)


DAMAGE = (noise, blend, erase, tear, double, off_centre, blur, specks)


class BadDigits:
    """Makes what is not a digit: damaged real ones, and decoded codes far from any digit's or between three."""

    def __init__(self, autoencoder: Autoencoder, images: Tensor):
        self.autoencoder = autoencoder.requires_grad_(False)
        self.spread = encode(autoencoder, images).std(0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Each image gone wrong in one way: (N, 1, 28, 28) -> the same shape."""
        return torch.cat([part for _, part in self.kinds(images, generator)])

    def kinds(self, images: Tensor, generator: torch.Generator) -> list[tuple[str, Tensor]]:
        """The same, by name: every kind gets its share of the images."""
        parts = images.chunk(len(DAMAGE) + 2)
        named = [(f.__name__, f(part, generator)) for f, part in zip(DAMAGE, parts, strict=False)]
        lost = torch.randn(len(parts[-2]), len(self.spread), generator=generator) * self.spread * 3
        between = torch.stack([self.autoencoder.encode(parts[-1].roll(i, 0)) for i in range(3)]).mean(0)
        blurred = blur(self.autoencoder.decode(between), generator)
        return [*named, ("far codes", self.autoencoder.decode(lost)), ("blurred decodings", blurred)]


class LikenessRecipe:
    """Binary cross-entropy on as many real as bad images.

    Half of the real ones are reconstructions: what is asked is the shape of a digit, not the hand of the decoder.
    """

    def __init__(self, bad: BadDigits, train: Digits, test: Digits, device: torch.device):
        self.bad, self.train, self.test, self.device = bad, train, test, device
        self.net = Likeness(LikenessConfig()).to(device)
        self.modules = {"likeness": self.net}
        self.optimizers = {"likeness": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=0.01)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["likeness"], one_cycle(progress, RATE))
        images = to_float(self.train.images[index])
        with torch.no_grad():
            wrong = self.bad(images[torch.randperm(len(images), generator=generator)], generator)
            right = torch.cat([images[::2], self.bad.autoencoder(images[1::2])])
        logits = self.net(torch.cat([right, wrong]).to(self.device))
        targets = torch.cat([torch.ones(len(right)), torch.zeros(len(wrong))]).to(self.device)
        loss = F.binary_cross_entropy_with_logits(logits, targets * 0.98 + 0.01)
        descend(self.optimizers["likeness"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        real, bad = score(self.net, self.bad, self.test, self.device)
        return {"auc": auc(real, torch.cat(list(bad.values())))}


def score(net: Likeness, bad: BadDigits, test: Digits, device: torch.device) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits of held-out real digits (N,), and of held-out bad ones by kind."""
    generator = torch.Generator().manual_seed(0)
    images = to_float(test.images)

    def logits(x: Tensor) -> Tensor:
        return in_batches(lambda part: net(part.to(device)).cpu(), x)

    shuffled = images[torch.randperm(len(images), generator=generator)]
    return logits(images), {name: logits(part) for name, part in bad.kinds(shuffled, generator)}


def auc(positive: Tensor, negative: Tensor) -> float:
    """The chance that a positive scores above a negative: 1 is perfect, 0.5 clueless (Mann and Whitney, 1947)."""
    order = torch.cat([positive, negative]).argsort().argsort().double() + 1
    n, m = len(positive), len(negative)
    return ((order[:n].sum() - n * (n + 1) / 2) / (n * m)).item()


def run(job: Job) -> None:
    """Trains, sets the percentiles on real test digits, and writes how it ranks held-out good and bad."""
    train, test = job.digits(train=True), job.digits(train=False)
    torch.manual_seed(job.seed + 300)
    with torch.inference_mode():
        bad = BadDigits(load_trained(job.bundle), train.images[:5000])
    recipe = LikenessRecipe(bad, train, test, best_device())
    work = job.work("likeness")
    fit(recipe, len(train), job.schedule(job.plan.likeness_epochs, seed_offset=300), work, name="likeness")
    net = recipe.net.cpu().eval()
    with torch.inference_mode():
        real, wrong = score(net, bad, test, torch.device("cpu"))
        net.quantiles.copy_(torch.quantile(real, torch.linspace(0, 1, PERCENTILES)))
        fifth = net.quantiles[5]
        ranks = {
            "auc": auc(real, torch.cat(list(wrong.values()))),
            "auc_by_kind": {name: auc(real, part) for name, part in wrong.items()},
            "bad_above_5th_percentile": {name: (part > fifth).float().mean().item() for name, part in wrong.items()},
        }
        generator = torch.Generator().manual_seed(1)
        shown = [part[:20] for _, part in bad.kinds(to_float(test.images[:200]), generator)]
    (work / "likeness.json").write_text(json.dumps(ranks, indent=2))
    sheets.sheet(to_pixels(torch.cat(shown)), work / "bad.png", columns=20)
    write_part(job.bundle, "likeness", net.config, net)
