"""Stage `surrogate`: label codes through the decoder with every teacher, and teach the surrogate to say the same.

Codes lie where searches go: on lines between codes of two different digits, and near them. A second round adds codes
where the first surrogate believes classifiers to be undecided, since that is where it is asked, and where it errs.
"""

import dataclasses
import json

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from muddle.networks.autoencoder import Autoencoder
from muddle.bundle.files import read_part, write_part
from muddle.networks.judges import Ensemble
from muddle.search.latent import path
from muddle.search.metrics import grey_share
from muddle.images.pixels import to_pixels
from muddle.networks.surrogate import Prediction, Surrogate, SurrogateConfig, of_pair, undecided
from train.autoencoder import encode, load_trained
from train.data import to_float
from train.job import Job
from train.judge import load_teachers
from train.loop import descend, fit, in_batches, one_cycle, set_rate

RATE = 2e-3
JITTER = 0.15  # standard deviation of the noise on codes, where an axis of the code has 1


class Labeller:
    """Everything that looks at images: what the surrogate is to predict from their codes."""

    def __init__(self, autoencoder: Autoencoder, teachers: list[Ensemble], likeness: nn.Module):
        self.autoencoder, self.teachers, self.likeness = autoencoder, teachers, likeness

    def __call__(self, codes: Tensor) -> Tensor:
        """(N, D) -> float16 (N, J * 10 + 2): log probabilities, likeness logit, grey share."""
        images = to_float(to_pixels(self.autoencoder.decode(codes)))
        logs = [judge(images).log_softmax(1) for ensemble in self.teachers for judge in ensemble.judges]
        extra = torch.stack([self.likeness(images), grey_share(images)], 1)
        return torch.cat([*logs, extra], 1).half()


def between(codes: Tensor, labels: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Codes between random pairs of different digits, with jitter: (count, D)."""
    first = torch.randint(len(codes), (count * 2,), generator=generator)
    second = torch.randint(len(codes), (count * 2,), generator=generator)
    differ = (labels[first] != labels[second]).nonzero()[:count, 0]
    first, second = first[differ], second[differ]
    t = torch.rand(len(first), 1, generator=generator)
    jitter = JITTER * torch.randn(len(first), codes.shape[1], generator=generator)
    return torch.lerp(codes[first], codes[second], t) + jitter


def contested(surrogate: Surrogate, codes: Tensor, labels: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """The most undecided of 17 steps between random pairs of different digits, with jitter: (count, D)."""

    def most_undecided(index: Tensor) -> Tensor:
        first, second = index.T
        steps = path(codes[first], codes[second], 17)
        doubt = undecided(of_pair(surrogate(steps).logits.softmax(-1), labels[first][:, None], labels[second][:, None]))
        return steps[torch.arange(len(steps)), doubt.argmax(1)]

    pairs = torch.randint(len(codes), (count * 2, 2), generator=generator)
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]][:count]
    found = in_batches(most_undecided, pairs, 2000)
    spread = JITTER * torch.rand(len(found), 1, generator=generator)
    return found + spread * torch.randn(found.shape, generator=generator)


class SurrogateRecipe:
    """Matches each teacher's probabilities, and the two scores."""

    def __init__(self, codes: Tensor, answers: Tensor, test: tuple[Tensor, Tensor]):
        self.codes, self.answers, self.test = codes, answers, test
        self.net = Surrogate(SurrogateConfig(teachers=(answers.shape[1] - 2) // 10, latent=codes.shape[1]))
        self.modules = {"surrogate": self.net}
        self.optimizers = {"surrogate": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-4)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["surrogate"], one_cycle(progress, RATE))
        loss = self._loss(self.net(self.codes[index]), self.answers[index].float())
        descend(self.optimizers["surrogate"], loss)
        return {"loss": loss.item()}

    def _loss(self, said: Prediction, answers: Tensor) -> Tensor:
        wanted = answers[:, :-2].unflatten(1, (-1, 10))
        divergence = F.kl_div(said.logits.log_softmax(-1), wanted, log_target=True, reduction="none").sum(-1).mean()
        scores = F.smooth_l1_loss(said.likeness, answers[:, -2]) + 10 * F.mse_loss(said.grey, answers[:, -1])
        return divergence + 0.02 * scores

    def evaluate(self) -> dict[str, float]:
        codes, answers = self.test
        said, wanted = self.net(codes), answers[:, :-2].float().unflatten(1, (-1, 10)).exp()
        mean_said, mean_wanted = said.logits.softmax(-1).mean(1), wanted.mean(1)
        return {
            "same_first_label": (mean_said.argmax(1) == mean_wanted.argmax(1)).float().mean().item(),
            "total_variation": (mean_said - mean_wanted).abs().sum(1).mean().item() / 2,
        }


def run(job: Job) -> None:
    """Labels two rounds of codes, trains on each, and writes the part."""
    train = job.digits(train=True)
    with torch.inference_mode():
        autoencoder = load_trained(job.bundle)
        codes = encode(autoencoder, train.images)
    likeness = read_part(job.bundle, "likeness").float()
    teachers: list[Ensemble] = [read_part(job.bundle, "judge").float(), load_teachers(job)]
    labeller = Labeller(autoencoder, teachers, likeness)
    generator = torch.Generator().manual_seed(job.seed + 700)
    count = job.plan.surrogate_codes // 2

    spread = between(codes, train.labels, count, generator=generator)
    answers = label(labeller, spread, "label codes between digits")
    scout = _train(job, spread, answers, "scout", job.plan.surrogate_epochs // 3)
    with torch.inference_mode():
        doubtful = contested(scout, codes, train.labels, count, generator=generator)
    spread = torch.cat([spread, doubtful])
    answers = torch.cat([answers, label(labeller, doubtful, "label contested codes")])
    surrogate = _train(job, spread, answers, "surrogate", job.plan.surrogate_epochs)
    write_part(job.bundle, "surrogate", surrogate.config, surrogate)


def label(labeller: Labeller, codes: Tensor, name: str) -> Tensor:
    """The labeller's answers for all codes, with a progress bar."""
    with torch.inference_mode():
        parts = [labeller(part) for part in tqdm(codes.split(500), desc=name, unit="batch", mininterval=1)]
    return torch.cat(parts)


def _train(job: Job, codes: Tensor, answers: Tensor, name: str, epochs: int) -> Surrogate:
    held_out = min(4000, len(codes) // 10)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(job.seed))
    codes, answers = codes[order], answers[order]
    torch.manual_seed(job.seed + 700)
    recipe = SurrogateRecipe(codes[held_out:], answers[held_out:], (codes[:held_out], answers[:held_out]))
    schedule = dataclasses.replace(job.schedule(epochs, seed_offset=700), batch=256)
    history = fit(recipe, len(codes) - held_out, schedule, job.work(f"surrogate/{name}"), name=name)
    (job.work("surrogate") / f"{name}.json").write_text(json.dumps(history[-1], indent=2))
    return recipe.net.eval()
