"""The reference classifiers that ship with the code: no judge, no panel, and no search has seen them."""

from pathlib import Path

import numpy as np
import torch

from muddle.bundle.classifier_file import read_classifier
from muddle.images.pixels import to_unit
from muddle.networks.judges import Ensemble

REFERENCES = ("plain", "smoothed", "ensemble")  # trained by python -m train reference
REFERENCES_DIR = Path(__file__).parent.parent / "references"
BLOCK = 1000  # images at once


def read_reference(name: str) -> Ensemble:
    """One of REFERENCES."""
    return read_classifier(REFERENCES_DIR / f"{name}.safetensors")


@torch.inference_mode()
def member_probabilities(ensemble: Ensemble, images: np.ndarray) -> np.ndarray:
    """What each network says of images, uint8 (N, 28, 28): float64 (M, N, 10)."""
    parts = [ensemble(to_unit(part)) for part in torch.from_numpy(images).split(BLOCK)]
    return torch.cat(parts, dim=1).numpy()
