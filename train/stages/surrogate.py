"""Stage `surrogate`: label codes through the decoder with every teacher, and distil the judges into the surrogate.

Codes lie where searches go: on lines between codes of two different digits, and near them. A second round adds codes
for which the first surrogate predicts indecision, and a third those at which a search by the second one arrives: a
search finds what a surrogate errs about, so that is where the next one must know better (Ross et al., 2011).
"""

import json
from collections.abc import Callable

import torch
from torch import Tensor, nn
from tqdm import tqdm

from muddle.bundle.files import read_part, write_part
from muddle.images.pixels import decoded_pixels
from muddle.networks.autoencoder import Autoencoder
from muddle.networks.judges import Ensemble
from muddle.networks.surrogate import EXTRA, Surrogate, SurrogateConfig
from muddle.search.latent import path
from muddle.search.metrics import grey_share, indecision, pair_probabilities, without_faint
from muddle.search.objective import Goal
from muddle.search.scorer import LIKENESS_FLOOR
from muddle.search.strategies import NEAR, ascend
from train.data import to_float
from train.distil import LEAST, distance, divergence, errors, split, teachers_mean, total_variation
from train.loop import fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import encode, load_trained
from train.stages.judge import load_teachers

RATE, BATCH = 2e-3, 512
JITTER = 0.15  # standard deviation of the noise on codes, where an axis of the code has 1
LABELLED = "labelled.pt"  # all codes with their labels, for the student


class Labeller:
    """Everything that looks at images: makes the labels that surrogate and student are to predict."""

    def __init__(self, autoencoder: Autoencoder, judges: Ensemble, others: Ensemble, likeness: nn.Module):
        self.autoencoder, self.judges, self.likeness = autoencoder, judges, likeness
        self.teachers = [*judges.judges, *others.judges]

    def __call__(self, codes: Tensor) -> Tensor:
        """(N, D) -> float16 (N, J * 10 + 12): the teachers' log probabilities, those of the judges' mean without faint
        ink, likeness logit, grey share."""
        images = to_float(decoded_pixels(self.autoencoder.decode(codes)))
        logs = [judge(images).log_softmax(1) for judge in self.teachers]
        bold = self.judges(without_faint(images)).mean(0).clamp_min(LEAST).log()
        extra = torch.stack([self.likeness(images), grey_share(images)], 1)
        return torch.cat([*logs, bold, extra], 1).half()


def between(codes: Tensor, labels: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Codes between random pairs of different digits, with jitter: (count, D)."""
    first = torch.randint(len(codes), (count * 2,), generator=generator)
    second = torch.randint(len(codes), (count * 2,), generator=generator)
    differ = (labels[first] != labels[second]).nonzero()[:count, 0]
    first, second = first[differ], second[differ]
    t = torch.rand(len(first), 1, generator=generator)
    jitter = JITTER * torch.randn(len(first), codes.shape[1], generator=generator)
    return torch.lerp(codes[first], codes[second], t) + jitter


def contested(
    surrogate: Surrogate, codes: Tensor, labels: Tensor, count: int, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The most undecided of 17 steps between random pairs of different digits, with jitter, (count, D), and these
    digits, int64 (count, 2)."""

    def most_undecided(index: Tensor) -> Tensor:
        first, second = index.T
        steps = path(codes[first], codes[second], 17)
        probabilities = surrogate(steps).teachers.softmax(-1)
        doubt = indecision(pair_probabilities(probabilities, labels[first][:, None], labels[second][:, None]))
        return steps[torch.arange(len(steps)), doubt.argmax(1)]

    pairs = torch.randint(len(codes), (count * 2, 2), generator=generator)
    pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]][:count]
    steps = in_batches(most_undecided, pairs, 2000)
    spread = JITTER * torch.rand(len(steps), 1, generator=generator)
    return steps + spread * torch.randn(steps.shape, generator=generator), labels[pairs]


def arrived(
    surrogate: Surrogate, floor: Tensor, codes: Tensor, digits: Tensor, *, generator: torch.Generator
) -> Tensor:
    """Where searches by the surrogate come from codes (N, D), each between its two digits (N, 2), half of them for an
    even balance; `floor` is the likeness logit below which likeness counts: (N, D)."""

    class Predictor:
        @staticmethod
        def predict_with_vjp(part: Tensor):
            seen, vjp = surrogate.with_vjp(part)
            return seen._replace(likeness=seen.likeness - floor), vjp

    def climb(index: Tensor) -> Tensor:
        even, other = torch.rand(2, len(index), 1, generator=generator)
        goal = Goal(*digits[index].T[..., None], torch.where(even < 0.5, 0.5, other))
        steps = int(torch.randint(1, 2 * NEAR.steps, (), generator=generator))
        return ascend(codes[index][:, None], goal, Predictor, NEAR._replace(steps=steps))[:, 0]

    return in_batches(climb, torch.arange(len(codes)), 500)


