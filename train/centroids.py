"""Stage `centroids`: the mean latent code of each digit, over all training images."""

import torch

from muddle.bundle.files import write_tensors
from muddle.search.latent import centroid_matrix
from train.autoencoder import encode, load_trained
from train.job import Job


def run(job: Job) -> None:
    """Writes centroids.safetensors: `centroids`, float32 (10, D)."""
    train = job.digits(train=True)
    with torch.inference_mode():
        codes = encode(load_trained(job.bundle), train.images)
    write_tensors(job.bundle, "centroids", {"centroids": centroid_matrix(codes, train.labels)})
