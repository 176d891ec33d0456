"""The examples in README.md and docs/ run, as they stand there."""

import html
import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from importlib.util import find_spec

import numpy as np
import pytest
from support.examples import bash, commands, python, run
from support.processes import ROOT
from support.voters import guess, query

from muddle import cli
from muddle.export.serialize import as_json
from muddle.images.codecs import png
from train import __main__ as train
from train.hub import deploy, publish

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCUMENTS)
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
ADDRESS = "http://127.0.0.1:7860"
EXAMPLES = {  # language, and a part of the text that is in no other example of that language
    "library": ("python", "print(m.scores)"),
    "many": ("python", "muddle_many"),
    "photo": ("python", "prepare(read("),
    "client": ("python", "gradio_client"),
    "agent": ("python", "from mcp import Client"),
    "agent's configuration": ("json", "mcpServers"),
    "javascript": ("javascript", "@gradio/client"),
    "picture on a page": ("html", "<img"),
    "one curl": ("bash", "/muddle.png?digit=4"),
    "files by curl": ("bash", "/muddle.gif"),
    "queue by curl": ("bash", "event_id"),
    "error by curl": ("bash", "x-error-code"),
    "commands": ("bash", "leans-to-4.png"),
    "more commands": ("bash", "muddle.npz"),
    "data set": ("bash", "--count 10000"),
    "mixed set": ("bash", "--mixed mnist"),
    "python data set": ("python", "make_dataset"),
    "evaluation": ("bash", "muddle evaluate"),
    "votes": ("bash", "muddle votes"),
}
STARTS = {"png": b"\x89PNG", "gif": b"GIF8", "webp": b"RIFF", "json": b"{", "npz": b"PK"}


def example(name, app=ADDRESS):
    language, part = EXAMPLES[name]
    (text,) = [text for other, text in BLOCKS if other == language and part in text]
    return text.replace(ADDRESS, app)


def has_files(tmp_path, *names):
    """Whether these files are there, each of the kind that its ending names."""
    return all((tmp_path / name).read_bytes().startswith(STARTS[name.split(".")[-1]]) for name in names)


@pytest.fixture
def photo(tmp_path, muddler):
    """A picture of a digit as black ink on white paper, photo.png."""
    (tmp_path / "photo.png").write_bytes(png(255 - muddler.bundle.exemplars.images[1200].numpy(), scale=12))


def test_every_example_is_one_that_a_test_runs():
    for language, text in BLOCKS:
        if language != "bibtex" and (language != "bash" or "curl" in text):
            names = [name for name, (other, part) in EXAMPLES.items() if other == language and part in text]
            assert len(names) == 1, text


def test_the_library(tmp_path):
    assert python(example("library"), tmp_path).startswith("(28, 28) uint8")


def test_many_muddles(tmp_path):
    assert "(2, 28, 28) (2, 10)" in python(example("many"), tmp_path)


def test_an_image_of_ones_own(tmp_path, photo):
    python(example("photo"), tmp_path)
    assert has_files(tmp_path, "muddled.png")


def test_commands(tmp_path, photo):
    commands(example("commands"), tmp_path)
    assert has_files(tmp_path, "muddle.png", "leans-to-4.png", "muddled.gif")


def test_more_commands(tmp_path, photo):
    commands(example("more commands"), tmp_path)
    assert has_files(tmp_path, "muddle.gif", "muddle.npz", "muddled.webp")


