import torch

from muddle.bundle.files import read_tensors
from train.run import Run
from train.stages.centroids import run_stage


def test_centroids_are_the_mean_codes_of_the_training_images(bundle_copy, muddler, digits, few_digits):
    run = Run(source="mnist-5k", out=bundle_copy.parent)
    run_stage(run)
    exemplars = muddler.bundle.exemplars
    expected = torch.stack([exemplars.codes[exemplars.indices_of(digit)[:80]].mean(0) for digit in range(10)])
    centroids = read_tensors(run.bundle, "centroids")["centroids"]
    torch.testing.assert_close(centroids.double(), expected, atol=0.01, rtol=0)
