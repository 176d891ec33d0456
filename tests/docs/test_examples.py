import html
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest
import yaml
from support.processes import ROOT, environment

from muddle.bundle.files import EMBEDDED
from muddle.images.codecs import png
from train.card import model_card
from train.embed import BEGIN, END, results

README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def block(language, containing):
    (found,) = [text for text in blocks(language) if containing in text]
    return found


def run(command, tmp_path, **changes):
    child = environment(PYTHONPATH=str(ROOT), **changes)
    done = subprocess.run(command, cwd=tmp_path, env=child, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_example_runs(tmp_path):
    said = run([sys.executable, "-c", block("python", "muddler = ")], tmp_path)
    assert said.startswith("(28, 28) uint8")


def test_the_client_example_runs(tmp_path, app):
    example = block("python", "gradio_client").replace("http://127.0.0.1:7860", app)
    said = run([sys.executable, "-c", example], tmp_path)
    assert "p_digit" in said
    assert (tmp_path / "muddle.png").read_bytes().startswith(b"\x89PNG")


def test_the_example_of_an_image_of_ones_own_runs(tmp_path, muddler):
    image = 255 - muddler.bundle.exemplars.images[1200].numpy()
    (tmp_path / "photo.png").write_bytes(png(image, scale=12))
    run([sys.executable, "-c", block("python", "prepare(read(")], tmp_path)
    assert (tmp_path / "muddled.png").read_bytes().startswith(b"\x89PNG")


def test_the_addresses_give_files(tmp_path, app):
    run(["bash", "-euc", block("bash", "muddle.gif").replace("http://127.0.0.1:7860", app)], tmp_path)
    starts = {"muddle.png": b"\x89PNG", "muddle.gif": b"GIF8", "muddle.json": b"{"}
    for name, start in starts.items():
        assert (tmp_path / name).read_bytes().startswith(start), name


def test_the_curl_example_runs(tmp_path, app):
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    example = block("bash", "event_id").replace("http://127.0.0.1:7860", app)
    said = run(["bash", "-euo", "pipefail", "-c", example], tmp_path, PATH=path)
    assert said.startswith("event: complete")
    answer = json.loads(said.split("data: ")[1])
    assert answer[0]["muddle"].startswith("data:image/png;base64,")


@pytest.mark.skipif(not shutil.which("npm"), reason="node and npm are not installed")
def test_the_javascript_example_runs(tmp_path, app):
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "@gradio/client"]
    try:
        subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install @gradio/client here: {error.stderr}")
    (tmp_path / "example.mjs").write_text(block("javascript", "@gradio/client").replace("http://127.0.0.1:7860", app))
    said = run(["node", "example.mjs"], tmp_path)
    assert "p_digit" in said
    assert "balance=0.3" in said


def test_the_picture_on_a_page_is_one(app):
    address = html.unescape(re.search(r'src="(.*?)"', block("html", "<img"))[1]).replace("http://127.0.0.1:7860", app)
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.headers["Content-Type"] == "image/png"


def test_the_agent_example_runs_at_the_address_of_the_configuration(tmp_path, app):
    (server,) = json.loads(block("json", "mcpServers"))["mcpServers"].values()
    example = block("python", "from mcp import Client")
    assert server["url"] in example
    said = run([sys.executable, "-c", example.replace("http://127.0.0.1:7860", app)], tmp_path)
    assert json.loads(said)["target"] == 9
    assert (tmp_path / "muddle.png").read_bytes().startswith(b"\x89PNG")


def test_the_commands_run(tmp_path, muddler):
    (tmp_path / "photo.png").write_bytes(png(255 - muddler.bundle.exemplars.images[1200].numpy(), scale=12))
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    run(["bash", "-euc", block("bash", "muddle make")], tmp_path, PATH=path)
    starts = {"muddle.png": b"\x89PNG", "leans-to-4.png": b"\x89PNG", "muddled.gif": b"GIF8"}
    for name, start in starts.items():
        assert (tmp_path / name).read_bytes().startswith(start), name


def test_the_data_set_commands_run(tmp_path):
    """With fewer images, and without installing what is there."""
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    making = block("bash", "muddle dataset").replace("pip install pyarrow\n", "").replace("10000", "30")
    run(["bash", "-euc", making], tmp_path, PATH=path)
    (tmp_path / "mine.py").write_text("import numpy\npredict = lambda images: numpy.full((len(images), 10), 0.1)\n")
    said = run(["bash", "-euc", block("bash", "muddle evaluate")], tmp_path, PATH=path)
    assert "| mine:predict |" in said
    assert (tmp_path / "reliability.svg").exists()


def test_the_results_are_the_reports():
    written = README.split(BEGIN)[1].split(END)[0].strip()
    assert written == results(json.loads((EMBEDDED / "report.json").read_text()))


def test_the_model_card_is_the_reports():
    report, config = (json.loads((EMBEDDED / name).read_text()) for name in ("report.json", "config.json"))
    assert (EMBEDDED / "README.md").read_text() == model_card(report, config)


def test_the_front_matter_is_a_spaces_and_names_the_gradio_that_is_installed():
    matter = yaml.safe_load(README.split("---")[1])
    pinned = re.search(r"^gradio==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert matter["sdk"] == "gradio"
    assert matter["sdk_version"] == pinned[1] == pytest.importorskip("gradio").__version__
    assert (ROOT / matter["app_file"]).is_file()
    assert isinstance(matter["python_version"], str)


def test_the_file_tree_names_every_module():
    tree = README.split("## Files")[1].split("```")[1]
    for path in [*(ROOT / "muddle").rglob("*.py"), *(ROOT / "train").glob("*.py")]:
        if not path.name.startswith("_"):
            assert path.name in tree, path


@pytest.mark.parametrize("picture", re.findall(r"\]\((docs/[^)]+)\)", README))
def test_every_picture_is_there(picture):
    assert (ROOT / picture).is_file()


def test_what_security_md_promises_has_tests():
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", (ROOT / "SECURITY.md").read_text())
    assert len(named) > 15
    for path, name in named:
        assert f"def {name}" in (ROOT / path).read_text(), name
