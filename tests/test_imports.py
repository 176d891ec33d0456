import ast
import subprocess
import sys

import pytest
from support.processes import ROOT, environment

# Who may import what. Everything else may not.
DOORS = {
    "gradio": ("muddle/ui/",),
    "huggingface_hub": ("muddle/hub.py",),
    "safetensors": ("muddle/bundle.py", "muddle/weights.py"),
    "PIL": ("muddle/render.py",),
    "torchvision": ("train/data.py",),
    "mlxtend": ("train/data.py",),
    "matplotlib": ("train/sheets.py",),
}
RANKS = [  # imports run downhill: a module imports only what stands before it
    "errors", "arguments", "recipe", "render", "present", "writers", "drawing", "results", "autoencoder", "judge",
    "latent", "likeness", "metrics", "pixels", "projection", "surrogate", "bundle", "folding", "critic", "quality",
    "strategies", "hub", "locate", "pipeline", "verify",
    "dataset", "formats", "datacard", "factory", "weights", "classifiers", "evaluate", "reliability", "ui", "commands",
    "__main__",
]  # fmt: skip


def sources():
    return [p for top in ("muddle", "train") for p in sorted((ROOT / top).rglob("*.py"))] + [ROOT / "app.py"]


def imported(text):
    """Every module that the source text imports, at any depth, but for those it imports for type checkers only."""
    names = set()
    tree = ast.parse(text)
    checked = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    ignored = {inner for node in checked for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def trespasses(path, text):
    """Which doors a file goes through without being one."""
    tops = {name.split(".")[0] for name in imported(text)}
    wrong = {top for top in tops & DOORS.keys() if not path.startswith(DOORS[top])}
    return wrong | ({"train"} if "train" in tops and not path.startswith("train/") else set())


def test_each_library_has_one_door_and_the_library_never_imports_training():
    for path in sources():
        assert not trespasses(str(path.relative_to(ROOT)), path.read_text()), path


def test_the_rule_would_notice():
    assert trespasses("muddle/judge.py", "def f():\n    import gradio.themes as g") == {"gradio"}
    assert trespasses("muddle/judge.py", "from train import data") == {"train"}
    assert not trespasses("muddle/ui/page.py", "import gradio")


def test_imports_run_downhill():
    for path in (ROOT / "muddle").glob("*.py"):
        if path.name == "__init__.py" or path.stem == "pipeline":  # from_pretrained reaches up to locate, when called
            continue
        rank = RANKS.index(path.stem)
        for name in imported(path.read_text()):
            parts = name.split(".")
            if parts[0] == "muddle" and len(parts) > 1 and parts[1] in RANKS:
                assert RANKS.index(parts[1]) < rank, f"{path.name} imports {name}"


@pytest.mark.parametrize("module", ["app", "muddle", "muddle.ui.serve", "train.__main__"])
def test_importing_does_nothing_and_the_app_never_loads_torchvision(module):
    code = f"import sys, {module}; print('torchvision' in sys.modules, 'mlxtend' in sys.modules)"
    child = environment(PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=child, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