def test_a_data_set_and_its_evaluation(tmp_path, monkeypatch):
    """With fewer images, in one process, and without installing what is there."""
    small = example("data set").replace("pip install pyarrow\n", "").replace("10000", "30 --workers 1")
    commands(small, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text("import numpy\npredict = lambda images: numpy.full((len(images), 10), 0.1)\n")
    measure = example("evaluation").replace("pip install scipy matplotlib\n", "")
    assert "| mine:predict " in commands(measure, tmp_path)
    assert has_files(tmp_path, "figure.png")
    assert "mine:predict" in (tmp_path / "board.csv").read_text()


def test_votes_are_read(tmp_path):
    (tmp_path / "votes/data").mkdir(parents=True)
    lines = [guess(i, 4 if i % 2 else 9, query(seed=i % 4), version="4-238816d").to_line() for i in range(12)]
    (tmp_path / "votes/data/a.jsonl").write_text("\n".join(lines))
    assert "12 votes of 12 visits" in commands(example("votes"), tmp_path)
    assert has_files(tmp_path, "votes.png")


def test_a_data_set_in_python(tmp_path):
    assert python(example("python data set"), tmp_path).splitlines()[-1] == "(20, 28, 28) (20, 10) (20, 10, 10)"


def test_a_mixed_set(tmp_path, muddler):
    """With exemplars in the place of the download, and few images."""
    exemplars, folder = muddler.bundle.exemplars, tmp_path / "mnist/MNIST/raw"
    folder.mkdir(parents=True)
    for name, array in (("images-idx3", exemplars.images[::99]), ("labels-idx1", exemplars.labels[::99])):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        (folder / f"t10k-{name}-ubyte").write_bytes(head + array.numpy().astype(np.uint8).tobytes())
    text = example("mixed set")
    assert text.startswith('python -c "from torchvision.datasets import MNIST; MNIST(')
    commands(text.partition("\n")[2].replace("4000", "40 --workers 1"), tmp_path)
    assert "| real | 10 |" in (tmp_path / "mixed/README.md").read_text()


def test_files_by_curl(tmp_path, app):
    bash(example("one curl", app), tmp_path)
    bash(example("files by curl", app), tmp_path)
    assert has_files(tmp_path, "muddle.png", "muddle.gif", "muddle.json")


def test_gradios_queue_by_curl(tmp_path, app):
    events = bash(example("queue by curl", app), tmp_path)
    assert events.startswith("event: complete")
    (answer,) = json.loads(events.split("data: ")[1])
    assert answer["muddle"].startswith("data:image/png;base64,")


def test_an_error_by_curl(tmp_path, app):
    assert bash(example("error by curl", app), tmp_path).strip().lower() == "x-error-code: bad-digit"


def test_gradios_client(tmp_path, app):
    assert "p_digit" in run([sys.executable, "-c", example("client", app)], tmp_path)
    assert has_files(tmp_path, "muddle.png")


@pytest.mark.skipif(not shutil.which("npm"), reason="node and npm are not installed")
def test_javascript(tmp_path, app):
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "@gradio/client"]
    try:
        subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install @gradio/client here: {error.stderr}")
    (tmp_path / "example.mjs").write_text(example("javascript", app))
    printed = run(["node", "example.mjs"], tmp_path)
    assert "p_digit" in printed
    assert "balance=0.3" in printed


def test_a_picture_on_a_page(app):
    address = html.unescape(re.search(r'src="(.*?)"', example("picture on a page", app))[1])
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "image/png"


def test_an_agent_at_the_address_of_its_configuration(tmp_path, app):
    (server,) = json.loads(example("agent's configuration"))["mcpServers"].values()
    assert server["url"] in example("agent")
    assert json.loads(run([sys.executable, "-c", example("agent", app)], tmp_path))["target"] == 9
    assert has_files(tmp_path, "muddle.png")


def test_the_plain_addresses_give_what_their_table_says(app):
    rows = re.findall(r"^\| `(/[\w.]+)` \| (\w+/\w+) \|", TEXT, re.MULTILINE)
    assert len(rows) > 4
    for path, content_type in rows:
        with urllib.request.urlopen(f"{app}{path}?digit=4&target=9&steps=5", timeout=60) as answer:
            assert answer.headers["Content-Type"] == content_type, path


def test_the_table_of_the_answer_has_every_key(muddler):
    rows = TEXT.split("## The answer in JSON")[1].split("## ")[0].splitlines()
    keys = {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}
    assert keys == as_json(muddler.muddle(4, 9)).keys()


def programs(text):
    """The commands of a block without what joins them: words, those for the shell itself left out."""
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = [[]]
        for word in lexer:
            if word in ("&&", "|"):
                words.append([])
            else:
                words[-1].append(word)
        yield from (part[: part.index(">")] if ">" in part else part for part in words if part)


def test_the_options_in_commands_exist():
    parsers = {
        ("python", "-m", "train", "publish"): publish.parser(),
        ("python", "-m", "train", "deploy"): deploy.parser(),
        ("python", "-m", "train"): train.parser(),
        ("python", "-m", "muddle"): cli.parser(),
        ("muddle",): cli.parser(),
    }
    parsed = 0
    for language, text in BLOCKS:
        for words in programs(text) if language == "bash" and "curl" not in text else []:
            for program, parser in parsers.items():
                if tuple(words[: len(program)]) == program:
                    parser.parse_args(words[len(program) :])  # exits where an option does not exist
                    parsed += 1
                    break
    assert parsed > 10


def test_the_programs_that_are_named_exist():
    for module in re.findall(r"python -m ([\w.]+)", TEXT):
        assert find_spec(module), module
    for path in re.findall(r"python (\w[\w/]*\.py)", TEXT):
        assert (ROOT / path).is_file(), path


def test_the_notebook_runs_and_its_cells_are_those_that_its_pictures_show(tmp_path):
    cells = json.loads((ROOT / "docs/datasets.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    told = python("\n".join(["import matplotlib", "matplotlib.use('Agg')", *code]), tmp_path)
    assert "(soft labels)" in told
    assert (tmp_path / "digits/README.md").exists()
    shown = "".join(json.dumps(cell.get("outputs", [])) for cell in cells)
    assert shown.count("image/png") >= 5
    for line in told.splitlines():
        if line.startswith("<Muddle ?"):
            assert line[:40] in shown  # the same muddle as when the pictures were made
