import dataclasses
import hashlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import islice

import numpy as np
import pytest
from support.processes import ROOT, environment

from muddle.dataset.card import tenths
from muddle.dataset.engines import ENGINES, run_on_ray
from muddle.dataset.folder import SUMS, SetFolder, read_dataset
from muddle.dataset.generate import Outcome, generate, make_dataset, make_rows, make_shard
from muddle.dataset.spec import UNIFORM, Shard, Spec
from muddle.errors import ArgumentError, DataError, MuddleError


@pytest.fixture(scope="session")
def whole(muddler, small, tmp_path_factory):
    """The folder of the small set as npz, made without an interruption, and its outcome."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    return folder, make(muddler, small, folder, form="npz")


def make(muddler, spec, folder, form="npz", engine="local", workers=1):
    return generate(muddler, spec, SetFolder(folder), None, form, engine, workers)


def rows_of(muddler, spec, indices=None):
    """Some rows of a set that is all test."""
    return make_rows(muddler, spec, Shard("test", "test", indices or range(spec.count)))


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_every_row_is_the_muddle_that_it_names(muddler, rows):
    for i in range(0, 16, 5):
        m = muddler.muddle(
            int(rows.digit[i]), int(rows.target[i]), seed=int(rows.seed[i]), balance=float(rows.balance[i])
        )
        assert (m.image == rows.image[i]).all()
        assert (m.soft_label == rows.soft_label[i]).all()
        assert (m.source_index, m.partner_index) == (rows.source[i], rows.partner[i])
        scores = {name: getattr(rows, name)[i] for name in vars(m.scores)}
        assert vars(m.scores) == scores


def test_a_part_of_a_set_is_the_same_alone(muddler, small, rows):
    part = rows_of(muddler, small, range(7, 12))
    for name, column in vars(part).items():
        np.testing.assert_array_equal(column, vars(rows)[name][7:12], name)


def test_a_shard_is_the_same_from_a_copy_of_the_muddler_as_other_processes_get_it(muddler, small, whole):
    task = pickle.loads(pickle.dumps(partial(make_shard, muddler, small, None, "npz")))
    ((name, data),) = task(1).items()
    assert data == (whole[0] / "data" / name).read_bytes()


def test_pairs_and_draws_follow_the_specification(small, rows):
    assert list(zip(rows.digit.tolist(), rows.target.tolist(), strict=True)) == [small.pair(i) for i in range(16)]
    assert rows.balance.tolist() == [small.draw_balance(i) for i in range(16)]
    assert rows.seed.tolist() == [next(small.seeds(i)) for i in range(16)]


def test_uniform_is_spread_and_the_share_that_comes_out_follows_the_balance(muddler):
    rows = rows_of(muddler, Spec(count=150, balance=UNIFORM))
    assert np.corrcoef(rows.target_share(), rows.balance)[0, 1] > 0.9
    assert (tenths(rows) > 5).all()


def test_images_that_look_little_like_digits_are_replaced_by_the_next_attempt(muddler):
    spec = Spec(count=20, pairs=((4, 9), (3, 5)), balance=UNIFORM, min_likeness=40, shards=1)
    strict, loose = (rows_of(muddler, s) for s in (spec, dataclasses.replace(spec, min_likeness=0)))
    assert strict.likeness.min() >= 40 > loose.likeness.min()
    good = loose.likeness >= 40
    assert (strict.image[good] == loose.image[good]).all()
    assert not good.all()
    attempts = {int(i): list(islice(spec.seeds(i), 100)) for i in strict.index[~good]}
    assert all(strict.seed[i] in seeds[1:] for i, seeds in attempts.items())
    assert (strict.balance == loose.balance).all()  # as drawn


def test_a_likeness_that_no_seed_reaches_is_a_data_error(muddler, monkeypatch):
    monkeypatch.setattr("muddle.dataset.generate.TRIES", 2)
    with pytest.raises(DataError) as caught:
        rows_of(muddler, Spec(count=4, min_likeness=95))
    assert caught.value.code == "data"


def test_a_likeness_out_of_reach_is_told_at_once_with_what_is_and_leaves_the_folder_free(muddler, tmp_path):
    options = {"count": 10**6, "pairs": [(0, 1), (4, 9)], "form": "npz", "muddler": muddler}
    with pytest.raises(ArgumentError, match="0-1") as caught:
        make_dataset(tmp_path / "set", min_likeness=94, **options)
    assert caught.value.code == "bad-min"
    reached = float(re.search(r"at most (\d+)", str(caught.value))[1])
    assert 0 < reached < 94
    assert not (tmp_path / "set").exists()
    assert make_dataset(tmp_path / "set", **{**options, "count": 2}, min_likeness=reached / 2).count == 2


def test_each_half_of_the_exemplars_has_its_split(muddler, tmp_path):
    spec = Spec(count=24, train=0.5, pairs=((4, 9), (3, 5)), shards=1)
    for shard, parity in zip(spec.parts(), (0, 1), strict=True):
        rows = make_rows(muddler, spec, shard)
        assert {*(rows.source % 2), *(rows.partner % 2)} == {parity}
        assert rows.index.tolist() == list(shard.indices)


def test_wrong_arguments_are_refused_before_anything_is_made(muddler, tmp_path):
    cases = {"form": "csv", "engine": "dask", "workers": 0, "count": 10.0, "pairs": [[4]], "real": tmp_path}
    for name, value in cases.items():
        with pytest.raises(MuddleError):
            make_dataset(tmp_path / "set", **{"count": 4, "muddler": muddler, name: value})
    assert not (tmp_path / "set").exists()


def test_the_note_has_every_hash_and_the_outcome_stands_for_all_files(muddler, small, whole):
    folder, outcome = whole
    files = contents(folder)
    note = json.loads(files["dataset.json"])
    names = [f"data/test/0000{shard}-of-00002.npz" for shard in (0, 1)]
    assert files[SUMS].decode() == "".join(f"{sha256(files[name])}  {name}\n" for name in names)
    assert note["sums"] == sha256(files[SUMS])
    assert (note["spec"], note["format"]) == (small.as_json(), "npz")
    assert (note["version"], note["bundle"]) == (muddler.version, muddler.fingerprint)
    assert sorted(files) == sorted([*names, "dataset.json", SUMS, "README.md", "samples.png"])
    assert outcome == Outcome(16, 0, note["sums"])


def test_the_set_holds_the_rows_of_its_specification(whole, rows):
    for name, column in vars(read_dataset(whole[0])).items():
        np.testing.assert_array_equal(column, vars(rows)[name], name)


def test_a_finished_set_is_left_as_it_is_by_another_start(muddler, small, whole):
    folder, outcome = whole
    before = contents(folder)
    assert make(muddler, small, folder, form="npz") == outcome._replace(resumed=2)
    assert contents(folder) == before


class Killed(BaseException):
    """Like a kill, caught by nothing."""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_interruption_at_any_write_leaves_a_set_that_a_second_start_completes(call, muddler, tmp_path, monkeypatch):
    """Every write is interrupted once: when its bytes are in the partial file, and when that has got its name."""
    spec = Spec(count=4, shards=2)
    shards = {shard: make_shard(muddler, spec, None, "png", shard) for shard in range(2)}  # of three files each
    monkeypatch.setitem(ENGINES, "ready", lambda task, missing, workers: ((shard, shards[shard]) for shard in missing))
    original, counted = getattr(os, call), []
    with monkeypatch.context() as patch:
        patch.setattr(os, call, lambda *arguments: counted.append(original(*arguments)))
        through = make(muddler, spec, tmp_path / "through", form="png", engine="ready")
    files, writes = contents(tmp_path / "through"), len(counted)
    assert writes > len(files)
    for fatal in range(writes):
        calls = iter(range(writes))

        def interrupt(*arguments, calls=calls, fatal=fatal):
            original(*arguments)
            if next(calls) == fatal:
                raise Killed

        folder = tmp_path / str(fatal)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, interrupt)
            with pytest.raises(Killed):
                make(muddler, spec, folder, form="png", engine="ready")
        assert make(muddler, spec, folder, form="png", engine="ready").sha256 == through.sha256, fatal
        assert contents(folder) == files, fatal


KILLED = """
import os, signal, sys
from muddle.cli import main
from muddle.dataset.folder import SetFolder
append, calls = SetFolder.add_shard, iter(range(1, 9))
def append_and_die(*arguments):
    append(*arguments)
    if next(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
SetFolder.add_shard = append_and_die
main(sys.argv[1:])
"""


def test_a_kill_of_the_command_loses_nothing_that_was_written(muddler, tmp_path):
    """The command is killed after the note and two of four shards; another process completes the set."""
    words = ["--count", "16", "--balance", "uniform", "--seed", "3", "--shards", "4", "--format", "npz"]
    command = [sys.executable, "-c", KILLED, "dataset", *words, "--workers", "1", "--out", str(tmp_path / "set")]
    child = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, env=child, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(list(tmp_path.glob("set/data/test/*.npz"))) == 2
    (tmp_path / "set/data/test/00003-of-00004.npz.99.part").write_bytes(b"half a fi")
    with pytest.raises(DataError):
        read_dataset(tmp_path / "set")
    spec = Spec(count=16, balance=UNIFORM, seed=3, shards=4)
    through = make(muddler, spec, tmp_path / "through", form="npz")
    assert make(muddler, spec, tmp_path / "set", form="npz") == through._replace(resumed=2)
    assert contents(tmp_path / "set") == contents(tmp_path / "through")


def test_an_engine_that_fails_loses_no_shard_that_it_gave(muddler, small, whole, tmp_path, monkeypatch):
    def failing(task, missing, workers):
        yield missing[0], task(missing[0])
        raise DataError("a worker was killed")

    monkeypatch.setitem(ENGINES, "failing", failing)
    with pytest.raises(DataError, match="a worker was killed"):
        make(muddler, small, tmp_path / "set", form="npz", engine="failing")
    assert make(muddler, small, tmp_path / "set", form="npz") == whole[1]._replace(resumed=1)


def test_ray_makes_the_same_bytes_and_replaces_a_worker_that_is_killed(muddler, small, whole, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    died = str(tmp_path / "died")

    def engine(task, missing, workers):
        def die_once(shard):  # a function of a function: Ray sends it by its code
            import os
            import signal

            if shard == 1 and not os.path.exists(died):
                open(died, "x").close()
                os.kill(os.getpid(), signal.SIGKILL)
            return task(shard)

        return run_on_ray(die_once, missing, workers)

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setitem(ENGINES, "ray", engine)
    outcome = make(muddler, small, tmp_path / "set", form="npz", engine="ray", workers=1)
    assert os.path.exists(died)
    assert outcome == whole[1]
    assert contents(tmp_path / "set") == contents(whole[0])


def test_what_else_is_in_the_folder_is_not_touched(muddler, small, whole, tmp_path):
    folder = whole[0]
    before = contents(folder)
    for spec, form in ((dataclasses.replace(small, seed=4), "npz"), (small, "parquet")):
        with pytest.raises(DataError):
            make(muddler, spec, folder, form=form)
    assert contents(folder) == before
    for name, text in (("notes.txt", "mine"), ("dataset.json", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
        with pytest.raises(DataError):
            make(muddler, small, tmp_path / name)
        assert contents(tmp_path / name) == {name: text.encode()}
    with pytest.raises(DataError):
        make(muddler, small, tmp_path / "notes.txt/notes.txt/set")
    with pytest.raises(DataError, match="no folder can be made"):
        make(muddler, small, tmp_path / "notes.txt/notes.txt")


def test_a_full_disk_is_a_data_error_and_leaves_no_partial_file(muddler, small, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as caught:
        make(muddler, small, tmp_path / "set")
    assert caught.value.code == "data"
    assert not list(tmp_path.rglob("*.part"))


def test_progress_is_on_standard_error_of_a_terminal_only(muddler, small, tmp_path, capsys):
    make(muddler, dataclasses.replace(small, count=2), tmp_path / "set", form="npz")
    assert capsys.readouterr() == ("", "")


def test_a_stop_from_the_keyboard_is_a_word_and_a_second_start_goes_on(tmp_path):
    command = [sys.executable, "-m", "muddle", "dataset", "--count", "2000", "--workers", "2", "--format", "npz"]
    out = ["--out", str(tmp_path / "set")]
    child = environment(PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    running = subprocess.Popen(
        [*command, *out], env=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for _ in range(600):
        if (tmp_path / "set" / SUMS).exists():
            break
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C does: to all of them
    told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert told[1].splitlines()[-1] == "Stopped."
    assert "Traceback" not in told[1]
    there = SetFolder(tmp_path / "set").sums()
    assert 1 <= len(there) < 8
    SetFolder(tmp_path / "set").read_note()
