"""The command `python -m train`: one stage, or all of them in order."""

import argparse
import importlib
import sys
import time
from pathlib import Path

from muddle.errors import MuddleError
from train.data import SOURCES
from train.job import QUICK, Job, Plan

STAGES = {
    "data": "read the images, downloading MNIST if need be, and count them",
    "autoencoder": "train the autoencoder",
    "judge": "train the judges, and the teachers that stay at home",
    "panel": "train the panel that gives the reported numbers",
    "likeness": "train the score for being a digit at all",
    "centroids": "average the codes of each digit",
    "exemplars": "choose and clean the images that sources are drawn from",
    "projection": "learn the latent map: where on a plane each code lies",
    "surrogate": "teach the surrogate what the teachers say of a code",
    "report": "measure everything, write report.json, the model card and pictures, and seal the bundle",
    "reference": "train the classifiers that python -m muddle evaluate compares others with",
    "embed": "copy the sealed bundle to muddle/assets and write the README's numbers",
}
COMMANDS = {
    "publish": "upload a finished bundle to the Hugging Face Hub (python -m train publish --help)",
    "deploy": "upload the app to a Space (python -m train deploy --help)",
}
ALL = [stage for stage in STAGES if stage != "embed"]


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    lines = [f"  {name:<12} {text}" for name, text in STAGES.items()]
    lines.append(f"  {'all':<12} {', '.join(ALL)}")
    lines += [f"  {name:<12} {text}" for name, text in COMMANDS.items()]
    p = argparse.ArgumentParser(
        "python -m train", description=__doc__, epilog="\n".join(lines), formatter_class=argparse.RawTextHelpFormatter
    )
    p.add_argument("stage", choices=[*STAGES, "all"], metavar="STAGE", help="one of the stages below")
    p.add_argument("--data", choices=SOURCES, default="mnist", help="mnist-5k needs no download (default: mnist)")
    p.add_argument("--data-dir", type=Path, default=Path("data"), help="torchvision's folder for MNIST (default: data)")
    p.add_argument("--out", type=Path, help="where everything is written (default: runs/<data>)")
    p.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    p.add_argument("--quick", action="store_true", help="a tiny run that only shows that everything works")
    return p


def main(argv: list[str] | None = None) -> int:
    """Runs stages or a command; an expected error is one sentence on standard error and exit status 1."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv and argv[0] in COMMANDS:
            return importlib.import_module(f"train.{argv[0]}").main(argv[1:])
        return run_stages(parser().parse_args(argv))
    except MuddleError as error:
        print(error, file=sys.stderr)
        return 1


def run_stages(options: argparse.Namespace) -> int:
    """One stage, or all of them in order. Raises MuddleError."""
    job = Job(
        source=options.data,
        data_dir=options.data_dir,
        out=options.out or Path("runs") / options.data,
        seed=options.seed,
        plan=QUICK if options.quick else Plan(),
    )
    for name in ALL if options.stage == "all" else [options.stage]:
        began = time.monotonic()
        importlib.import_module(f"train.{name}").run(job)
        print(f"{name}: done in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
