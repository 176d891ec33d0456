import dataclasses
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from support.processes import ROOT, environment

from muddle.dataset.card import tenths
from muddle.dataset.engines import ENGINES, run_on_ray
from muddle.dataset.formats import read_set
from muddle.dataset.generate import generate, make_rows, make_shard
from muddle.dataset.spec import PAIRS, UNIFORM, Spec
from muddle.errors import DataError


@pytest.fixture(scope="session")
def whole(muddler, small, tmp_path_factory):
    """The folder of the small set as npz, made without an interruption, and its outcome."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    return folder, generate(muddler, small, folder, form="npz")


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
    for column, expected in zip(make_rows(muddler, small, range(7, 12)), rows, strict=True):
        np.testing.assert_array_equal(column, expected[7:12])


def test_a_shard_is_the_same_from_a_copy_of_the_muddler_as_other_processes_get_it(muddler, small, whole):
    task = pickle.loads(pickle.dumps(partial(make_shard, muddler, small, "npz")))
    ((name, data),) = task(1).items()
    assert data == (whole[0] / "data" / name).read_bytes()


def test_pairs_take_turns_and_draws_follow_the_specification(small, rows):
    assert list(zip(rows.digit.tolist(), rows.target.tolist(), strict=True)) == list(PAIRS[:16])
    draws = list(zip(rows.seed.tolist(), rows.balance.tolist(), strict=True))
    assert draws == [small.draw(i, 0) for i in range(16)]


def test_uniform_is_spread_and_the_share_that_comes_out_follows_the_balance(muddler):
    rows = make_rows(muddler, Spec(count=60, balance=UNIFORM), range(60))
    assert np.corrcoef(rows.target_share(), rows.balance)[0, 1] > 0.9
    assert (tenths(rows) > 1).all()


def test_images_that_look_little_like_digits_are_replaced_by_the_next_attempt(muddler):
    spec = Spec(count=20, pairs=((4, 9), (3, 5)), min_likeness=40, shards=1)
    strict, loose = (make_rows(muddler, s, range(20)) for s in (spec, dataclasses.replace(spec, min_likeness=0)))
    assert strict.likeness.min() >= 40 > loose.likeness.min()
    good = loose.likeness >= 40
    assert (strict.image[good] == loose.image[good]).all()
    attempts = {int(i): [spec.draw(i, attempt)[0] for attempt in range(100)] for i in strict.index[~good]}
    assert all(strict.seed[i] in seeds[1:] for i, seeds in attempts.items())


def test_a_likeness_that_no_seed_reaches_is_a_data_error(muddler, monkeypatch):
    monkeypatch.setattr("muddle.dataset.generate.TRIES", 2)
    with pytest.raises(DataError) as caught:
        make_rows(muddler, Spec(count=4, min_likeness=95), range(4))
    assert caught.value.code == "data"


def test_the_note_has_every_hash_and_the_outcome_stands_for_all_files(muddler, small, whole):
    folder, outcome = whole
    files = contents(folder)
    note = json.loads(files["dataset.json"])
    assert note["files"] == {name: sha256(data) for name, data in files.items() if name.startswith("data/")}
    assert list(note["files"]) == [f"data/test-0000{shard}-of-00002.npz" for shard in (0, 1)]
    assert (note["spec"], note["format"]) == (small.as_json(), "npz")
    assert (note["version"], note["bundle"]) == (muddler.version, muddler.fingerprint)
    assert sorted(files) == sorted([*note["files"], "dataset.json", "README.md", "samples.png"])
    listing = "".join(f"{sha256(files[name])}  {name}\n" for name in sorted(files))
    assert outcome == (16, 0, sha256(listing.encode()))


def test_the_set_holds_the_rows_of_its_specification(whole, rows):
    for column, expected in zip(read_set(whole[0]), rows, strict=True):
        np.testing.assert_array_equal(column, expected)


def test_a_finished_set_is_left_as_it_is_by_another_start(muddler, small, whole):
    folder, outcome = whole
    before = contents(folder)
    assert generate(muddler, small, folder, form="npz") == outcome._replace(resumed=2)
    assert contents(folder) == before


class Killed(BaseException):
    """Like a kill, caught by nothing."""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_interruption_at_any_write_leaves_a_set_that_a_second_start_completes(call, muddler, tmp_path, monkeypatch):
    """Every write is interrupted once: when its bytes are in the partial file, and when that has got its name."""
    spec = Spec(count=4, shards=2)
    shards = {shard: make_shard(muddler, spec, "png", shard) for shard in range(2)}  # of three files each
    monkeypatch.setitem(ENGINES, "ready", lambda task, missing, workers: ((shard, shards[shard]) for shard in missing))
    through = generate(muddler, spec, tmp_path / "through", form="png", engine="ready")
    files = contents(tmp_path / "through")
    original, writes = getattr(os, call), len(files) + 1  # the note is written twice
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
                generate(muddler, spec, folder, form="png", engine="ready")
        assert generate(muddler, spec, folder, form="png", engine="ready").sha256 == through.sha256, fatal
        assert contents(folder) == files, fatal


KILLED = """
import os, signal, sys
from muddle.cli import main
replace, calls = os.replace, iter(range(1, 9))
def replace_and_die(*arguments):
    replace(*arguments)
    if next(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = replace_and_die
main(sys.argv[1:])
"""


def test_a_kill_of_the_command_loses_nothing_that_was_written(muddler, tmp_path):
    """The command is killed after the note and two of four shards; another process completes the set."""
    words = ["--count", "16", "--balance", "uniform", "--seed", "3", "--shards", "4", "--format", "npz"]
    command = [sys.executable, "-c", KILLED, "dataset", *words, "--workers", "1", "--out", str(tmp_path / "set")]
    child = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, env=child, capture_output=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(list(tmp_path.glob("set/data/*.npz"))) == 2
    (tmp_path / "set/data/test-00003-of-00004.npz.99.part").write_bytes(b"half a fi")
    with pytest.raises(DataError):
        read_set(tmp_path / "set")
    spec = Spec(count=16, balance=UNIFORM, seed=3, shards=4)
    through = generate(muddler, spec, tmp_path / "through", form="npz")
    assert generate(muddler, spec, tmp_path / "set", form="npz") == through._replace(resumed=2)
    assert contents(tmp_path / "set") == contents(tmp_path / "through")


def test_an_engine_that_fails_loses_no_shard_that_it_gave(muddler, small, whole, tmp_path, monkeypatch):
    def failing(task, missing, workers):
        yield missing[0], task(missing[0])
        raise DataError("a worker was killed")

    monkeypatch.setitem(ENGINES, "failing", failing)
    with pytest.raises(DataError, match="a worker was killed"):
        generate(muddler, small, tmp_path / "set", form="npz", engine="failing")
    assert generate(muddler, small, tmp_path / "set", form="npz") == whole[1]._replace(resumed=1)


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
    outcome = generate(muddler, small, tmp_path / "set", form="npz", engine="ray", workers=1)
    assert os.path.exists(died)
    assert outcome == whole[1]
    assert contents(tmp_path / "set") == contents(whole[0])


def test_what_else_is_in_the_folder_is_not_touched(muddler, small, whole, tmp_path):
    folder = whole[0]
    before = contents(folder)
    for spec, form in ((dataclasses.replace(small, seed=4), "npz"), (small, "parquet")):
        with pytest.raises(DataError):
            generate(muddler, spec, folder, form=form)
    assert contents(folder) == before
    for name, text in (("notes.txt", "mine"), ("dataset.json", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(text)
        with pytest.raises(DataError):
            generate(muddler, small, tmp_path / name)
        assert contents(tmp_path / name) == {name: text.encode()}
    with pytest.raises(DataError):
        generate(muddler, small, tmp_path / "notes.txt/notes.txt/set")


def test_a_full_disk_is_a_data_error_and_leaves_no_partial_file(muddler, small, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as caught:
        generate(muddler, small, tmp_path / "set")
    assert caught.value.code == "data"
    assert not list(tmp_path.rglob("*.part"))


def test_progress_is_on_standard_error_of_a_terminal_only(muddler, small, tmp_path, capsys):
    generate(muddler, dataclasses.replace(small, count=2), tmp_path / "set", form="npz")
    assert capsys.readouterr() == ("", "")
