import json

import numpy as np
import pytest
from support.voters import drawn, guess

from muddle.errors import DataError
from muddle.recipe import Recipe
from muddle.votes.vote import muddle_id
from train.__main__ import main
from train.votes import ENOUGH, Fit, fit, learn, mixed


def study(seed, weights, temperature=1.0, muddles=400, voters=6):
    """People who follow judges with known weights and one temperature: votes and the judges' shares."""
    generator = np.random.default_rng(seed)
    shares = generator.beta(0.6, 0.6, (muddles, len(weights)))
    truth = mixed(Fit(np.array(weights), np.full(len(weights), temperature)), shares)
    return (*drawn(truth, voters, generator), shares)


def test_known_weights_and_temperatures_are_recovered():
    weights = [0.6, 0.3, 0.1, 0.0]
    found = fit(*study(0, weights, muddles=2000))
    np.testing.assert_allclose(found.weights, weights, atol=0.06)
    found = fit(*study(1, [0.25] * 4, temperature=2.0, muddles=2000))
    np.testing.assert_allclose(found.temperatures, 2.0, rtol=0.25)
    np.testing.assert_allclose(found.weights, 0.25, atol=0.06)


def test_the_gain_is_what_following_the_right_judge_brings():
    learnt = learn(*study(2, [1.0, 0.0, 0.0]))
    assert learnt.gain.low > 0.05
    assert learnt.votes == 2400


def test_where_there_is_nothing_to_learn_the_gain_is_none():
    learnt = learn(*study(3, [0.25] * 4))
    assert learnt.gain.low < 0.005
    assert learnt.gain.high > -0.02
    np.testing.assert_allclose(learnt.fit.weights, 0.25, atol=0.1)


def test_too_few_votes_are_refused():
    first, second, shares = study(4, [0.5, 0.5], muddles=ENOUGH // 6 - 1)
    with pytest.raises(DataError, match=f"from {ENOUGH} on"):
        learn(first, second, shares)


def test_the_command_fits_votes_of_a_folder_and_touches_no_bundle(muddler, tmp_path, capsys):
    batch = muddler.muddle_many(4, 9, range(30), balances=np.linspace(0.1, 0.9, 30))
    generator = np.random.default_rng(0)
    (tmp_path / "votes/data").mkdir(parents=True)
    with open(tmp_path / "votes/data/v.jsonl", "w") as file:
        for seed, (balance, p) in enumerate(zip(np.linspace(0.1, 0.9, 30), batch.soft_labels, strict=True)):
            name = muddle_id(Recipe(digit=4, target=9, seed=seed, balance=float(balance)))
            for who in range(20):
                answer = 9 if generator.random() < p[9] / (p[4] + p[9]) else 4
                line = guess(100 * seed + who, answer, name, version=muddler.version).to_line()
                file.write(f"{line}\n")
    assert main(["judge", "--votes", str(tmp_path / "votes"), "--out", str(tmp_path / "run")]) == 0
    assert "gain on unseen muddles" in capsys.readouterr().out
    content = json.loads((tmp_path / "run/work/judge/votes.json").read_text())
    assert content["votes"] == 600
    assert sum(judge["weight"] for judge in content["judges"].values()) == pytest.approx(1)
    assert not (tmp_path / "run/bundle").exists()
    assert main(["panel", "--votes", str(tmp_path / "votes"), "--out", str(tmp_path / "run")]) == 1
    assert "only the stage judge" in capsys.readouterr().err
