"""Stage `surrogate`: label codes through the decoder with every teacher, and distil the teachers into the surrogate.

Codes lie where searches go: on lines between codes of two different digits, and near them. A second round adds codes
for which the first surrogate predicts indecision, since searches ask about those, and the first surrogate errs there.
"""

import json

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from muddle.bundle.files import read_part, write_part
from muddle.images.pixels import decoded_pixels
from muddle.networks.autoencoder import Autoencoder
from muddle.networks.judges import Ensemble
from muddle.networks.surrogate import Prediction, Surrogate, SurrogateConfig
from muddle.search.latent import path
from muddle.search.metrics import grey_share, indecision, pair_probabilities
from train.data import to_float
from train.loop import fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import encode, load_trained
from train.stages.judge import load_teachers

RATE = 2e-3
JITTER = 0.15  # standard deviation of the noise on codes, where an axis of the code has 1
HELD_OUT = 4000  # codes to measure on, at most; a tenth of few


class Labeller:
    """Everything that looks at images: makes the labels that the surrogate is to predict from codes."""

    def __init__(self, autoencoder: Autoencoder, teachers: list[Ensemble], likeness: nn.Module):
        self.autoencoder, self.teachers, self.likeness = autoencoder, teachers, likeness

    def __call__(self, codes: Tensor) -> Tensor:
        """(N, D) -> float16 (N, J * 10 + 2): log probabilities, likeness logit, grey share."""
        images = to_float(decoded_pixels(self.autoencoder.decode(codes)))
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
        probabilities = surrogate(steps).logits.softmax(-1)
        doubt = indecision(pair_probabilities(probabilities, labels[first][:, None], labels[second][:, None]))
        return steps[torch.arange(len(steps)), doubt.argmax(1)]

    pairs = torch.randint(len(codes), (count * 2, 2), generator=generator)
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]][:count]
    steps = in_batches(most_undecided, pairs, 2000)
    spread = JITTER * torch.rand(len(steps), 1, generator=generator)
    return steps + spread * torch.randn(steps.shape, generator=generator)


class SurrogateTask:
    """Matches each teacher's probabilities, and the two scores."""

    def __init__(self, codes: Tensor, answers: Tensor, test: tuple[Tensor, Tensor]):
        self.codes, self.answers, self.test = codes, answers, test
        self.net = Surrogate(SurrogateConfig(teachers=(answers.shape[1] - 2) // 10, latent=codes.shape[1]))
        self.modules = {"surrogate": self.net}
        self.optimizers = {"surrogate": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-4)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["surrogate"], one_cycle(progress, RATE))
        loss = self._loss(self.net(self.codes[index]), self.answers[index].float())
        optimizer_step(self.optimizers["surrogate"], loss)
        return {"loss": loss.item()}

    def _loss(self, prediction: Prediction, answers: Tensor) -> Tensor:
        targets = answers[:, :-2].unflatten(1, (-1, 10))
        logs = prediction.logits.log_softmax(-1)
        divergence = F.kl_div(logs, targets, log_target=True, reduction="none").sum(-1).mean()
        likeness, grey = answers[:, -2], answers[:, -1]
        scores = F.smooth_l1_loss(prediction.likeness, likeness) + 10 * F.mse_loss(prediction.grey, grey)
        return divergence + 0.02 * scores

    def evaluate(self) -> dict[str, float]:
        codes, answers = self.test
        predicted = self.net(codes).logits.softmax(-1).mean(1)
        expected = answers[:, :-2].float().unflatten(1, (-1, 10)).exp().mean(1)
        return {
            "same_first_label": (predicted.argmax(1) == expected.argmax(1)).float().mean().item(),
            "total_variation": (predicted - expected).abs().sum(1).mean().item() / 2,
        }


def run_stage(run: Run) -> None:
    """Label two rounds of codes, train on each, and write the part."""
    train = run.digits(train=True)
    with torch.inference_mode():
        autoencoder = load_trained(run.bundle)
        codes = encode(autoencoder, train.images)
    likeness = read_part(run.bundle, "likeness").float()
    teachers: list[Ensemble] = [read_part(run.bundle, "judge").float(), load_teachers(run)]
    labeller = Labeller(autoencoder, teachers, likeness)
    generator = torch.Generator().manual_seed(run.seed_of("surrogate"))
    count = run.size.surrogate_codes // 2

    first_round = between(codes, train.labels, count, generator=generator)
    answers = label_codes(labeller, first_round, "label codes between digits")
    scout = _train(run, first_round, answers, "scout", run.size.surrogate_epochs // 3)
    with torch.inference_mode():
        second_round = contested(scout, codes, train.labels, count, generator=generator)
    both = torch.cat([first_round, second_round])
    answers = torch.cat([answers, label_codes(labeller, second_round, "label contested codes")])
    surrogate = _train(run, both, answers, "surrogate", run.size.surrogate_epochs)
    write_part(run.bundle, "surrogate", surrogate.config, surrogate)


def label_codes(labeller: Labeller, codes: Tensor, name: str) -> Tensor:
    """The labeller's answers for all codes, with a progress bar."""
    with torch.inference_mode():
        parts = [labeller(part) for part in tqdm(codes.split(500), desc=name, unit="batch", mininterval=1)]
    return torch.cat(parts)


def _train(run: Run, codes: Tensor, answers: Tensor, name: str, epochs: int) -> Surrogate:
    held_out = min(HELD_OUT, len(codes) // 10)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(run.seed))
    codes, answers = codes[order], answers[order]
    seed = run.seed_of("surrogate")
    torch.manual_seed(seed)
    task = SurrogateTask(codes[held_out:], answers[held_out:], (codes[:held_out], answers[:held_out]))
    schedule = run.schedule(epochs, seed, batch=256)
    history = fit(task, len(codes) - held_out, schedule, run.work(f"surrogate/{name}"), name=name)
    (run.work("surrogate") / f"{name}.json").write_text(json.dumps(history[-1], indent=2))
    return task.net.eval()
