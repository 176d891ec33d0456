"""Stage `inverse`: learn the way back from the latent map, a code for each place, for the atlas.

Many codes lie at one place. The network learns their mean, with two wishes: that the code's own place is the one asked
for, and, in the last part of the training, that where opinions differ the surrogate tells of the code what the judges
say of its image. So the borders that the atlas draws, by the surrogate, are borders to the judges.
"""

import json
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from muddle.bundle.files import read_part, read_tensors, write_part
from muddle.images.pixels import decoded_pixels, on_black
from muddle.networks.autoencoder import Autoencoder
from muddle.networks.fuse import fuse_batchnorm
from muddle.networks.judges import Ensemble
from muddle.networks.likeness import Likeness
from muddle.networks.projection import Inverse, Projection, ProjectionConfig
from muddle.networks.surrogate import Surrogate
from muddle.search.atlas import grid, near
from muddle.search.metrics import grey_share
from train.axes import axis_names
from train.data import to_float
from train.loop import fit, in_batches, one_cycle, optimizer_step, set_rate
from train.report.finish import finish
from train.report.measure import rounded
from train.run import Run
from train.stages.autoencoder import encode, load_trained

RATE = 1e-2
BATCH = 1024
PLACE = 100.0  # weight of the squared distance on the map, beside that of codes, whose axes have a variance of 1
AGREE, AGREEING = 3.0, 0.8  # weight of the agreement of surrogate and judges, from this share of the training on
CONTESTED = 96  # places of a batch, the most undecided, at which they are asked
SHAKE = 0.01  # standard deviation of the noise on these places
SIDE = 120  # of the grid on which the result is measured
UNDECIDED = 0.2  # probability of the second label from which on a place lies on a border


class InverseTask:
    """Matches codes by their places."""

    def __init__(
        self, codes: Tensor, projection: Projection, surrogate: Surrogate, judges: Ensemble, decoder: Autoencoder
    ):
        self.codes, self.projection, self.surrogate = codes, projection, surrogate
        self.judges, self.decoder = fuse_batchnorm(judges), fuse_batchnorm(decoder)
        for network in (projection, surrogate, self.judges, self.decoder):
            network.requires_grad_(False)
        with torch.inference_mode():
            self.places = in_batches(projection, codes).clone()
        self.net = Inverse(ProjectionConfig(latent=codes.shape[1]))
        self.modules = {"inverse": self.net}
        self.optimizers = {"inverse": torch.optim.Adam(self.net.parameters(), RATE)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["inverse"], one_cycle(progress, RATE))
        places = self.places[index]
        codes = self.net(places)
        apart = F.mse_loss(codes, self.codes[index])
        off = (self.projection(codes) - places).square().sum(1).mean()
        agree = self._agreement(places, generator) if progress > AGREEING else torch.zeros(())
        optimizer_step(self.optimizers["inverse"], apart + PLACE * off + AGREE * agree)
        return {"code_error": apart.item(), "place_error": off.item(), "disagreement": agree.item()}

    def _agreement(self, places: Tensor, generator: torch.Generator) -> Tensor:
        """How far surrogate and judges are apart where the surrogate is most undecided: scalar, 0 at best."""
        places = places + SHAKE * torch.randn(places.shape, generator=generator)
        with torch.no_grad():
            second = self._predicted(self.net(places)).topk(2, dim=1).values[:, 1]
        places = places[second.topk(min(CONTESTED, len(places))).indices]
        codes = self.net(places)
        off = (self.projection(codes) - places).square().sum(1).mean()
        judged = self.judges(on_black(self.decoder.decode(codes))).mean(0)
        return (self._predicted(codes) - judged).abs().sum(1).mean() + PLACE / AGREE * off

    def _predicted(self, codes: Tensor) -> Tensor:
        return self.surrogate(codes).teachers.softmax(-1).mean(-2)

    def evaluate(self) -> dict[str, float]:
        return {}


def run_stage(run: Run) -> None:
    """Train the inverse; write the part and its figures, in inverse.json and in a report that is there already."""
    train = run.digits(train=True)
    autoencoder = load_trained(run.bundle)
    with torch.inference_mode():
        codes = encode(autoencoder, train.images).clone()
    parts = {name: read_part(run.bundle, name).float() for name in ("projection", "surrogate", "judge")}
    seed, work = run.seed_of("inverse"), run.work("inverse")
    torch.manual_seed(seed)
    task = InverseTask(codes, parts["projection"], parts["surrogate"], parts["judge"], autoencoder)
    schedule = run.schedule(run.size.inverse_epochs, seed, batch=min(BATCH, len(codes)))
    fit(task, len(codes), schedule, work, name="inverse")
    write_part(run.bundle, "inverse", task.net.config, task.net)

    figures = measure(run)
    (work / "inverse.json").write_text(json.dumps(figures, indent=2))
    print(json.dumps(figures))
    report_path = run.bundle / "report.json"
    if report_path.exists() and (report := json.loads(report_path.read_text())):
        report["atlas"] = rounded(figures)
        report_path.write_text(json.dumps(report, indent=1) + "\n")
        finish(run.bundle)


@torch.inference_mode()
def measure(run: Run) -> dict[str, Any]:
    """What lies on the land of a grid.

    land: its share of the map. likely_digit: share above the 5th percentile of real digits' likeness. grey_share: mean
    over the pictures. distance: mean distance of a code's own place from the one asked for, on a map that is 2 wide.
    border: share of the land where the surrogate gives its second label more than UNDECIDED. border_judged: share of
    those places where the judges, asked exactly, give the same two labels more than that. axes: what each axis of the
    code does to the exemplars, in a word or two.
    """
    autoencoder = read_part(run.bundle, "autoencoder")
    inverse, projection, surrogate = (read_part(run.bundle, name) for name in ("inverse", "projection", "surrogate"))
    judges, likeness = read_part(run.bundle, "judge"), read_part(run.bundle, "likeness")
    assert isinstance(autoencoder, Autoencoder)
    assert isinstance(likeness, Likeness)
    exemplars = read_tensors(run.bundle, "exemplars")["codes"].double()
    everywhere = grid(SIDE)
    places = everywhere[near(everywhere, projection(exemplars))]
    codes = inverse(places)
    images = to_float(decoded_pixels(in_batches(autoencoder.decode, codes))).double()
    predicted = surrogate(codes).teachers.softmax(-1).mean(-2)
    judged = in_batches(lambda part: judges(part).mean(0), images)
    second, pair = predicted.topk(2, dim=1)
    border = second[:, 1] > UNDECIDED
    agreed = (judged.gather(1, pair).amin(1) > UNDECIDED)[border]
    return {
        "land": len(places) / len(everywhere),
        "likely_digit": (likeness.percentile(in_batches(likeness, images)) > 5).double().mean().item(),
        "grey_share": grey_share(images).mean().item(),
        "distance": (projection(codes) - places).norm(dim=1).mean().item(),
        "border": border.double().mean().item(),
        "border_judged": agreed.double().mean().item() if len(agreed) else 0.0,
        "axes": axis_names(autoencoder, exemplars),
    }
