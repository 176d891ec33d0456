"""Write a report as Markdown: the model card, and the parts of it that docs/results.md shares."""

from typing import Any

from muddle import __version__
from muddle.bundle.files import Bundle, as_stored
from muddle.export.citation import bibtex
from muddle.export.report_table import ROWS, balance_table, interval, member_table, percent, result_table
from muddle.votes.measures import Figure, Prediction, prediction_table

WHEEL = f"mnist_muddle-{__version__}-py3-none-any.whl"  # as pip names it


def measured_by(report: dict[str, Any]) -> str:
    """By whom the figures are."""
    members = ", ".join(report["panel_members"])
    if report["measured_by"] == "sealed":
        return f"Measured by a sealed panel: classifiers that no search saw and no setting was chosen by ({members})."
    return f"Measured by the tuning panel ({members}), by which settings were chosen: not to be quoted."


def pair_summary(report: dict[str, Any]) -> str:
    """The best and the worst of the 90 ordered pairs."""
    pairs = sorted(report["pairs"].items(), key=lambda item: item[1]["both_above_0.2"])

    def name(items: list) -> str:
        return ", ".join(f"{pair} ({100 * figures['both_above_0.2']:.0f} %)" for pair, figures in items)

    overall = interval(report["all_pairs"]["split"], "share")
    return (
        f"Over all 90 ordered pairs the split is {overall}. Both classes above 0.2, worst pairs: {name(pairs[:5])}; "
        f"best: {name(pairs[-5:][::-1])}."
    )


