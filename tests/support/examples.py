"""Examples for people, run as they stand in a document or on the page: in this process, which has torch already."""

import contextlib
import io
import os
import shlex
import subprocess
import sys

from muddle import cli
from support.processes import ROOT, environment

PROGRAMS = (["python", "-m", "muddle"], ["muddle"])


def run(command, folder):
    """The standard output of a program that must succeed, in a folder, with the library and its commands at hand."""
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    child = environment(PYTHONPATH=str(ROOT), PATH=path)
    done = subprocess.run(command, cwd=folder, env=child, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bash(text, folder):
    """What a shell prints, in which every command must succeed."""
    return run(["bash", "-euo", "pipefail", "-c", text], folder)


def python(text, folder):
    """What a Python program prints."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "example", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def commands(text, folder):
    """What lines of a shell print: our commands in this process, but those that are joined or redirected by bash."""
    printed = ""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        ours = [words[len(program) :] for program in PROGRAMS if words[: len(program)] == program]
        if ours and not {"|", ">", "&&"} & set(words):
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as output:
                assert cli.main(ours[0]) == 0
            printed += output.getvalue()
        else:
            printed += bash(line, folder)
    return printed
