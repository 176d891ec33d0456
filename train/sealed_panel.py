"""The sealed panel, by whose figures no setting was ever chosen; results are quoted from it alone.

The panel's architectures from other seeds, and classifiers of other kinds, which nothing else here uses: a vision
transformer, gradient-boosted trees and a support vector machine.
"""

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from train.classifier import ClassifierSpec, TrainConfig, grade
from train.data import Digits
from train.run import Run
from train.stages.panel import PANEL, load_networks, train_networks


class _VisionTransformer(nn.Module):
    """Three transformer layers on 16 patches of 7 x 7 pixels and a class token (Dosovitskiy et al., 2021)."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 7, stride=7)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(0.02 * torch.randn(1, 17, width))
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).mT  # (N, 16, width)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), patches], 1) + self.position
        return self.head(self.layers(tokens)[:, 0])


NETWORKS = (*PANEL, ClassifierSpec("vision-transformer", _VisionTransformer, TrainConfig(affine=0.3, rate=1e-3), 8))
FITTED = ("boosted-trees", "svm")  # by scikit-learn, whose scores a logistic regression on held-out images calibrates
MEMBERS = (*(spec.name for spec in NETWORKS), *FITTED)
KINDS = MEMBERS[len(PANEL) :]  # of another kind than the panel's
ROUNDS = 100  # of boosting
SVM_IMAGES = 20_000  # as its time grows with their square


class _Fitted(nn.Module):
    """A classifier of scikit-learn's and the regression that calibrates it, as a network that gives logits."""

    def __init__(self, scores: Any, calibrated: Any):
        super().__init__()
        self.scores, self.calibrated = scores, calibrated

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in [0, 1] -> (N, 10)."""
        scores = self.scores.decision_function(_features(images))
        return torch.from_numpy(self.calibrated.predict_log_proba(scores)).float()


def _features(images: Tensor) -> np.ndarray:
    """The images at half their resolution: (N, 1, 28, 28) in [0, 1] -> float32 (N, 196)."""
    return nn.functional.avg_pool2d(images, 2).flatten(1).numpy()


def fitted(name: str, train: Digits, held_out: Digits, *, seed: int) -> "_Fitted":
    """One of FITTED, on the training images, calibrated on those held out."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if name == "svm":  # after DeCoste and Schoelkopf (2002), without their shifted copies
        scores = make_pipeline(PCA(60, random_state=seed), SVC(C=10, gamma="scale", decision_function_shape="ovr"))
        train = train[torch.arange(min(SVM_IMAGES, len(train)))]
    else:  # after Friedman (2001)
        scores = HistGradientBoostingClassifier(
            max_iter=ROUNDS, l2_regularization=1.0, random_state=seed, early_stopping=False
        )
    scores.fit(_features(train.images[:, None] / 255), train.labels.numpy())
    answers = scores.decision_function(_features(held_out.images[:, None] / 255))
    return _Fitted(
        scores, make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(answers, held_out.labels.numpy())
    )


def train_sealed(run: Run) -> None:
    """Train the sealed panel, and store it and the grades of its members outside the bundle."""
    import joblib

    grades = train_networks(NETWORKS, run, "sealed", "sealed panel")
    work, test = run.work("sealed"), run.digits(train=False)
    for number, name in enumerate(FITTED, len(NETWORKS)):
        member = fitted(name, *run.split_for_classifiers(), seed=run.seed_of("sealed panel", number))
        joblib.dump((member.scores, member.calibrated), work / f"{name}.joblib")
        grades[name] = grade(member, test)
    (work / "sealed.json").write_text(json.dumps(grades, indent=2))


def load_sealed(run: Run) -> list[nn.Module]:
    """The sealed panel, in evaluation mode: MEMBERS, in their order."""
    import joblib

    stored = (joblib.load(run.work("sealed") / f"{name}.joblib") for name in FITTED)
    return [*load_networks(NETWORKS, run, "sealed"), *(_Fitted(*parts).eval() for parts in stored)]
