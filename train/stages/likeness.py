"""Stage `likeness`: tell real digits from damaged ones, apart from judges and panel."""

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from muddle.bundle.files import write_part
from muddle.images.pixels import to_pixels
from muddle.networks.autoencoder import Autoencoder
from muddle.networks.likeness import PERCENTILES, Likeness, LikenessConfig
from train import sheets
from train.damage import DAMAGE, blur
from train.data import Digits, to_float
from train.loop import best_device, fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import encode, load_trained

RATE = 2e-3


class BadDigits:
    """Makes negative examples: damaged digits, and decoded codes far from every digit's or between three."""

    def __init__(self, autoencoder: Autoencoder, images: Tensor):
        self.autoencoder = autoencoder.requires_grad_(False)
        self.spread = encode(autoencoder, images).std(0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Damage each image in one way: (N, 1, 28, 28) -> the same shape."""
        return torch.cat([part for _, part in self.by_kind(images, generator)])

    def by_kind(self, images: Tensor, generator: torch.Generator) -> list[tuple[str, Tensor]]:
        """The same, with the name of each kind of damage, which gets its share of the images."""
        parts = images.chunk(len(DAMAGE) + 2)
        named = [(f.__name__, f(part, generator)) for f, part in zip(DAMAGE, parts, strict=False)]
        far = torch.randn(len(parts[-2]), len(self.spread), generator=generator) * self.spread * 3
        between = torch.stack([self.autoencoder.encode(parts[-1].roll(i, 0)) for i in range(3)]).mean(0)
        blurred = blur(self.autoencoder.decode(between), generator)
        return [*named, ("far codes", self.autoencoder.decode(far)), ("blurred decodings", blurred)]


class LikenessTask:
    """Binary cross-entropy on as many real as bad images.

    Half of the real ones are reconstructions, so that the network looks for the shape of a digit and not for the
    decoder's strokes.
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
            bad = self.bad(images[torch.randperm(len(images), generator=generator)], generator)
            real = torch.cat([images[::2], self.bad.autoencoder(images[1::2])])
        logits = self.net(torch.cat([real, bad]).to(self.device))
        targets = torch.cat([torch.ones(len(real)), torch.zeros(len(bad))]).to(self.device)
        loss = F.binary_cross_entropy_with_logits(logits, targets * 0.98 + 0.01)
        optimizer_step(self.optimizers["likeness"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        real, bad = real_and_bad_logits(self.net, self.bad, self.test, self.device)
        return {"auc": auc(real, torch.cat(list(bad.values())))}


def real_and_bad_logits(
    net: Likeness, bad: BadDigits, test: Digits, device: torch.device
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits of real test digits (N,), and those of damaged test digits by kind."""
    generator = torch.Generator().manual_seed(0)
    images = to_float(test.images)

    def logits(x: Tensor) -> Tensor:
        return in_batches(lambda part: net(part.to(device)).cpu(), x)

    shuffled = images[torch.randperm(len(images), generator=generator)]
    return logits(images), {name: logits(part) for name, part in bad.by_kind(shuffled, generator)}


def auc(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative; 1 is perfect, 0.5 clueless."""
    from sklearn.metrics import roc_auc_score

    labels = torch.cat([torch.ones(len(positive)), torch.zeros(len(negative))])
    return float(roc_auc_score(labels.numpy(), torch.cat([positive, negative]).numpy()))


def run_stage(run: Run) -> None:
    """Train, set the percentiles on real test digits, and write the part and how it ranks real and bad test digits."""
    train, test = run.digits(train=True), run.digits(train=False)
    seed, work = run.seed_of("likeness"), run.work("likeness")
    torch.manual_seed(seed)
    with torch.inference_mode():
        bad = BadDigits(load_trained(run.bundle), train.images[:5000])
    task = LikenessTask(bad, train, test, best_device())
    fit(task, len(train), run.schedule(run.size.likeness_epochs, seed), work, name="likeness")
    net = task.net.cpu().eval()
    with torch.inference_mode():
        real, by_kind = real_and_bad_logits(net, bad, test, torch.device("cpu"))
        net.quantiles.copy_(torch.quantile(real, torch.linspace(0, 1, PERCENTILES)))
        fifth = net.quantiles[5]
        ranks = {
            "auc": auc(real, torch.cat(list(by_kind.values()))),
            "auc_by_kind": {name: auc(real, part) for name, part in by_kind.items()},
            "bad_above_5th_percentile": {name: (part > fifth).float().mean().item() for name, part in by_kind.items()},
        }
        generator = torch.Generator().manual_seed(1)
        shown = [part[:20] for _, part in bad.by_kind(to_float(test.images[:200]), generator)]
    (work / "likeness.json").write_text(json.dumps(ranks, indent=2))
    sheets.sheet(to_pixels(torch.cat(shown)), work / "bad.png", columns=20)
    write_part(run.bundle, "likeness", net.config, net)
