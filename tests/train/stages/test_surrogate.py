import copy
from types import SimpleNamespace

import pytest
import torch

from muddle.bundle.files import EMBEDDED
from muddle.images.pixels import decoded_pixels
from muddle.search.metrics import indecision, pair_probabilities
from train.stages import surrogate
from train.stages.autoencoder import load_trained
from train.stages.surrogate import Labeller, SurrogateTask, arrived, between, contested, judges_alone

CODES, LABELS = torch.tensor([[-1.0, 0.0], [-1.0, 0.5], [1.0, 0.0]]), torch.tensor([3, 3, 5])


def generator():
    return torch.Generator().manual_seed(0)


def boundary_at(x):
    """A surrogate that is undecided between 3 and 5 where the first axis is x."""

    def predict(codes):
        logits = torch.full((*codes.shape[:-1], 1, 10), -9.0)
        logits[..., 0, 3], logits[..., 0, 5] = x - codes[..., 0], codes[..., 0] - x
        return SimpleNamespace(teachers=logits)

    return predict


def test_codes_lie_between_codes_of_different_digits(monkeypatch):
    monkeypatch.setattr(surrogate, "JITTER", 0.0)
    codes = between(torch.eye(5), torch.tensor([0, 1, 2, 3, 3]), 500, generator=generator())
    assert codes.shape == (500, 5)
    torch.testing.assert_close(codes.sum(1), torch.ones(500))
    assert ((codes != 0).sum(1) <= 2).all()  # each is a mean of two
    assert ((codes[:, 3] == 0) | (codes[:, 4] == 0)).all()  # which are of one digit
    assert codes.amax(1).mean().item() == pytest.approx(0.75, abs=0.03)  # evenly along the lines


def test_jitter_leaves_the_lines():
    ends = torch.eye(5, 6)
    codes = between(ends, torch.arange(5), 500, generator=generator())
    assert codes[:, 5].std().item() == pytest.approx(surrogate.JITTER, rel=0.1)


@pytest.mark.parametrize("x", [-0.5, 0.25])
def test_contested_codes_lie_on_the_boundary(monkeypatch, x):
    monkeypatch.setattr(surrogate, "JITTER", 0.0)
    codes, digits = contested(boundary_at(x), CODES, LABELS, 40, generator=generator())
    assert codes[:, 0].tolist() == pytest.approx([x] * len(codes))
    assert len(codes) > 20
    assert {tuple(pair) for pair in digits.tolist()} == {(3, 5), (5, 3)}
    assert len(digits) == len(codes)


def test_a_search_by_the_surrogate_comes_nearer_to_its_boundary(muddler):
    network = copy.deepcopy(muddler.bundle.surrogate).float()
    codes = between(muddler.bundle.exemplars.codes.float(), muddler.bundle.exemplars.labels, 200, generator=generator())
    with torch.no_grad():
        digits = network.scout(codes).topk(2, dim=1).indices
        floor = muddler.bundle.likeness.quantiles[10].float()
        there = arrived(network, floor, codes, digits, generator=generator())
        doubt = [
            indecision(pair_probabilities(network(c).teachers.softmax(-1), *digits.T)).mean() for c in (codes, there)
        ]
        other = arrived(network, floor, codes, (digits + 1) % 10, generator=generator())
    assert there.shape == codes.shape
    assert doubt[1] > 1.5 * doubt[0]
    assert indecision(pair_probabilities(network(other).teachers.softmax(-1), *digits.T)).mean() < doubt[1] / 2


def test_labels_are_the_judges_log_probabilities_without_faint_ink_too_and_two_scores(muddler):
    judges, likeness = muddler.bundle.judges, muddler.bundle.likeness
    codes = muddler.bundle.exemplars.codes[:4]
    labeller = Labeller(
        load_trained(EMBEDDED),
        copy.deepcopy(judges).float(),
        SimpleNamespace(judges=[]),
        lambda x: likeness(x.double()),
    )
    with torch.inference_mode():
        labels = labeller(codes.float())
        images = decoded_pixels(muddler.bundle.autoencoder.decode(codes)) / 255
        bold = judges((images * (images >= 0.5))[:, None].double()).mean(0)
    assert labels.shape == (4, len(judges.judges) * 10 + 12)
    sums = labels[:, :-2].float().unflatten(1, (-1, 10)).exp().sum(2)
    torch.testing.assert_close(sums, torch.ones_like(sums), atol=0.01, rtol=0)
    torch.testing.assert_close(labels[:, -12:-2].exp().double(), bold, atol=0.01, rtol=0)
    assert ((labels[:, -1] > 0) & (labels[:, -1] < 1)).all()


def test_the_answers_of_the_judges_alone_are_the_first_and_what_follows_the_teachers():
    answers = torch.arange(2 * 52).reshape(2, 52)  # of four teachers
    assert judges_alone(answers, 1).equal(answers[:, [*range(10), *range(40, 52)]])
    assert judges_alone(answers, 4).equal(answers)


def test_the_scout_is_measured_by_the_mean_of_the_judges():
    torch.manual_seed(0)
    codes = torch.randn(50, 10)
    task = SurrogateTask(codes, torch.zeros(50, 32), (codes, torch.zeros(50, 32)))
    with torch.inference_mode():
        seen, scouted = task.net(codes), task.net.scout(codes).log_softmax(-1)
        scores = torch.stack([seen.likeness, seen.grey], 1)
        task.test = codes, torch.cat([scouted, scouted, scouted, scores], 1)
        found = task.evaluate()
    assert found["scout_total_variation"] == pytest.approx(0, abs=1e-6)
    assert found["total_variation"] > 0.001
