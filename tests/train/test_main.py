import json
import re

import pytest
import torch

from muddle import Muddler
from muddle.search.latent import path
from muddle.networks.projection import Projection
from train import autoencoder, loop
from train.__main__ import ALL, STAGES, main
from train.data import Digits, mnist_5k
from train.exemplars import chosen
from train.job import QUICK, Job
from train.projection import (
    bending,
    divergence,
    joint_probabilities,
    neighbour_accuracy,
    neighbour_probabilities,
    normalise,
    unseen_accuracy,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:.*:DeprecationWarning")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny training to the end, as the command runs it."""
    out = tmp_path_factory.mktemp("run")
    assert main(["all", "--data", "mnist-5k", "--quick", "--out", str(out)]) == 0
    return out


def test_a_tiny_training_ends_with_a_bundle_that_muddles(tiny):
    muddler = Muddler.from_pretrained(tiny / "bundle")
    assert muddler.muddle(4, 9, seed=7).image.shape == (28, 28)
    assert muddler.bundle.report["data"]["source"] == "mnist-5k"
    assert muddler.bundle.provenance["data"] == "mnist-5k"


def test_it_leaves_metrics_curves_and_sheets(tiny):
    lines = (tiny / "work/autoencoder/metrics.jsonl").read_text().splitlines()
    epochs = [json.loads(line) for line in lines]
    assert [m["epoch"] for m in epochs] == [1, 2, 3]
    assert epochs[-1]["test_mse"] < epochs[0]["test_mse"]
    for picture in (
        "autoencoder/loss.png",
        "autoencoder/reconstructions.png",
        "exemplars/kept.png",
        "projection/map.png",
        "report/balanced.png",
    ):
        assert (tiny / "work" / picture).read_bytes().startswith(b"\x89PNG")
    counts = json.loads((tiny / "work/exemplars/exemplars.json").read_text())
    assert counts["kept"] == 2000
    found = json.loads((tiny / "work/projection/projection.json").read_text())
    assert list(found) == ["map", "codes", "pca", "lda"]
    assert found["pca"]["accuracy"] < found["codes"]["accuracy"] <= 1
    assert found["map"]["divergence"] > 0


class Interrupted(Exception):
    pass


def weights_after(run, interrupt_in=None, epochs=3):
    digits = mnist_5k()[torch.arange(0, 5000, 10)]
    torch.manual_seed(0)
    recipe = autoencoder.AutoencoderRecipe(
        autoencoder.AutoencoderRegime(critic_from=0.5), digits, digits, torch.device("cpu")
    )
    plain = recipe.step

    def step(index, progress, generator):
        if interrupt_in is not None and progress > interrupt_in:
            raise Interrupted
        return plain(index, progress, generator)

    recipe.step = step
    loop.fit(recipe, len(digits), loop.Schedule(epochs, batch=50), run, name="test")
    return recipe.autoencoder.state_dict()


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(tmp_path):
    whole = weights_after(tmp_path / "whole")
    for moment in (0.2, 0.5, 0.8):  # in the first epoch, before the critic, and after it
        with pytest.raises(Interrupted):
            weights_after(tmp_path / str(moment), interrupt_in=moment)
        resumed = weights_after(tmp_path / str(moment))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_a_checkpoint_of_another_schedule_is_not_taken_up(tmp_path):
    short = weights_after(tmp_path, epochs=1)
    longer = weights_after(tmp_path, epochs=2)
    fresh = weights_after(tmp_path / "fresh", epochs=2)
    assert all(torch.equal(longer[key], fresh[key]) for key in fresh)
    assert not all(torch.equal(longer[key], short[key]) for key in short)


class Listener:
    """A recipe that learns nothing and notes which examples it is given."""

    def __init__(self):
        self.modules, self.optimizers, self.heard = {}, {}, []

    def step(self, index, progress, generator):
        self.heard.append((round(progress, 2), index.tolist()))
        return {}

    def evaluate(self):
        return {}


def test_every_epoch_shows_every_example_once_in_an_order_of_its_own(tmp_path):
    recipe = Listener()
    loop.fit(recipe, 40, loop.Schedule(2, batch=10), tmp_path, name="test")
    first, second = ([i for _, index in half for i in index] for half in (recipe.heard[:4], recipe.heard[4:]))
    assert sorted(first) == sorted(second) == list(range(40))
    assert first != second
    assert [progress for progress, _ in recipe.heard] == pytest.approx([i / 8 for i in range(8)], abs=0.01)


def test_evaluating_leaves_no_trace(tmp_path):
    digits = mnist_5k()[torch.arange(0, 5000, 50)]
    recipe = autoencoder.AutoencoderRecipe(autoencoder.AutoencoderRegime(), digits, digits, torch.device("cpu"))
    recipe.autoencoder.train()
    before = {k: v.clone() for k, v in recipe.autoencoder.state_dict().items()}
    loop.evaluate(recipe)
    assert recipe.autoencoder.training
    assert all(torch.equal(before[k], v) for k, v in recipe.autoencoder.state_dict().items())


def test_data_that_cannot_be_had_is_one_sentence(tmp_path, capsys, monkeypatch):
    import torchvision.datasets.mnist as source

    monkeypatch.setattr(source.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody listens there
    assert main(["data", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert re.search(r"MNIST is not there and could not be downloaded .* --data mnist-5k", said)
    assert "Traceback" not in said


def test_a_stage_whose_input_is_missing_says_which_to_run(tmp_path, capsys):
    assert main(["centroids", "--data", "mnist-5k", "--out", str(tmp_path)]) == 1
    assert "Run python -m train autoencoder first." in capsys.readouterr().err


def test_all_runs_every_stage_but_the_one_that_changes_the_repository():
    assert [*ALL, "embed"] == list(STAGES)


def test_training_and_test_images_of_mnist_5k_do_not_overlap():
    job = Job(source="mnist-5k", plan=QUICK)
    train, test = job.digits(train=True), job.digits(train=False)
    assert (len(train), len(test)) == (4000, 1000)
    seen = {image.numpy().tobytes() for image in train.images}
    assert sum(image.numpy().tobytes() in seen for image in test.images) == 0


def test_exemplars_are_the_first_usable_of_each_digit():
    labels = torch.arange(10).repeat(3)
    usable = torch.ones(30, dtype=torch.bool)
    usable[[0, 11]] = False
    places = chosen(labels, usable, 2)
    assert labels[places].tolist() == [d for d in range(10) for _ in range(2)]
    assert places[:4].tolist() == [10, 20, 1, 21]


def test_digits_are_indexed_together():
    digits = Digits(torch.arange(4)[:, None, None].expand(4, 28, 28), torch.tensor([5, 6, 7, 8]))
    assert digits[torch.tensor([2])].labels.item() == 7


def some_codes(count=60):
    return torch.randn(count, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_each_code_has_as_many_neighbours_as_the_perplexity_says():
    found = neighbour_probabilities(some_codes(), 7)
    torch.testing.assert_close(found.sum(1), torch.ones(60).double())
    torch.testing.assert_close(torch.special.entr(found).sum(1).exp(), torch.full((60,), 7.0).double())
    assert not found.diagonal().any()
    joint = joint_probabilities(some_codes(), 7)
    torch.testing.assert_close(joint, joint.T)
    assert joint.sum().item() == pytest.approx(1)


def test_the_divergence_is_none_where_neighbourhoods_agree_and_some_where_they_do_not():
    places = some_codes()[:, :2]
    kernel = (1 / (1 + torch.cdist(places, places) ** 2)).fill_diagonal_(0)
    assert divergence(kernel / kernel.sum(), places).item() == pytest.approx(0, abs=1e-9)
    assert divergence(kernel / kernel.sum(), places.flip(0)) > 0.1


def test_a_straight_line_does_not_bend_and_a_corner_does():
    line = path(torch.zeros(1, 2), torch.ones(1, 2), 9)
    assert bending(line).item() == pytest.approx(0, abs=1e-9)
    corner = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
    assert bending(corner).item() == pytest.approx(2)


def test_normalised_places_fill_the_map_with_weights_as_they_are_stored():
    torch.manual_seed(0)
    net, codes = Projection(), some_codes()
    normalise(net, codes)
    with torch.no_grad():
        places = net(codes)
    assert all(torch.equal(t, t.half().double()) for t in net.state_dict().values())
    assert 0.998 < places.abs().max() <= 1
    torch.testing.assert_close(places.amax(0), -places.amin(0), atol=0.005, rtol=0)


def test_neighbours_vote_for_the_label_and_nothing_votes_for_itself():
    labels = torch.arange(10).repeat_interleave(6)
    assert neighbour_accuracy(labels[:, None].double(), labels) == 1
    assert neighbour_accuracy(labels[:, None].double(), torch.arange(60) % 6) == 0  # each is alone among its six
    points = labels[:, None].double()
    assert unseen_accuracy(points[::6] + 0.1, torch.arange(10), points, labels) == 1
    assert unseen_accuracy(points[::6] + 1.1, torch.arange(10), points, labels) == 0.1  # the last is still nearest 9
