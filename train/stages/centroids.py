"""Stage `centroids`: average the latent codes of each digit, over all training images."""

import torch

from muddle.bundle.files import write_tensors
from muddle.search.latent import centroid_matrix
from train.run import Run
from train.stages.autoencoder import encode, load_trained


def run_stage(run: Run) -> None:
    """Write centroids.safetensors: `centroids`, float32 (10, D)."""
    train = run.digits(train=True)
    with torch.inference_mode():
        codes = encode(load_trained(run.bundle), train.images)
    write_tensors(run.bundle, "centroids", {"centroids": centroid_matrix(codes, train.labels)})
