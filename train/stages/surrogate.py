"""Stage `surrogate`: label codes through the decoder with every teacher, and distil the teachers into the surrogate.

Codes lie where searches go: on lines between codes of two different digits, and near them. A second round adds codes
for which the first surrogate predicts indecision, and a third those at which a search by the second one arrives: a
search finds what a surrogate errs about, so that is where the next one must know better (Ross et al., 2011).
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
from muddle.search.metrics import grey_share, indecision, pair_probabilities, without_faint
from muddle.search.objective import Goal
from muddle.search.scorer import LIKENESS_FLOOR
from muddle.search.strategies import NEAR, ascend
from train.data import to_float
from train.loop import fit, in_batches, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import encode, load_trained
from train.stages.judge import load_teachers

RATE, BATCH = 2e-3, 512
JITTER = 0.15  # standard deviation of the noise on codes, where an axis of the code has 1
LEAST = 1e-6  # of a probability whose logarithm is taken
HELD_OUT = 4000  # codes to measure on, at most; a tenth of few


class Labeller:
    """Everything that looks at images: makes the labels that the surrogate is to predict from codes."""

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


def contested(surrogate: Surrogate, codes: Tensor, labels: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """The most undecided of 17 steps between random pairs of different digits, with jitter: (count, D)."""

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
    return steps + spread * torch.randn(steps.shape, generator=generator)


def arrived(surrogate: Surrogate, floor: Tensor, codes: Tensor, *, generator: torch.Generator) -> Tensor:
    """Where searches by the surrogate come from codes (N, D), each between the two digits that it finds likeliest, half
    of them for an even balance; `floor` is the likeness logit below which likeness counts: (N, D)."""

    class Predictor:
        @staticmethod
        def predict_with_vjp(part: Tensor):
            seen, vjp = surrogate.with_vjp(part)
            return seen._replace(likeness=seen.likeness - floor), vjp

    def climb(part: Tensor) -> Tensor:
        digit, target = surrogate.scout(part).topk(2, dim=1).indices.T[..., None]
        even, other = torch.rand(2, len(part), 1, generator=generator)
        goal = Goal(digit, target, torch.where(even < 0.5, 0.5, other))
        steps = int(torch.randint(1, 2 * NEAR.steps, (), generator=generator))
        return ascend(part[:, None], goal, Predictor, NEAR._replace(steps=steps))[:, 0]

    return in_batches(climb, codes, 500)


class SurrogateTask:
    """Matches each teacher's probabilities and log odds, and the two scores; the scout, the teachers' mean."""

    def __init__(self, codes: Tensor, answers: Tensor, test: tuple[Tensor, Tensor]):
        self.codes, self.answers, self.test = codes, answers, test
        self.net = Surrogate(SurrogateConfig(teachers=(answers.shape[1] - 12) // 10, latent=codes.shape[1]))
        self.modules = {"surrogate": self.net}
        self.optimizers = {"surrogate": torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=1e-4)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["surrogate"], one_cycle(progress, RATE))
        codes, answers = self.codes[index], self.answers[index].float()
        loss = _divergence(self.net.scout(codes), _mean(answers)) + self._loss(self.net(codes), answers)
        optimizer_step(self.optimizers["surrogate"], loss)
        return {"loss": loss.item()}

    def _loss(self, prediction: Prediction, answers: Tensor) -> Tensor:
        targets = answers[:, :-2].unflatten(1, (-1, 10))
        pair = _mean(answers).topk(2, dim=1).indices[:, None].expand(-1, targets.shape[1], -1)
        odds, wanted = (logits.gather(2, pair).diff(dim=2) for logits in (prediction.logits, targets))
        likeness, grey = answers[:, -2], answers[:, -1]
        scores = F.smooth_l1_loss(prediction.likeness, likeness) + 10 * F.mse_loss(prediction.grey, grey)
        return _divergence(prediction.logits, targets) + 0.05 * F.smooth_l1_loss(odds, wanted) + 0.02 * scores

    def evaluate(self) -> dict[str, float]:
        codes, answers = self.test
        found, expected = self.net(codes), _mean(answers).exp()
        predicted, scouted = found.teachers.softmax(-1).mean(1), self.net.scout(codes).softmax(-1)
        pair = expected.topk(2, dim=1).indices
        odds, wanted = (p.gather(1, pair).clamp_min(LEAST).log().diff(dim=1) for p in (predicted, expected))
        return {
            "same_first_label": (predicted.argmax(1) == expected.argmax(1)).float().mean().item(),
            "total_variation": (predicted - expected).abs().sum(1).mean().item() / 2,
            "scout_total_variation": (scouted - expected).abs().sum(1).mean().item() / 2,
            "log_odds_error": (odds - wanted).abs().mean().item(),  # of the two likeliest digits
        }


def _mean(answers: Tensor) -> Tensor:
    """The logarithm of the teachers' mean probabilities: (N, J * 10 + 12) -> (N, 10)."""
    return answers[:, :-12].float().unflatten(1, (-1, 10)).exp().mean(1).clamp_min(LEAST).log()


