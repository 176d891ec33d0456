import pytest
import torch

from muddle.networks.surrogate import Prediction
from train.distil import distance, errors, split, teachers_mean, total_variation

CODES = torch.randn(50, 10, generator=torch.Generator().manual_seed(0))


def predicted(shift=0.0):
    """Predictions for 50 of three teachers, of which the shift moves the first."""
    logits = torch.randn(50, 4, 10, generator=torch.Generator().manual_seed(1))
    logits[:, 0, 3] += shift
    return Prediction(logits, torch.linspace(-1, 1, 50), torch.linspace(0, 1, 50))


def answers_of(prediction):
    """The answers of teachers with whom the prediction agrees: (50, 42)."""
    logs = prediction.logits.log_softmax(-1).flatten(1)
    return torch.cat([logs, prediction.likeness[:, None], prediction.grey[:, None]], 1)


def test_who_predicts_the_answers_is_at_no_distance_and_errs_in_nothing():
    found = predicted()
    assert distance(found, answers_of(found)).item() == pytest.approx(0, abs=1e-6)
    assert errors(found, answers_of(found)) == {
        "same_first_label": 1,
        "total_variation": pytest.approx(0, abs=1e-6),
        "log_odds_error": pytest.approx(0, abs=1e-5),
    }


@pytest.mark.parametrize("column", Prediction._fields)
def test_whoever_predicts_a_column_otherwise_is_at_a_distance(column):
    other = predicted()._replace(**{column: getattr(predicted(), column).flip(0)})
    assert distance(other, answers_of(predicted())).item() > 0.001


def test_errors_are_those_of_the_teachers_mean():
    found = errors(predicted(5.0), answers_of(predicted()))
    assert found["same_first_label"] < 0.9
    assert 0.1 < found["total_variation"] < 1 / 3, "one of three teachers is wrong"
    assert found["log_odds_error"] > 0.01
    mean = predicted().teachers.softmax(-1).mean(1)
    torch.testing.assert_close(teachers_mean(answers_of(predicted())).exp(), mean)
    assert total_variation(mean, mean.flip(0)) > 0.1


def test_a_tenth_of_few_codes_is_held_out():
    answers = torch.arange(50)
    (codes, kept), (others, held_out) = split(CODES, answers, seed=0)
    assert (len(kept), len(held_out)) == (45, 5)
    assert sorted([*kept.tolist(), *held_out.tolist()]) == answers.tolist()
    assert CODES[kept].equal(codes)
    assert CODES[held_out].equal(others)
