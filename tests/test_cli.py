import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support.processes import ROOT, environment

from muddle import __version__, commands
from muddle.bundle import hub
from muddle.bundle.files import EMBEDDED
from muddle.bundle.hub import Published
from muddle.cli import EXAMPLES, main, parser
from muddle.errors import ArgumentError, BundleError, MuddleError
from muddle.images.codecs import png
from muddle.recipe import PARAMETERS
from muddle.ui import serve as pages

MAKE = ["make", "4", "--target", "9", "--seed", "7", "--steps", "5"]


@pytest.fixture(scope="module")
def m(muddler):
    return muddler.muddle(4, 9, seed=7, steps=5)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("MUDDLE_REPO", raising=False)


def decode(picture):
    return np.array(Image.open(io.BytesIO(picture)))


def test_a_muddle_comes_as_the_kind_of_file_that_the_name_says(m, tmp_path, capsys):
    out = {kind: tmp_path / f"out.{kind}" for kind in ("png", "gif", "webp", "json", "npz")}
    for path in out.values():
        assert main([*MAKE, "-o", str(path)]) == 0
        printed = capsys.readouterr()
        assert printed.out.strip() == str(path)
        assert printed.err.startswith("4 or 9? ")
    assert (decode(out["png"].read_bytes())[5::10, 5::10] == m.image).all()
    frames = [Image.open(io.BytesIO(out[kind].read_bytes())).n_frames for kind in ("gif", "webp")]
    assert frames == [8, 8]
    assert json.loads(out["json"].read_text())["soft_label"] == m.soft_label.tolist()
    with np.load(out["npz"]) as arrays:
        assert (arrays["frames"] == m.frames).all()
        assert (arrays["soft_label"] == m.soft_label).all()


def test_a_digit_alone_makes_muddle_png(muddler, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["make", "4"]) == 0
    assert capsys.readouterr().out == "muddle.png\n"
    assert (decode((tmp_path / "muddle.png").read_bytes())[::10, ::10] == muddler.muddle(4).image).all()


def test_a_dash_is_standard_output_and_nothing_else_is_written_there(m, capsysbinary):
    assert main([*MAKE, "-o", "-", "--scale", "1"]) == 0
    printed = capsysbinary.readouterr()
    assert (decode(printed.out) == m.image).all()
    assert printed.err.startswith(b"4 or 9? ")
    assert main([*MAKE, "-o", "-", "--format", "json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["seed"] == 7


def test_a_picture_comes_from_a_file_or_from_standard_input(muddler, tmp_path, monkeypatch, capsysbinary):
    photo = png(255 - muddler.bundle.exemplars.images[1200].numpy(), scale=9)
    (tmp_path / "photo.png").write_bytes(photo)
    options = ["--target", "3", "-o", "-", "--format", "json"]
    assert main(["image", str(tmp_path / "photo.png"), *options]) == 0
    from_file = capsysbinary.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(photo)))
    assert main(["image", "-", *options]) == 0
    assert capsysbinary.readouterr().out == from_file
    described = json.loads(from_file)
    assert (described["target"], described["source_index"]) == (3, None)
    assert main(["image", str(tmp_path / "photo.png"), "--digit", "8", *options]) == 0
    assert json.loads(capsysbinary.readouterr().out)["digit"] == 8


def test_every_parameter_reaches_the_muddle(muddler, tmp_path, capsys):
    path = tmp_path / "x.json"
    arguments = {"target": 9, "seed": 3, "strategy": "balanced", "steps": 4, "source": 1020, "balance": 0.2}
    words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
    assert main(["make", "4", *words, "-o", str(path)]) == 0
    described = json.loads(path.read_text())
    assert {name: described[name] for name in arguments if name != "source"} | {
        "source": described["source_index"]
    } == arguments
    assert described["query"] == muddler.muddle(4, **arguments).query
    assert described["scores"]["p_target"] < 0.4 < 0.6 < described["scores"]["p_digit"]


