"""The command `python -m train`: one stage, or all of them in order."""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from muddle.errors import DataError, MuddleError
from train.data import SOURCES
from train.run import QUICK, Run, RunSize


class Entry(NamedTuple):
    """A module with a function to call, and its line in the help."""

    module: str
    help: str


STAGES = {  # in their order; each module has run_stage(run)
    "data": Entry("train.stages.data", "read the images, downloading MNIST if need be, and count them"),
    "autoencoder": Entry("train.stages.autoencoder", "train the autoencoder"),
    "judge": Entry("train.stages.judge", "train the judges, and more teachers for the student"),
    "panel": Entry("train.stages.panel", "train the tuning panel, by which settings are chosen"),
    "likeness": Entry("train.stages.likeness", "train the score for being a digit at all"),
    "centroids": Entry("train.stages.centroids", "average the codes of each digit"),
    "exemplars": Entry("train.stages.exemplars", "choose and clean the images that sources are drawn from"),
    "projection": Entry("train.stages.projection", "learn the latent map: where on a plane each code lies"),
    "surrogate": Entry("train.stages.surrogate", "teach the surrogate what the judges say of a code"),
    "student": Entry("train.stages.student", "teach the student what the teachers say of an image"),
    "inverse": Entry("train.stages.inverse", "learn the way back from the map: a code for each place"),
    "report": Entry(
        "train.report.report", "measure everything, write report.json, the model card and pictures, and seal the bundle"
    ),
    "sealed": Entry("train.report.sealed", "train the sealed panel and measure by it, once, the numbers to quote"),
    "reference": Entry(
        "train.stages.reference", "train the classifiers that python -m muddle evaluate compares others with"
    ),
    "ablation": Entry("train.report.ablation", "measure by the sealed panel what each part of the search is worth"),
    "embed": Entry("train.report.embed", "copy the sealed bundle to muddle/assets and write the README's numbers"),
}
COMMANDS = {  # each module has main(argv)
    "publish": Entry(
        "train.hub.publish",
        "upload a finished bundle to the Hugging Face Hub (python -m train publish --help)",
    ),
    "deploy": Entry("train.hub.deploy", "upload the app to a Space (python -m train deploy --help)"),
}
ALL = [stage for stage in STAGES if stage not in ("ablation", "embed")]


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command's options."""
    lines = [f"  {name:<12} {stage.help}" for name, stage in STAGES.items()]
    lines.append(f"  {'all':<12} {', '.join(ALL)}")
    lines += [f"  {name:<12} {command.help}" for name, command in COMMANDS.items()]
    p = argparse.ArgumentParser(
        "python -m train", description=__doc__, epilog="\n".join(lines), formatter_class=argparse.RawTextHelpFormatter
    )
    p.add_argument("stage", choices=[*STAGES, "all"], metavar="STAGE", help="one of the stages below")
    p.add_argument("--data", choices=SOURCES, default="mnist", help="mnist-5k needs no download (default: mnist)")
    p.add_argument("--data-dir", type=Path, default=Path("data"), help="torchvision's folder for MNIST (default: data)")
    p.add_argument("--out", type=Path, help="where everything is written (default: runs/<data>)")
    p.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    p.add_argument("--votes", help="folder or Hub data set of votes: fit the judges to people instead of training them")
    p.add_argument("--quick", action="store_true", help="a tiny run that only shows that everything works")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run stages or a command; an expected error is one sentence on standard error and exit status 1."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv and argv[0] in COMMANDS:
            return importlib.import_module(COMMANDS[argv[0]].module).main(argv[1:])
        options = parser().parse_args(argv)
        run = Run(
            source=options.data,
            data_dir=options.data_dir,
            out=options.out or Path("runs") / options.data,
            seed=options.seed,
            size=QUICK if options.quick else RunSize(),
        )
        if options.votes:
            if options.stage != "judge":
                raise DataError("--votes is for python -m train judge alone: only the stage judge learns from people.")
            importlib.import_module("train.votes").run(run, options.votes)
            return 0
        run_stages(ALL if options.stage == "all" else [options.stage], run)
    except MuddleError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run_stages(names: Sequence[str], run: Run) -> None:
    """Run stages in the given order, and print how long each took. Raises MuddleError."""
    for name in names:
        began = time.monotonic()
        importlib.import_module(STAGES[name].module).run_stage(run)
        print(f"{name}: done in {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
