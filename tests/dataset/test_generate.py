import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support.processes import ROOT, environment
from hypothesis import given
from hypothesis import strategies as st

from muddle.dataset.card import tenths
from muddle.dataset.spec import PAIRS, UNIFORM, Spec, parse_pairs, rows_of
from muddle.errors import ArgumentError, DataError
from muddle.dataset.generate import make
from muddle.dataset.formats import FORMATS, from_idx, idx, read_set, stem

SMALL = Spec(24, balance=UNIFORM, seed=3, shards=4)


@pytest.fixture(scope="module")
def rows(muddler):
    return rows_of(muddler, SMALL, range(24))


@given(st.integers(1, 10_000), st.integers(1, 300))
def test_shards_share_the_images_without_gap_or_overlap(count, shards):
    spec = Spec(count, shards=min(shards, count)).checked()
    places = [i for shard in range(spec.shards) for i in spec.places(shard)]
    assert places == list(range(count))


@pytest.mark.parametrize(("count", "shards"), [(1, 1), (50, 1), (120, 3), (1000, 8), (10_000, 20), (10**7, 256)])
def test_there_are_enough_shards_to_share_and_not_too_many(count, shards):
    assert Spec(count).checked().shards == shards


def test_every_row_is_the_muddle_that_it_names(muddler, rows):
    for i in range(0, 24, 5):
        m = muddler.muddle(
            int(rows.digit[i]), int(rows.target[i]), seed=int(rows.seed[i]), balance=float(rows.balance[i])
        )
        assert (m.image == rows.image[i]).all()
        assert (m.soft_label == rows.soft_label[i]).all()
        assert (m.source_index, m.partner_index) == (rows.source[i], rows.partner[i])
        scores = (rows.p_digit[i], rows.p_target[i], rows.entropy[i], rows.likeness[i], rows.grey[i])
        assert tuple(vars(m.scores).values()) == scores


def test_a_part_of_a_set_is_the_same_alone(muddler, rows):
    part = rows_of(muddler, SMALL, range(7, 12))
    for column, whole in zip(part, rows, strict=True):
        assert (column == whole[7:12]).all()


def test_pairs_take_turns(rows):
    assert list(zip(rows.digit.tolist(), rows.target.tolist(), strict=True)) == list(PAIRS[:24])


def test_another_seed_draws_others(muddler, rows):
    other = rows_of(muddler, Spec(24, balance=UNIFORM, seed=4, shards=4), range(24))
    assert not (other.seed == rows.seed).any()
    assert not (other.balance == rows.balance).any()


def test_uniform_is_spread_and_what_comes_out_follows_what_was_asked(muddler):
    rows = rows_of(muddler, Spec(90, balance=UNIFORM).checked(), range(90))
    assert np.corrcoef(rows.share(), rows.balance)[0, 1] > 0.9
    assert (tenths(rows) > 1).all()


