"""Stage `projection`: learn the latent map from the exemplars' codes, without their labels.

A parametric t-SNE (van der Maaten, 2009, "Learning a parametric embedding by preserving local structure"): the network
is trained to keep neighbours neighbours. It is also trained to keep straight paths from bending, since the map shows
them. Labels only measure the result.
"""

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from muddle.bundle.files import read_part, read_tensors, write_part
from muddle.networks.projection import Projection, ProjectionConfig
from muddle.search.latent import path
from train import sheets
from train.loop import fit, one_cycle, optimizer_step, set_rate
from train.run import Run
from train.stages.autoencoder import encode, load_trained
from train.tsne import divergence, joint_probabilities

PERPLEXITY = 30  # how many neighbours a code has, about
RATE = 1e-2
EXAGGERATION, EXAGGERATED = 4.0, 0.3  # attraction is so much stronger in this first share of the training
BENDING = 2.0  # weight of the bending of paths
NOISE = 0.15  # standard deviation on each axis of a code, so that codes of images never seen find their place
NEIGHBOURS = 5  # that vote on a label
CURVES = 8  # paths drawn on the map


class ProjectionTask:
    """Matches the neighbourhoods of places to those of codes, and keeps straight paths smooth."""

    def __init__(self, codes: Tensor):
        self.codes, self.joint = codes, joint_probabilities(codes, PERPLEXITY)
        self.net = Projection(ProjectionConfig(latent=codes.shape[1]))
        self.modules = {"projection": self.net}
        self.optimizers = {"projection": torch.optim.Adam(self.net.parameters(), RATE)}

    def step(self, index: Tensor, progress: float, generator: torch.Generator) -> dict[str, float]:
        set_rate(self.optimizers["projection"], one_cycle(progress, RATE))
        joint = self.joint[index[:, None], index]
        codes = self.codes[index]
        places = self.net(codes + NOISE * torch.randn(codes.shape, generator=generator))
        stress = divergence(joint / joint.sum(), places, EXAGGERATION if progress < EXAGGERATED else 1.0)
        ends = self.codes[torch.randint(len(self.codes), (2, 256), generator=generator)]
        bent = bending(self.net(path(*ends, 9))) / places.detach().var(0).sum()
        optimizer_step(self.optimizers["projection"], stress + BENDING * bent)
        return {"divergence": stress.item(), "bending": bent.item()}

    def evaluate(self) -> dict[str, float]:
        return {}


def bending(curves: Tensor) -> Tensor:
    """Mean over curves of their summed squared second differences: (P, T, 2) -> scalar, 0 for evenly paced lines."""
    return curves.diff(n=2, dim=1).square().sum((1, 2)).mean()


@torch.no_grad()
def normalise(net: Projection, codes: Tensor) -> None:
    """Set centre and reach so that these codes' places, (N, D), fill [-1, 1] with weights rounded as they are stored.

    Leaves the network in float64. No place lies outside; the farthest lies within 0.002 of the edge.
    """
    net.half().double()
    net.centre.zero_()
    net.reach.fill_(1)
    places = net(codes.double())
    net.centre.copy_(((places.amax(0) + places.amin(0)) / 2).half())
    net.reach.copy_(((places - net.centre).abs().max() * (1 + 2**-10)).half())  # rounding never makes it less


def vote(distances: Tensor, labels: Tensor) -> Tensor:
    """The commonest label among the nearest, the smallest of equals: (M, N), int64 (N,) -> int64 (M,)."""
    nearest = distances.topk(NEIGHBOURS, largest=False).indices
    return F.one_hot(labels[nearest], 10).sum(1).argmax(1)


def neighbour_accuracy(points: Tensor, labels: Tensor) -> float:
    """Share of points whose nearest others vote for their label: about 0.1 where points are clueless, 1 at best."""
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
    return _share(vote(distances, labels) == labels)


def unseen_accuracy(unseen: Tensor, unseen_labels: Tensor, points: Tensor, labels: Tensor) -> float:
    """The same for points that are not among those who vote: (M, D), (M,), (N, D), (N,)."""
    return _share(vote(torch.cdist(unseen, points), labels) == unseen_labels)


def trustworthiness(codes: Tensor, places: Tensor) -> float:
    """Whether neighbours on the map are neighbours as codes (Venna and Kaski, 2001): 0.5 by chance, 1 if all are."""
    from sklearn import manifold

    return float(manifold.trustworthiness(codes.numpy(), places.numpy(), n_neighbors=NEIGHBOURS))


def _share(right: Tensor) -> float:
    return right.double().mean().item()


def run_stage(run: Run) -> None:
    """Train the projection; write the part, its figures in projection.json and a picture of the map."""
    exemplars = read_tensors(run.bundle, "exemplars")
    codes, labels = exemplars["codes"].float(), exemplars["labels"].long()
    seed, work = run.seed_of("projection"), run.work("projection")
    torch.manual_seed(seed)
    task = ProjectionTask(codes)
    schedule = run.schedule(run.size.projection_epochs, seed, batch=len(codes) // 2)
    fit(task, len(codes), schedule, work, name="projection")
    normalise(task.net, codes)
    write_part(run.bundle, "projection", task.net.config, task.net)

    projection = read_part(run.bundle, "projection")
    with torch.inference_mode():
        figures = measure(run, projection, codes, labels)
        centroids = projection(read_tensors(run.bundle, "centroids")["centroids"].double())
        ends = codes[torch.randint(len(codes), (2, CURVES), generator=torch.Generator().manual_seed(run.seed))]
        curves = projection(path(*ends.double(), 50))
        sheets.latent_map(projection(codes.double()), labels, centroids, curves, work / "map.png")
    (work / "projection.json").write_text(json.dumps(figures, indent=2))
    for name, values in figures.items():
        print(f"{name}:", ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in values.items()))


def measure(run: Run, projection: Projection, codes: Tensor, labels: Tensor) -> dict[str, dict[str, float]]:
    """How well the map keeps neighbours and labels together, beside the codes themselves and two linear projections.

    LDA, unlike the map, is given the labels.
    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    test = run.digits(train=False)
    unseen = encode(load_trained(run.bundle), test.images).double()
    codes = codes.double()
    places = projection(codes)
    linear = {
        "pca": PCA(2).fit_transform(codes.numpy()),
        "lda": LinearDiscriminantAnalysis(n_components=2).fit_transform(codes.numpy(), labels.numpy()),
    }
    return {
        "map": {
            "accuracy": neighbour_accuracy(places, labels),
            "unseen_accuracy": unseen_accuracy(projection(unseen), test.labels, places, labels),
            "trustworthiness": trustworthiness(codes, places),
            "divergence": divergence(joint_probabilities(codes, PERPLEXITY), projection.net(codes)).item(),
        },
        "codes": {
            "accuracy": neighbour_accuracy(codes, labels),
            "unseen_accuracy": unseen_accuracy(unseen, test.labels, codes, labels),
        },
        **{
            name: {
                "accuracy": neighbour_accuracy(torch.from_numpy(points).double(), labels),
                "trustworthiness": trustworthiness(codes, torch.from_numpy(points)),
            }
            for name, points in linear.items()
        },
    }
