import json

import pytest
import torch
from torch import nn

from train import loop
from train.stages.autoencoder import AutoencoderTask, AutoencoderTrainConfig


class Interrupted(Exception):
    pass


def weights_after(folder, digits, interrupt_in=None, epochs=3):
    """The autoencoder's weights after a short training, which may be interrupted once past that progress."""
    few = digits[torch.arange(0, len(digits), 20)]  # 50
    torch.manual_seed(0)
    task = AutoencoderTask(AutoencoderTrainConfig(discriminator_from=0.5), few, few, torch.device("cpu"))
    plain = task.step

    def step(index, progress, generator):
        if interrupt_in is not None and progress > interrupt_in:
            raise Interrupted
        return plain(index, progress, generator)

    task.step = step
    loop.fit(task, len(few), loop.Schedule(epochs, batch=10), folder, name="test")
    return task.autoencoder.state_dict()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, digits):
    """The weights after a training without a break."""
    return weights_after(tmp_path_factory.mktemp("whole"), digits)


@pytest.mark.parametrize("moment", [0.2, 0.5, 0.8])  # in the first epoch, before the discriminator, and after it
def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(tmp_path, digits, whole, moment):
    with pytest.raises(Interrupted):
        weights_after(tmp_path, digits, interrupt_in=moment)
    resumed = weights_after(tmp_path, digits)
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_checkpoint_of_another_schedule_is_not_resumed(tmp_path, digits):
    short = weights_after(tmp_path, digits, epochs=1)
    longer = weights_after(tmp_path, digits, epochs=2)
    fresh = weights_after(tmp_path / "fresh", digits, epochs=2)
    assert all(torch.equal(longer[key], fresh[key]) for key in fresh)
    assert not all(torch.equal(longer[key], short[key]) for key in short)


class Listener:
    """A task that learns nothing and notes which examples it is given, and in which mode."""

    def __init__(self):
        self.net = nn.Dropout()
        self.modules, self.optimizers = {"net": self.net}, {}
        self.steps, self.modes, self.draws = [], [], []

    def step(self, index, progress, generator):
        self.steps.append((round(progress, 2), index.tolist()))
        self.modes.append(self.net.training)
        self.draws.append((torch.rand(()).item(), torch.rand((), generator=generator).item()))
        return {"mean": float(index.float().mean())}

    def evaluate(self):
        self.modes.append(self.net.training)
        self.gradients = torch.is_grad_enabled()
        return {"test": 7.0}


def test_every_epoch_shows_every_example_once_in_an_order_of_its_own(tmp_path):
    task = Listener()
    loop.fit(task, 40, loop.Schedule(2, batch=10), tmp_path, name="test")
    first, second = ([i for _, index in half for i in index] for half in (task.steps[:4], task.steps[4:]))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert [progress for progress, _ in task.steps] == pytest.approx([i / 8 for i in range(8)], abs=0.01)


def test_what_a_step_draws_depends_on_the_seed_and_the_epoch_alone(tmp_path):
    draws = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        task = Listener()
        loop.fit(task, 20, loop.Schedule(2, batch=10, seed=seed), tmp_path / str(number), name="test")
        draws.append(task.draws)
    assert draws[0] == draws[1]
    assert len({draw for part in (draws[0], draws[2]) for pair in part for draw in pair}) == 16  # each another


def test_metrics_are_means_over_an_epochs_batches_and_are_written(tmp_path):
    history = loop.fit(Listener(), 40, loop.Schedule(2, batch=10), tmp_path, name="test")
    assert history == [{"epoch": e, "mean": pytest.approx(19.5), "test": 7.0} for e in (1, 2)]
    assert [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == history


def test_evaluating_happens_in_evaluation_mode_and_leaves_no_trace(tmp_path):
    task = Listener()
    loop.fit(task, 20, loop.Schedule(2, batch=10), tmp_path, name="test")
    assert task.modes == [True, True, False] * 2
    assert not task.gradients
    for mode in (True, False):
        task.net.train(mode)
        loop.evaluate(task)
        assert task.net.training is mode


def test_the_learning_rate_rises_peaks_and_vanishes():
    assert loop.one_cycle(0, 1.0) < 0.1
    assert loop.one_cycle(0.1, 1.0) == pytest.approx(1)
    assert loop.one_cycle(1, 1.0) < 0.01


def test_an_optimizer_step_forgets_the_gradient_before_it():
    weight = nn.Parameter(torch.tensor(1.0))
    sgd = torch.optim.SGD([weight], 0.1)
    for expected in (0.8, 0.64):  # each step takes a tenth of the gradient, 2 w
        loop.optimizer_step(sgd, weight**2)
        assert weight.item() == pytest.approx(expected)
    loop.set_rate(sgd, 0.5)
    loop.optimizer_step(sgd, weight**2)
    assert weight.item() == pytest.approx(0)


def test_batches_are_concatenated_in_order():
    sizes = []
    doubled = loop.in_batches(lambda part: sizes.append(len(part)) or 2 * part, torch.arange(7), 3)
    assert doubled.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert sizes == [3, 3, 1]
