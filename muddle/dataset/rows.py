"""Rows of a data set from what the judges say of its images."""

from typing import Any

import numpy as np
import torch

from muddle.dataset.spec import Rows
from muddle.muddler import DECIMALS
from muddle.search.metrics import entropy_bits, expected_entropy, mutual_information


def judged_rows(judges: np.ndarray, soft_label: np.ndarray, *, kind: str, **columns: Any) -> Rows:
    """Rows with all that follows from the judges' probabilities, (N, J, 10), and their mean, (N, 10).

    columns: all others; the label is the likeliest class, and the entropy that of the mean, unless they are given.
    """
    count = len(soft_label)
    row, each, mean = np.arange(count), torch.from_numpy(judges), torch.from_numpy(soft_label)
    digit, target = columns["digit"], columns["target"]
    pair = np.stack([judges[row, :, digit], judges[row, :, target]])  # (2, N, J)
    shares = pair[1] / np.maximum(pair.sum(0), 1e-9)
    return Rows(
        **{"label": soft_label.argmax(1), "entropy": entropy_bits(mean).numpy().round(DECIMALS), **columns},
        soft_label=soft_label,
        judges=judges,
        p_digit=soft_label[row, digit],
        p_target=soft_label[row, target],
        share_error=(shares.std(1, ddof=1) / np.sqrt(judges.shape[1])).round(DECIMALS),
        expected_entropy=expected_entropy(each).numpy().round(DECIMALS),
        mutual_information=mutual_information(each).numpy().round(DECIMALS),
        kind=np.full(count, kind),
    )
