import io
import json
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from support.processes import ROOT, environment, free_port, wait_for
from PIL import Image

from muddle.__main__ import EXAMPLES, main, parser
from muddle.dataset.spec import UNIFORM, Spec
from muddle.dataset.generate import make
from muddle.images.codecs import png


def run(*words, stdin=None, cwd=ROOT):
    """Exit status, standard output and standard error of `python -m muddle`."""
    child = environment(PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "muddle", *words]
    done = subprocess.run(command, cwd=cwd, env=child, input=stdin, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture(scope="module")
def m(muddler):
    return muddler.muddle(4, 9, seed=7, steps=5)


MAKE = ["make", "4", "--target", "9", "--seed", "7", "--steps", "5"]


def test_a_muddle_comes_as_the_kind_of_file_that_the_name_says(m, tmp_path, capsys):
    out = {kind: tmp_path / f"out.{kind}" for kind in ("png", "gif", "webp", "json", "npz")}
    for path in out.values():
        assert main([*MAKE, "-o", str(path)]) == 0
        said = capsys.readouterr()
        assert said.out.strip() == str(path)
        assert "4 or 9? The judges say" in said.err
    assert (np.array(Image.open(io.BytesIO(out["png"].read_bytes())))[5::10, 5::10] == m.image).all()
    frames = [Image.open(io.BytesIO(out[kind].read_bytes())).n_frames for kind in ("gif", "webp")]
    assert frames == [8, 8]
    assert json.loads(out["json"].read_text())["soft_label"] == m.soft_label.tolist()
    with np.load(out["npz"]) as arrays:
        assert (arrays["frames"] == m.frames).all()
        assert (arrays["soft_label"] == m.soft_label).all()


def test_a_dash_is_standard_output_and_nothing_else_is_written_there(m):
    status, out, err = run(*MAKE, "-o", "-", "--scale", "1")
    assert status == 0
    assert (np.array(Image.open(io.BytesIO(out))) == m.image).all()
    assert "The judges say" in err
    status, out, _ = run(*MAKE, "-o", "-", "--format", "json")
    assert json.loads(out)["seed"] == 7


def test_a_picture_comes_from_a_file_or_from_standard_input(muddler, tmp_path):
    photo = png(255 - muddler.bundle.exemplars.images[1200].numpy(), scale=9)
    (tmp_path / "photo.png").write_bytes(photo)
    options = ["--target", "3", "-o", "-", "--scale", "1"]
    from_file = run("image", "photo.png", *options, cwd=tmp_path)
    assert from_file[0] == 0, from_file[2]
    assert run("image", "-", *options, stdin=photo)[1] == from_file[1]


def test_a_balance_leans(muddler, tmp_path, capsys):
    assert main(["make", "4", "--target", "9", "--balance", "0.2", "-o", str(tmp_path / "x.json")]) == 0
    scores = json.loads((tmp_path / "x.json").read_text())["scores"]
    assert scores["p_target"] < 0.4 < 0.6 < scores["p_digit"]


WRONG = [
    (["make", "11"], "digit 11 is not possible"),
    (["make", "4", "--target", "4"], "it must differ from the digit"),
    (["make", "4", "--seed", "-1"], "seed -1"),
    (["make", "4", "--steps", "99"], "steps 99"),
    (["make", "4", "--balance", "2"], "balance 2.0"),
    (["make", "4", "--balance", "0.3", "--strategy", "midpoint"], "midpoint knows no balance"),
    (["make", "4", "--scale", "0"], "scale 0"),
    (["make", "4", "-o", "x.bmp"], "end it in one of .png, .gif"),
    (["make", "4", "-o", "no/such/folder/x.png"], "cannot be written"),
    (["make", "4", "--bundle", "no/such/bundle/here"], "there is no bundle here"),
    (["image", "no-such-file.png"], "cannot be read"),
    (["image", "README.md"], "a file of another kind"),
    (["evaluate", "no-such-set"], "there is no data set here"),
]


@pytest.mark.parametrize(("words", "text"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_what_is_wrong_is_a_sentence_and_status_1(words, text, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(words) == 1
    said = capsys.readouterr()
    assert text in said.err
    assert said.out == ""


@pytest.mark.parametrize("words", [[], ["make"], ["make", "four"], ["make", "4", "--sed", "7"], ["dance"]])
def test_what_is_no_command_is_status_2_and_tells_the_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "usage: python -m muddle" in capsys.readouterr().err


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_has_examples_which_the_parser_takes(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"] if name else ["--help"])
    assert end.value.code == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "  python -m muddle " in line]
    assert lines
    for line in lines:
        words = line.split("python -m muddle ")[1].split("   ")[0].split(" | ")[0].split(" > ")[0].split()
        if "COMMAND" not in words:
            parser().parse_args(words)


def test_evaluate_prints_a_table_and_writes_what_is_asked(muddler, tmp_path, capsys, monkeypatch):
    make(muddler, Spec(30, balance=UNIFORM), tmp_path / "set")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\ndef predict(images):\n    return np.full((len(images), 10), 0.1)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    files = ["--diagram", "reliability.svg", "--json", "figures.json"]
    assert main(["evaluate", "set", "--model", "mine:predict", *files]) == 0
    said = capsys.readouterr().out
    rows = [line.split("|")[1].strip() for line in said.splitlines() if line.startswith("| ")]
    assert rows[:5] == ["classifier", "mine:predict", "plain", "smoothed", "ensemble"]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["mine:predict"]["hubris"] == 0
    assert figures["plain"]["hubris"] > figures["smoothed"]["hubris"]
    assert (tmp_path / "reliability.svg").read_text().startswith("<svg")


def test_serve_serves(tmp_path):
    port = free_port()
    with open(tmp_path / "log", "w+") as log:
        command = [sys.executable, "-m", "muddle", "serve", "--port", str(port)]
        child = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}", child, log, 60)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/muddle.png", timeout=60) as answer:
                assert answer.read().startswith(b"\x89PNG")
            status, _, err = run("serve", "--port", str(port))
            assert status == 1
            assert f"port {port} is not possible: it is taken" in err
        finally:
            child.terminate()
            child.wait(20)