def test_images_that_are_little_like_digits_are_replaced(muddler):
    spec = Spec(20, pairs=((4, 9), (3, 5)), min_likeness=40.0, shards=1)
    strict, loose = (rows_of(muddler, s, range(20)) for s in (spec, Spec(20, pairs=spec.pairs, shards=1)))
    assert strict.likeness.min() >= 40 > loose.likeness.min()
    fine = loose.likeness >= 40
    assert (strict.image[fine] == loose.image[fine]).all(), "what was good enough has stayed"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"count": 0}, "count 0"),
        ({"count": 5, "shards": 6}, "shards 6"),
        ({"count": 5, "balance": 1.5}, "balance 1.5"),
        ({"count": 5, "balance": float("nan")}, "balance nan"),
        ({"count": 5, "balance": "even"}, "balance 'even'"),
        ({"count": 5, "min_likeness": 99}, "min-likeness 99"),
        ({"count": 5, "min_likeness": float("nan")}, "min-likeness nan"),
        ({"count": 5, "seed": -1}, "seed -1"),
        ({"count": 5, "pairs": ()}, "pairs"),
        ({"count": 5, "pairs": ((4, 4),)}, "pairs"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(wrong, text):
    with pytest.raises(ArgumentError, match=text):
        Spec(**wrong).checked()


def test_pairs_are_read_from_text():
    assert parse_pairs("all") == PAIRS
    assert parse_pairs("4-9, 3-5,4-9") == ((4, 9), (3, 5))
    for text in ("", "4", "4-4", "4-10", "a-b", "4-9-3", "4-9,"):
        with pytest.raises(ArgumentError, match="give pairs of unequal digits"):
            parse_pairs(text)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_is_read_back(form, rows, tmp_path):
    for name, data in FORMATS[form].write("test-00000-of-00001", rows).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    back = FORMATS[form].read(tmp_path, "test-00000-of-00001")
    for name, column, same in zip(rows._fields, rows, back, strict=True):
        assert column.dtype == same.dtype, name
        assert (column == same).all(), name


@given(st.integers(0, 3), st.sampled_from([np.uint8, np.float64]))
def test_idx_keeps_shape_and_values(dimensions, kind):
    array = np.arange(2**dimensions, dtype=kind).reshape((2,) * dimensions)
    back = from_idx(idx(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert (back == array).all()


def test_idx_is_what_mnists_readers_read(rows):
    data = FORMATS["idx"].write("x", rows)["x-images-idx3-ubyte"]
    assert data[:4] == b"\x00\x00\x08\x03"
    assert np.frombuffer(data, ">u4", 3, 4).tolist() == [24, 28, 28]
    assert data[16:] == rows.image.tobytes()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("form", ["parquet", "png"])
def test_the_datasets_library_opens_it(form, muddler, rows, tmp_path):
    make(muddler, SMALL, tmp_path / "set", form=form)
    code = """
import sys, json
from datasets import load_dataset
d = load_dataset(sys.argv[1], split="test", cache_dir=sys.argv[2])
first = d[0]
print(json.dumps([str(d.features), d.num_rows, list(first["image"].getdata()), first["digit"], first["target"],
    first["soft_label"], first["seed"], first["index"]]))
"""
    offline = environment(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HOME=str(tmp_path / "home"))
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "set"), str(tmp_path / "cache")]
    done = subprocess.run(command, env=offline, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    features, count, pixels, digit, target, soft, seed, i = json.loads(done.stdout)
    assert "'image': Image(" in features
    assert (count, digit, target, seed) == (24, rows.digit[i], rows.target[i], rows.seed[i])
    assert pixels == rows.image[i].ravel().tolist()
    assert soft == rows.soft_label[i].tolist()
    if form == "parquet":  # in folders of pictures, the parts come in any order
        assert i == 0
        assert "'digit': ClassLabel(names=['0'" in features
        assert "length=10" in features


def test_the_bytes_do_not_depend_on_workers(muddler, tmp_path):
    alone = make(muddler, SMALL, tmp_path / "one")
    assert alone.count == 24
    assert make(muddler, SMALL, tmp_path / "two", workers=2).sha256 == alone.sha256
    assert make(muddler, Spec(24, balance=0.5, seed=3, shards=4), tmp_path / "other").sha256 != alone.sha256


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_kill_at_any_moment_leaves_what_a_second_start_completes(tmp_path):
    """The command, killed twice as it goes, and its like that ran through."""
    command = [sys.executable, "-m", "muddle", "dataset", "--count", "64", "--shards", "8", "--workers", "2"]
    start = {"cwd": ROOT, "env": environment(), "stderr": subprocess.DEVNULL, "text": True}
    through = subprocess.run([*command, "--out", str(tmp_path / "a")], stdout=subprocess.PIPE, check=True, **start)
    killed = [*command, "--out", str(tmp_path / "b")]
    for wanted in (1, 4):
        child = subprocess.Popen(killed, stdout=subprocess.DEVNULL, start_new_session=True, **start)
        end = time.monotonic() + 120
        while len(list(tmp_path.glob("b/data/*.parquet"))) < wanted and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    (tmp_path / "b/data/test-00007-of-00008.parquet.99.part").write_bytes(b"half a fi")
    assert 4 <= len(list(tmp_path.glob("b/data/*.parquet"))) < 8
    with pytest.raises(DataError, match="not finished"):
        read_set(tmp_path / "b")
    again = subprocess.run(killed, stdout=subprocess.PIPE, check=True, **start)
    assert "shards were there" in again.stdout
    assert again.stdout.splitlines()[-1] == through.stdout.splitlines()[-1]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for the workers in /proc")
def test_workers_end_with_a_command_that_is_killed(tmp_path):
    command = [sys.executable, "-m", "muddle", "dataset", "--count", "40", "--shards", "20", "--workers", "2"]
    child = subprocess.Popen([*command, "--out", str(tmp_path / "set")], cwd=ROOT, env=environment())
    end = time.monotonic() + 120
    while not list(tmp_path.glob("set/data/*.parquet")) and time.monotonic() < end:
        time.sleep(0.02)
    workers = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    assert len(workers) >= 2
    child.kill()
    child.wait()
    while any(_runs(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid):
    with contextlib.suppress(OSError):
        return b"\nState:\tZ" not in Path(f"/proc/{pid}/status").read_bytes()
    return False


def test_a_worker_that_is_killed_is_a_sentence_and_loses_nothing(muddler, tmp_path, monkeypatch):
    monkeypatch.setattr("muddle.factory._alone", _dies_at_two)
    with pytest.raises(DataError, match="ended from outside"):
        make(muddler, SMALL, tmp_path / "set", workers=2)
    monkeypatch.undo()
    assert make(muddler, SMALL, tmp_path / "set").sha256 == make(muddler, SMALL, tmp_path / "through").sha256


def _dies_at_two(muddler, spec, form, shard):
    from muddle.dataset.generate import shard_files

    if shard == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return shard_files(muddler, spec, form, shard)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for the worker in /proc")
def test_a_ray_worker_that_is_killed_is_replaced(muddler, tmp_path):
    """Two workers make six shards; the first that is seen at work is killed."""
    pytest.importorskip("ray")
    spec = Spec(60, balance=UNIFORM, shards=6)
    killed = []
    hunter = threading.Thread(target=lambda: killed.extend(_kill_a_worker(b"ray::_alone")), daemon=True)
    hunter.start()
    made = make(muddler, spec, tmp_path / "ray", engine="ray", workers=2)
    hunter.join(1)
    assert killed
    assert made.sha256 == make(muddler, spec, tmp_path / "local").sha256
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def _kill_a_worker(name):
    """The id of the first child of a child of this process that has that name, after its end."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if entry.read_bytes().startswith(name):
                    os.kill(int(entry.parent.name), signal.SIGKILL)
                    return [int(entry.parent.name)]
        time.sleep(0.01)
    return []


def test_ray_that_cannot_be_reached_is_a_sentence(muddler, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(DataError, match="Ray could not do it"):
        make(muddler, SMALL, tmp_path / "set", engine="ray")


def test_another_set_in_the_folder_is_not_touched(muddler, tmp_path):
    make(muddler, SMALL, tmp_path / "set")
    before = contents(tmp_path / "set")
    for other, form in ((Spec(24, balance=UNIFORM, seed=4, shards=4), "parquet"), (SMALL, "npz")):
        with pytest.raises(DataError, match="another data set is there"):
            make(muddler, other, tmp_path / "set", form=form)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    with pytest.raises(DataError, match="not empty"):
        make(muddler, SMALL, tmp_path / "mine")
    assert contents(tmp_path / "set") == before
    assert contents(tmp_path / "mine") == {"notes.txt": b"keep"}


def test_a_finished_set_is_left_as_it_is_by_another_start(muddler, tmp_path):
    first = make(muddler, SMALL, tmp_path / "set")
    again = make(muddler, SMALL, tmp_path / "set")
    assert (again.sha256, again.resumed) == (first.sha256, 4)


def test_a_full_disk_is_a_sentence(muddler, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("muddle.factory.os.fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        make(muddler, SMALL, tmp_path / "set")
    assert not list(tmp_path.rglob("*.part"))


def test_no_set_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="there is no data set here"):
        read_set(tmp_path)


def test_the_card_tells_what_is_in_the_set(muddler, rows, tmp_path):
    make(muddler, SMALL, tmp_path / "set")
    card = (tmp_path / "set/README.md").read_text()
    assert "# 24 digits of known ambiguity" in card
    assert "path: data/test-*.parquet" in card
    shares = [float(share) for share in re.findall(r"^[01]\.\d to [01]\.\d +([\d.]+) %", card, re.MULTILINE)]
    assert shares == pytest.approx(list(100 * tenths(rows) / 24), abs=0.05)
    assert f"1 ({rows.entropy[0]:.2f})" in card
    assert (tmp_path / "set/samples.png").read_bytes().startswith(b"\x89PNG")
    hashes = json.loads((tmp_path / "set/dataset.json").read_text())["files"]
    assert len(hashes) == 4
    assert stem(0, 4) + ".parquet" in next(iter(hashes))


def test_what_is_wrong_with_the_command_is_a_sentence(tmp_path, capsys):
    from muddle.__main__ import main

    out = ["--out", str(tmp_path / "x")]
    for extra, text in (
        (["--count", "0"], "count 0"),
        (["--count", "9", "--pairs", "4-4"], "pairs '4-4'"),
        (["--count", "9", "--balance", "half"], "balance 'half'"),
        (["--count", "9", "--workers", "0"], "workers 0"),
        (["--count", "9", "--push", "name"], "push 'name'"),
    ):
        assert main(["dataset", *out, *extra]) == 1
        assert text in capsys.readouterr().err
    with contextlib.suppress(FileNotFoundError):
        assert not list((tmp_path / "x").iterdir())