@pytest.mark.parametrize(("command", "missing"), [("make", {"image"}), ("image", {"image", "source"})])
def test_the_options_of_a_muddle_are_those_of_the_table(command, missing, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, parameter in PARAMETERS.items():
        option = name if (command, name) == ("make", "digit") else f"--{name} "
        if name in missing:
            assert f"--{name} " not in text
        else:
            assert option in text
            described = parameter.help[0].lower() + parameter.help[1:]
            assert described in text
            if option != name:
                assert f"(default: {parameter.none or parameter.default})" in text
    options = parser().parse_args([command, "4"])
    for name in PARAMETERS.keys() - missing - {"digit"}:
        assert getattr(options, name) == PARAMETERS[name].default


WRONG = [
    (["make", "11"], "bad-digit"),
    (["make", "4", "--target", "4"], "bad-target"),
    (["make", "4", "--seed", "-1"], "bad-seed"),
    (["make", "4", "--steps", "99"], "bad-steps"),
    (["make", "4", "--balance", "2"], "bad-balance"),
    (["make", "4", "--balance", "0.3", "--strategy", "midpoint"], "bad-balance"),
    (["make", "4", "--source", "3"], "bad-source"),
    (["make", "4", "--scale", "0"], "bad-scale"),
    (["make", "4", "--scale", "41"], "bad-scale"),
    (["make", "4", "-o", "x.bmp"], "bad-output"),
    (["make", "4", "-o", "no/such/folder/x.png"], "data"),
    (["make", "4", "--bundle", "no/such/bundle/here"], "bad-bundle"),
    (["image", "no-such-file.png"], "data"),
    (["image", "README.md"], "bad-image"),
    (["evaluate", "no-such-set"], "data"),
    (["verify", "no/such/bundle/here"], "bad-bundle"),
    (["serve", "--port", "0"], "bad-port"),
    (["serve", "--port", "65536"], "bad-port"),
    (["dataset", "--count", "0"], "bad-count"),
    (["dataset", "--count", "9", "--pairs", "4-4"], "bad-pairs"),
    (["dataset", "--count", "9", "--balance", "half"], "bad-balance"),
    (["dataset", "--count", "9", "--balance", "2"], "bad-balance"),
    (["dataset", "--count", "9", "--min-likeness", "99"], "bad-min"),
    (["dataset", "--count", "9", "--seed", "-1"], "bad-seed"),
    (["dataset", "--count", "9", "--shards", "10"], "bad-shards"),
    (["dataset", "--count", "9", "--split", "1"], "bad-split"),
    (["evaluate", "no-such-set", "--diagram", "x.gif"], "bad-diagram"),
    (["evaluate", "no-such-set", "--resamples", "1"], "bad-resamples"),
    (["dataset", "--count", "9", "--workers", "0"], "bad-workers"),
    (["dataset", "--count", "9", "--push", "name"], "bad-push"),
]


@pytest.mark.parametrize(("words", "code"), WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_a_value_that_cannot_be_is_an_error_with_its_code_and_nothing_is_written(words, code, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    if words[0] == "dataset":
        words = [*words, "--out", "set"]
    options = parser().parse_args(words)
    with pytest.raises(MuddleError) as caught:
        options.run(options)
    assert caught.value.code == code
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_an_error_is_a_sentence_on_standard_error_and_status_1(capsys):
    assert main(["make", "11"]) == 1
    printed = capsys.readouterr()
    assert printed == ("", f"{ArgumentError('digit', 11, PARAMETERS['digit'].kind.allowed)}\n")


@pytest.mark.parametrize(
    "words",
    [[], ["make"], ["make", "four"], ["make", "4", "--sed", "7"], ["make", "4", "--strategy", "best"], ["dance"]],
)
def test_options_that_do_not_exist_are_status_2_and_show_the_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words, prog="python -m muddle")
    assert end.value.code == 2
    assert "usage: python -m muddle" in capsys.readouterr().err


@pytest.mark.parametrize("prog", ["muddle", "python -m muddle"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_help_has_examples_which_the_parser_takes(name, prog, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"] if name else ["--help"], prog)
    assert end.value.code == 0
    usage, _, examples = capsys.readouterr().out.partition("examples:\n")
    assert usage.startswith(f"usage: {prog} {name}".rstrip())
    lines = [line for line in examples.splitlines() if f" {prog} " in line]
    assert lines
    for line in lines:
        words = line.split(f" {prog} ")[1].split("   ")[0].split(" | ")[0].split(" > ")[0].split()
        if "COMMAND" not in words:
            assert parser().parse_args(words).command == name or not name


def test_an_interruption_is_status_130(monkeypatch, capsys):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "verify", interrupt)
    assert main(["verify"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_is_no_traceback():
    code = """
import sys
from muddle import cli, commands
def verify(options):
    sys.stdin.read()
    sys.stdout.buffer.write(bytes(100))
    sys.stdout.buffer.flush()
commands.verify = verify
sys.exit(cli.main(["verify"]))
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    buffered = environment(PYTHONUNBUFFERED="")  # so that Python writes once more, and fails, at its exit
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=buffered, **pipes)
    child.stdout.close()
    child.stdin.close()  # what the child waits for before it writes
    with child.stderr:
        printed = child.stderr.read()
    assert (child.wait(60), printed) == (1, b"")


def test_help_does_not_wait_for_torch():
    code = """
import sys
from muddle.cli import main
try:
    main(["--help"])
except SystemExit:
    sys.exit(bool({"torch", "gradio"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_data_set_is_made_and_evaluated(muddler, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make = ["dataset", "--count", "8", "--out", "set", "--pairs", "4-9,3-5", "--workers", "1", "--shards", "2"]
    assert main(make) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "8 images in set"
    assert main(make) == 0
    again = capsys.readouterr().out.splitlines()
    assert again == ["8 images in set (2 shards were there)", second]
    spec = json.loads((tmp_path / "set/dataset.json").read_text())["spec"]
    assert (spec["count"], spec["pairs"], spec["balance"], spec["shards"]) == (8, "4-9,3-5", 0.5, 2)

    mine = "import numpy as np\ndef predict(images):\n    return np.full((len(images), 10), 0.1)\n"
    (tmp_path / "mine.py").write_text(mine)
    monkeypatch.syspath_prepend(tmp_path)
    files = ["--diagram", "figure.svg", "--json", "figures.json", "--csv", "figures.csv"]
    words = ["evaluate", "set", "--model", "mine:predict", "--resamples", "10"]
    assert main([*words, *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    anchors = ["(soft labels)", "(one judge)", "(clueless)"]
    assert rows == ["classifier", "mine:predict", "plain", "smoothed", "ensemble", *anchors]
    assert lines[-3:] == ["figure.svg", "figures.json", "figures.csv"]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == rows[1:]
    assert figures["mine:predict"]["figures"]["brier"]["value"] == 0.9
    assert "mine:predict,all,brier,0.9" in (tmp_path / "figures.csv").read_text()
    assert "<svg" in (tmp_path / "figure.svg").read_text()
    for _ in range(2):  # the second time it has them already
        assert main([*words, "--split", "test", "--leaderboard", "board.csv"]) == 0
        assert len((tmp_path / "board.csv").read_text().splitlines()) == 8
    assert "board.csv" in capsys.readouterr().out


def test_a_mixed_set_and_one_of_two_splits_are_made_by_their_options(tmp_path, capsys):
    out = ["--workers", "1", "--format", "npz", "--out"]
    assert main(["dataset", "--count", "10", "--split", "0.6", *out, str(tmp_path / "two")]) == 0
    assert sorted(path.name for path in (tmp_path / "two/data").iterdir()) == ["test", "train"]
    assert main(["dataset", "--count", "10", "--mixed", str(tmp_path), *out, str(tmp_path / "mixed")]) == 1
    assert "torchvision.datasets.MNIST" in capsys.readouterr().err
    assert not (tmp_path / "mixed").exists()


def test_a_data_set_is_uploaded_only_after_the_name_and_the_owner_are_checked(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(hub, "check_owner", lambda repo: calls.append(("owner", repo, (tmp_path / "set").exists())))

    def upload(folder, repo, **options):
        calls.append(("upload", repo, options["kind"], options["private"], (folder / "README.md").exists()))
        return Published("https://hub/datasets/me/digits", "c0ffee")

    monkeypatch.setattr(hub, "upload", upload)
    words = ["--count", "2", "--format", "npz", "--out", str(tmp_path / "set"), "--push", "me/digits", "--private"]
    assert main(["dataset", *words]) == 0
    assert calls == [("owner", "me/digits", False), ("upload", "me/digits", "dataset", True, True)]
    assert capsys.readouterr().out.splitlines()[-2:] == ["https://hub/datasets/me/digits", "revision c0ffee"]


def test_verify_tells_whether_the_sample_comes_out_and_from_which_bundle(bundle_copy, capsys, monkeypatch):
    assert main(["verify", str(bundle_copy)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["bundle", str(bundle_copy)]
    assert main(["verify", str(EMBEDDED)]) == 0
    capsys.readouterr()
    monkeypatch.setenv("MUDDLE_REPO", "no/such/bundle/here")
    assert main(["verify"]) == 1
    assert "no/such/bundle/here" in capsys.readouterr().err


@pytest.fixture
def page(monkeypatch):
    """The arguments of the page that `serve` would start, and what starting it raises."""
    calls = []

    def serve(source=None, revision=None, **options):
        calls.append((source, revision, options))
        if isinstance(calls[0], Exception):
            raise calls[0]

    monkeypatch.setattr(pages, "serve", serve)
    return calls


def test_serve_passes_its_options_on(page):
    assert main(["serve"]) == 0
    assert main(["serve", "--host", "0.0.0.0", "--port", "8000", "--bundle", "me/mine", "--revision", "v1"]) == 0
    assert page == [
        (None, None, {"server_name": "127.0.0.1", "server_port": 7860}),
        ("me/mine", "v1", {"server_name": "0.0.0.0", "server_port": 8000}),
    ]


@pytest.mark.parametrize(
    ("raised", "code"),
    [(OSError("Cannot find empty port in range: 7860-7860."), "bad-port"), (BundleError("x", "y", "z"), "bad-bundle")],
)
def test_a_taken_port_and_a_bad_bundle_are_errors_of_serve(raised, code, page):
    page.append(raised)
    options = parser().parse_args(["serve"])
    with pytest.raises(MuddleError) as caught:
        options.run(options)
    assert caught.value.code == code


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"MNIST Muddle {__version__}\n"


def test_a_picture_of_no_digit_is_doubted_and_a_digit_is_not(muddler, tmp_path, capsys):
    window = np.zeros((28, 28), np.uint8)
    window[4:24, 4:24] = 255
    window[7:13, 7:13] = window[7:13, 15:21] = window[15:21, 7:13] = window[15:21, 15:21] = 0
    for name, image in (("window", window), ("digit", muddler.bundle.exemplars.images[300].numpy())):
        (tmp_path / f"{name}.png").write_bytes(png(image))
        assert main(["image", str(tmp_path / f"{name}.png"), "-o", str(tmp_path / "out.png")]) == 0
        assert ("Is the picture a digit?" in capsys.readouterr().err) == (name == "window")


def test_a_full_disk_leaves_what_was_there(muddler, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.gif").write_bytes(b"before")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("muddle.storage.os.fsync", full)
    assert main(["make", "4", "-o", str(tmp_path / "a.gif")]) == 1
    assert "No space left" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]
    assert (tmp_path / "a.gif").read_bytes() == b"before"
