from train.run import Run
from train.stages.data import run_stage


def test_it_counts_both_splits(few_digits, capsys):
    run_stage(Run(source="mnist-5k"))
    training, test = capsys.readouterr().out.splitlines()
    assert (training.split()[0], test.split()[0]) == ("800", "200")
    assert training.endswith(str([80] * 10))
    assert test.endswith(str([20] * 10))