class SurrogateTask:
    """Imitates the judges by codes alone; the scout, their mean."""

    def __init__(self, codes: Tensor, answers: Tensor, test: tuple[Tensor, Tensor]):
        self.codes, self.answers, self.test = codes, answers, test
        self.net = Surrogate(SurrogateConfig(teachers=(answers.shape[1] - EXTRA) // 10, latent=codes.shape[1]))
        self.modules = {"surrogate": self.net}
        self.optimizers = {"surrogate": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-4)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["surrogate"], one_cycle(progress, RATE))
        codes, answers = self.codes[index], self.answers[index].float()
        loss = divergence(self.net.scout(codes), teachers_mean(answers)) + distance(self.net(codes), answers)
        optimizer_step(self.optimizers["surrogate"], loss)
        return {"loss": loss.item()}

    def evaluate(self) -> dict[str, float]:
        codes, answers = self.test
        scouted = self.net.scout(codes).softmax(-1)
        rough = total_variation(scouted, teachers_mean(answers).exp())
        return {**errors(self.net(codes), answers), "scout_total_variation": rough}


def run_stage(run: Run) -> None:
    """Label three rounds of codes, train on what there is after each, write the part, and store the labels."""
    train = run.digits(train=True)
    with torch.inference_mode():
        autoencoder = load_trained(run.bundle)
        codes = encode(autoencoder, train.images)
    judges, likeness = (read_part(run.bundle, name).float() for name in ("judge", "likeness"))
    labeller = Labeller(autoencoder, judges, load_teachers(run), likeness)
    generator = torch.Generator().manual_seed(run.seed_of("surrogate"))
    given = codes, train.labels, run.size.surrogate_codes // 3
    floor, epochs = likeness.quantiles[LIKENESS_FLOOR], run.size.surrogate_epochs
    rounds: dict[str, Callable[[Surrogate | None], Tensor]] = {  # by the network that is trained after each
        "first": lambda _: between(*given, generator=generator),
        "second": lambda first: contested(first, *given, generator=generator)[0],
        "surrogate": lambda second: arrived(
            second, floor, *contested(second, *given, generator=generator), generator=generator
        ),
    }
    surrogate, known, answers = None, [], []
    for name, propose in rounds.items():
        with torch.inference_mode():
            known.append(propose(surrogate))
        answers.append(label_codes(labeller, known[-1], f"label codes, {name}"))
        judged = judges_alone(torch.cat(answers), len(judges.judges))
        surrogate = _train(run, torch.cat(known), judged, name, epochs if name == "surrogate" else epochs // 4)
    torch.save((torch.cat(known), torch.cat(answers)), run.work("surrogate") / LABELLED)
    write_part(run.bundle, "surrogate", surrogate.config, surrogate)


def label_codes(labeller: Labeller, codes: Tensor, name: str) -> Tensor:
    """The labeller's answers for all codes, with a progress bar."""
    with torch.inference_mode():
        parts = [labeller(part) for part in tqdm(codes.split(500), desc=name, unit="batch", mininterval=1)]
    return torch.cat(parts)


def judges_alone(answers: Tensor, judges: int) -> Tensor:
    """The answers without those of the other teachers: (N, J * 10 + 12) -> (N, judges * 10 + 12)."""
    return torch.cat([answers[:, : judges * 10], answers[:, -EXTRA:]], 1)


def _train(run: Run, codes: Tensor, answers: Tensor, name: str, epochs: int) -> Surrogate:
    train, test = split(codes, answers, run.seed)
    seed = run.seed_of("surrogate")
    torch.manual_seed(seed)
    task = SurrogateTask(*train, test)
    schedule = run.schedule(epochs, seed, batch=min(BATCH, len(train[0]) // 2))
    history = fit(task, len(train[0]), schedule, run.work(f"surrogate/{name}"), name=name)
    (run.work("surrogate") / f"{name}.json").write_text(json.dumps(history[-1], indent=2))
    return task.net.eval()