def _divergence(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of KL(targets || softmax of the logits), log probabilities (..., 10)."""
    return F.kl_div(logits.log_softmax(-1), targets, log_target=True, reduction="none").sum(-1).mean()


def run_stage(run: Run) -> None:
    """Label three rounds of codes, train on what there is after each, and write the part."""
    train = run.digits(train=True)
    with torch.inference_mode():
        autoencoder = load_trained(run.bundle)
        codes = encode(autoencoder, train.images)
    likeness = read_part(run.bundle, "likeness").float()
    labeller = Labeller(autoencoder, read_part(run.bundle, "judge").float(), load_teachers(run), likeness)
    generator = torch.Generator().manual_seed(run.seed_of("surrogate"))
    count, epochs = run.size.surrogate_codes // 3, run.size.surrogate_epochs

    known = [between(codes, train.labels, count, generator=generator)]
    answers = [label_codes(labeller, known[0], "label codes between digits")]
    first = _train(run, known, answers, "first", epochs // 4)
    with torch.inference_mode():
        known.append(contested(first, codes, train.labels, count, generator=generator))
    answers.append(label_codes(labeller, known[1], "label contested codes"))
    second = _train(run, known, answers, "second", epochs // 4)
    with torch.inference_mode():
        start = contested(second, codes, train.labels, count, generator=generator)
        known.append(arrived(second, likeness.quantiles[LIKENESS_FLOOR], start, generator=generator))
    answers.append(label_codes(labeller, known[2], "label searched codes"))
    surrogate = _train(run, known, answers, "surrogate", epochs)
    write_part(run.bundle, "surrogate", surrogate.config, surrogate)


def label_codes(labeller: Labeller, codes: Tensor, name: str) -> Tensor:
    """The labeller's answers for all codes, with a progress bar."""
    with torch.inference_mode():
        parts = [labeller(part) for part in tqdm(codes.split(500), desc=name, unit="batch", mininterval=1)]
    return torch.cat(parts)


def _train(run: Run, known: list[Tensor], labels: list[Tensor], name: str, epochs: int) -> Surrogate:
    codes, answers = torch.cat(known), torch.cat(labels)
    held_out = min(HELD_OUT, len(codes) // 10)
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(run.seed))
    codes, answers = codes[order], answers[order]
    seed = run.seed_of("surrogate")
    torch.manual_seed(seed)
    task = SurrogateTask(codes[held_out:], answers[held_out:], (codes[:held_out], answers[:held_out]))
    schedule = run.schedule(epochs, seed, batch=min(BATCH, len(codes) // 2))
    history = fit(task, len(codes) - held_out, schedule, run.work(f"surrogate/{name}"), name=name)
    (run.work("surrogate") / f"{name}.json").write_text(json.dumps(history[-1], indent=2))
    return task.net.eval()
