"""Which module imports which: downhill, by one door for each library; and importing does nothing."""

import ast
import graphlib
import json
import re

import pytest
from support.processes import ROOT, output

ORDER = [  # of the parts of the library: each imports only those before it, and nothing is exempt
    "errors", "parameters", "storage", "processes", "images", "recipe", "result", "networks", "bundle", "search",
    "muddler", "__init__", "verify", "export", "dataset", "evaluate", "votes", "ui", "commands", "cli", "__main__",
]  # fmt: skip
DOORS = {  # where alone a library is imported
    "gradio": "muddle/ui/",
    "starlette": "muddle/ui/",
    "huggingface_hub": ("muddle/bundle/hub.py", "muddle/votes/hub.py"),
    "safetensors": "muddle/bundle/",
    "PIL": "muddle/images/codecs.py",
    "pyarrow": "muddle/dataset/formats.py",
    "ray": "muddle/dataset/engines.py",
    "torchvision": "train/data.py",
    "mlxtend": "train/data.py",
    "matplotlib": ("train/sheets.py", "muddle/evaluate/figure.py", "muddle/votes/report.py"),
    "train": "train/",
}


def module_name(path):
    """muddle/ui/page.py is muddle.ui.page, muddle/ui/__init__.py is muddle.ui."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {module_name(path): path for top in ("muddle", "train") for path in sorted((ROOT / top).rglob("*.py"))} | {
    "app": ROOT / "app.py"
}


def imported(text, modules=SOURCES):
    """The modules that a source imports, at any depth; of our own exactly those that are meant."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            full = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in modules else node.module for name in full.values()}
    return names


IMPORTED = {name: imported(path.read_text()) for name, path in SOURCES.items()}


def part(module):
    """muddle.ui.page belongs to ui, muddle.cli to cli, and muddle itself to __init__."""
    return [*module.split("."), "__init__"][1]


def climbs(module, names):
    """The modules of the library among `names` that do not stand before a module of it."""
    ours = [name for name in names if name.split(".")[0] == "muddle" and part(name) != part(module)]
    return {name for name in ours if ORDER.index(part(name)) > ORDER.index(part(module))}


def trespasses(path, names):
    """The libraries among `names` to which a file is no door."""
    return {top for name in names if (top := name.split(".")[0]) in DOORS and not path.startswith(DOORS[top])}


def test_the_order_names_every_part_of_the_library():
    assert {part(module) for module in SOURCES if module.split(".")[0] == "muddle"} == set(ORDER)


def test_imports_run_downhill():
    library = {module: names for module, names in IMPORTED.items() if module.split(".")[0] == "muddle"}
    assert {module: wrong for module, names in library.items() if (wrong := climbs(module, names))} == {}


def test_a_climb_would_be_noticed():
    assert climbs("muddle.search.scorer", imported("def f():\n    from muddle import muddler")) == {"muddle.muddler"}
    assert climbs("muddle.muddler", imported("from muddle import Muddler")) == {"muddle"}
    assert climbs("muddle.ui.http", imported("import muddle.cli, muddle.ui.page, muddle.errors")) == {"muddle.cli"}


def test_no_import_goes_round_in_a_circle():
    graph = {module: names & SOURCES.keys() for module, names in IMPORTED.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())
    with pytest.raises(graphlib.CycleError):  # the control: two modules of one package
        graphlib.TopologicalSorter({**graph, "muddle.ui.http": {"muddle.ui.page"}}).prepare()


def test_each_library_has_one_door_and_the_library_never_imports_training():
    paths = {str(path.relative_to(ROOT)): IMPORTED[module] for module, path in SOURCES.items()}
    assert {path: wrong for path, names in paths.items() if (wrong := trespasses(path, names))} == {}


def test_a_trespass_would_be_noticed():
    assert trespasses("muddle/networks/judges.py", imported("def f():\n    import gradio.themes as g")) == {"gradio"}
    assert trespasses("muddle/networks/judges.py", imported("from train import data")) == {"train"}
    assert trespasses("muddle/ui/page.py", imported("import gradio")) == set()


def test_every_door_is_used():
    for library, door in DOORS.items():
        users = [path for module, path in SOURCES.items() if any(n.split(".")[0] == library for n in IMPORTED[module])]
        assert any(str(path.relative_to(ROOT)).startswith(door) for path in users), library


def test_no_import_is_for_type_checkers_only():
    assert [module for module, path in SOURCES.items() if re.search(r"\bTYPE_CHECKING\b", path.read_text())] == []


IMPORT = """
import importlib, json, signal, sys, threading

libraries, modules, absent = json.loads(sys.argv[1])
for library in libraries:
    importlib.import_module(library)
done, watching = [], False

def watch(event, args):
    reads_code = event == "open" and str(args[0]).endswith((".py", ".pyc", ".so"))
    acts = event == "open" or event.split(".")[0] in ("os", "shutil", "socket", "subprocess", "tempfile")
    if watching and acts and not reads_code and event != "os.listdir":
        done.append([event, str(args)[:100]])

def state():
    handlers = [str(signal.getsignal(number)) for number in signal.valid_signals()]
    return [threading.active_count(), handlers]

before = state()
sys.addaudithook(watch)
watching = True
for module in modules:
    if module.startswith("train"):  # the last ones
        done += [["loaded", name] for name in absent if name in sys.modules]
        absent = []
    importlib.import_module(module)
watching = False
print(json.dumps(done if state() == before else [*done, ["changed", str(state())]]))
"""
LIBRARIES = ["torch", "gradio", "PIL.Image", "safetensors.torch", "scipy.stats", "sklearn", "tqdm"]  # they do much


def importing(modules, libraries=(), absent=()):
    """What happens while modules are imported, after libraries, and which of `absent` are loaded before training is."""
    code = IMPORT.replace("sys.argv[1]", repr(json.dumps([list(libraries), list(modules), list(absent)])))
    return json.loads(output(code, PYTHONDONTWRITEBYTECODE="1"))


def test_importing_does_nothing_and_the_library_loads_nothing_of_training():
    modules = sorted(SOURCES, key=lambda module: module.startswith("train"))
    assert importing(modules, LIBRARIES, ["torchvision", "mlxtend", "ray", "train"]) == []


@pytest.mark.parametrize(
    "code",
    [
        "open('HERE/left', 'w').close()",
        "open('HERE/data.txt')",
        "import os; os.environ['LEFT'] = '1'",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import socket; socket.create_server(('127.0.0.1', 0)).close()",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "",
    ],
)
def test_a_module_that_does_something_would_be_noticed(code, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "module.py").write_text(code.replace("HERE", str(tmp_path)))
    (tmp_path / "data.txt").touch()
    assert (importing(["module"]) != []) == (code != "")


def test_what_is_loaded_too_early_would_be_noticed():
    assert importing(["json", "train"], absent=["json", "torchvision"]) == [["loaded", "json"]]