def assumption_table(report: dict[str, Any]) -> str:
    """The author's four assumptions, measured."""
    figures, exemplars = report["assumptions"], report["exemplars"]
    midpoint = interval(report["strategies"]["midpoint"]["split"], "share")
    rows = [
        (
            "clusters are distinct",
            f"silhouette {figures['silhouette']:.2f}; the nearest centroid is right for "
            f"{100 * figures['nearest_centroid_accuracy']:.1f} % of test digits",
        ),
        (
            "near in latent space means alike to the eye",
            f"rank correlation of centroid distance with the judges' confusion: "
            f"{figures['distance_confusion_spearman']:.2f} (p = {figures['distance_confusion_p']:.1g}), where -1 would "
            "confirm it",
        ),
        ("no wrong labels in the data", f"{exemplars['dropped']} of {exemplars['candidates']:,} candidates dropped"),
        ("the average lies between", f"split of `midpoint`: {midpoint}"),
    ]
    return "\n".join(["| assumption | measured |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def farthest_note(report: dict[str, Any]) -> str:
    """Where the author's further thought, `farthest`, lands on whole paths."""
    ends = report["farthest_on_whole_paths"]
    return (
        f"`farthest` on whole paths, ends included, would show the first frame in {100 * ends['first_frame']:.0f} % "
        f"and the last in {100 * ends['last_frame']:.0f} % of cases, so the pick is made among the inner steps."
    )


def tells_note(report: dict[str, Any]) -> str:
    """How well simple statistics tell muddles from real digits."""
    tells = {kind: f"{value:.2f}" for kind, value in report["tells"].items()}
    return (
        "What tells muddles from real test digits, by the best simple statistic of its kind (AUROC, 0.5: nothing): a "
        f"single pixel {tells['pixel']}, the ink {tells['ink']}, the border's ink {tells['border']}, grey levels "
        f"{tells['grey_levels']}."
    )


def balance_note(report: dict[str, Any]) -> str:
    """How well the balance that is asked for is what the panel sees."""
    gap = max(abs(row["share"]["value"] - row["asked"]) for row in report["balance"])
    members = sum(row["members_spread"] for row in report["balance"]) / len(report["balance"])
    count = sum(row["count"] for row in report["balance"])
    return (
        f"The balance that is asked for, on {count:,} muddles of all pairs: the panel's mean share of the target is at "
        f"most {gap:.3f} away in ten bins. Image by image it is not exact: the spread is the standard deviation over "
        f"the images of a bin, and on one image the members are {members:.2f} (standard deviation) apart.\n\n"
        f"{balance_table(report)}"
    )


def boldness_note(report: dict[str, Any]) -> str:
    """How many muddles stay undecided without their faint ink."""
    found = report["boldness"]
    *levels, last = (f"{percent(found[key]['value'])} without ink below {key}" for key in found if key != "all")
    return (
        f"Of the muddles that give both labels more than 0.2 by the judges, as many still do: {', '.join(levels)} and "
        f"{last}; {percent(found['all']['value'])} in every case."
    )


def people_note(report: dict[str, Any]) -> str:
    """How well the judges predict people's choices on hard test digits."""
    people = report["people"]
    found = {
        name: Prediction(*(Figure(**{end: _number(value) for end, value in figures[key].items()}) for key in figures))
        for name, figures in people["predicted_by"].items()
    }
    return (
        f"People: {people['votes']} votes of Mechanical Turk workers for one of two labels of {people['images']} hard "
        "MNIST test digits (Northcutt et al., 2021). Of a vote the mean log-likelihood in nats (higher is better) and "
        "the Brier score (lower is better); of the entropies over images the rank correlation; 95 % intervals over "
        "images.\n\n"
        f"{prediction_table(found)}"
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def atlas_note(report: dict[str, Any]) -> str:
    """What lies on the atlas."""
    atlas = report["atlas"]
    share = {name: f"{100 * atlas[name]:.1f} %" for name in ("land", "likely_digit", "border", "border_judged")}
    axes = ", ".join(f"{i} {name or '(nothing that is measured)'}" for i, name in enumerate(atlas["axes"], 1))
    return (
        f"The atlas: land, where a real image lies near, is {share['land']} of the map. {share['likely_digit']} of its "
        "places are digits by likeness (above the 5th percentile of real ones), their grey share is "
        f"{atlas['grey_share']:.3f}, and their codes lie {atlas['distance']:.3f} from the place asked for, on a map 2 "
        f"wide. On {share['border']} of the land the surrogate gives a second digit more than 20 %; on "
        f"{share['border_judged']} of that the judges, asked exactly, do too. What an axis of the code does to the "
        f"handwriting, by image moments: {axes}."
    )


def judge_table(report: dict[str, Any]) -> str:
    """Accuracy, calibration and size of each judge and of their mean."""
    lines = ["| judge | test accuracy | calibration error | parameters |", "|---|---|---|---|"]
    for judge in report["judges"]:
        accuracy, error = f"{100 * judge['accuracy']:.2f} %", f"{judge['calibration_error']:.4f}"
        lines.append(f"| {judge['name']} | {accuracy} | {error} | {judge['parameters']:,} |")
    return "\n".join(lines)


def hash_table(files: dict[str, str]) -> str:
    """The sha256 of every hashed file."""
    return "\n".join(
        ["| file | sha256 |", "|---|---|", *(f"| `{name}` | `{digest}` |" for name, digest in files.items())]
    )


def parameter_count(bundle: Bundle) -> int:
    """How many numbers the networks have learnt, batch norm's means and variances included."""
    imitators = (bundle.surrogate, bundle.student)
    networks = (bundle.autoencoder, bundle.judges, bundle.likeness, *imitators, bundle.projection, bundle.inverse)
    return sum(tensor.numel() for network in networks for tensor in as_stored(network).values())


def where_from(repo: str | None) -> str:
    """How to get the package: from the card's own repository, where `publish` puts it, or from the code at hand."""
    if not repo:
        return "The package is the one that this card came with: `pip install .` in its repository."
    return f"""The package is here too, as a wheel:

```bash
pip install https://huggingface.co/{repo}/resolve/main/{WHEEL}
```"""


def model_index(report: dict[str, Any]) -> str:
    """The results as the metadata of a card, in which the Hub reads them."""
    balanced = report["strategies"]["balanced"]
    lines = [
        "model-index:",
        "- name: mnist-muddle",
        "  results:",
        "  - task:",
        "      type: unconditional-image-generation",
        "    dataset:",
        "      type: ylecun/mnist",
        "      name: MNIST",
        "    metrics:",
    ]
    for key, text, _ in ROWS:
        name = text.split(" (")[0]
        lines += [f"    - type: {key}", f"      value: {balanced[key]['value']}", f'      name: "{name}"']
    return "\n".join(lines)


def model_card(bundle: Bundle, repo: str | None = None) -> str:
    """A bundle's README.md. `repo`: where it is published, with its pictures beside it; None: shipped with the code."""
    report, sample = bundle.report, bundle.sample
    likeness, autoencoder = report["likeness"], report["autoencoder"]
    name = f'"{repo}"' if repo else ""
    sheet = "\n![One hundred muddles, ten of each digit, drawn by seed](samples.png)\n" if repo else ""
    atlas = "\n![The atlas: a continent of ten countries of digits, with golden borders](atlas.png)\n" if repo else ""
    people = f"\n## Beside people\n{people_note(report)}\n" if "people" in report else ""
    thumbnail = f"thumbnail: https://huggingface.co/{repo}/resolve/main/samples.png\n" if repo else ""
    return f"""---
license: [mit, cc-by-sa-3.0]
library_name: mnist-muddle
pipeline_tag: unconditional-image-generation
tags: [mnist, autoencoder, latent-space, ambiguity, uncertainty]
datasets: [ylecun/mnist]
{thumbnail}{model_index(report)}
---
# MNIST Muddle

Weights, centroid matrix, judges and exemplars that turn a handwritten digit into one that nobody can place between two
labels, and that still looks like a digit. {parameter_count(bundle):,} parameters, stored as float16.
{sheet}
```python
from muddle import Muddler
muddle = Muddler.from_pretrained({name}).muddle(4, target=9, seed=27)
```

{where_from(repo)}

## Results
{measured_by(report)} 95 % intervals in brackets.

{result_table(report)}

One by one:

{member_table(report)}

{pair_summary(report)}

{balance_note(report)}

{boldness_note(report)}

{tells_note(report)}

{farthest_note(report)}
{atlas}
{atlas_note(report)}

The autoencoder's test error is {autoencoder["test_mse"]:.4f} per pixel (mean squared, pixels in [0, 1]). The likeness
score ranks held-out real digits above held-out bad ones with an AUC of {likeness["auc"]:.4f}.

## The author's four assumptions, measured
{assumption_table(report)}

## Judges
{judge_table(report)}
{people}
## Intended use and limits
For teaching latent spaces, and for testing whether a classifier knows when it should doubt. The ambiguity is measured
by classifiers, not by people, and the mean of several is undecided more often than each. Digits only; a soft label is
the mean opinion of {len(report["judges"]) - 1} small networks. Sources and partners are images of MNIST's training set.

## Verify a copy
`python -m muddle verify {repo or "FOLDER"}` checks every file against the hashes in `config.json`, and that the muddle
`{sample["query"]}` has pixels (784 bytes, row by row) with the sha256 `{sample["sha256"]}`.

{hash_table(bundle.files)}

## To cite
```bibtex
{bibtex()}
```

## Data and licence
Code and weights: [MIT](https://opensource.org/license/mit). The exemplars are images of MNIST (Yann LeCun, Corinna
Cortes, Christopher Burges), [CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/), which holds for digits
made from them too.
"""
