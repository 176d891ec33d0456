import inspect
import pickle
import re

import pytest

from muddle import errors
from muddle.errors import ArgumentError, BundleError, BusyError, DataError, HubError, MuddleError, RequestError


def test_an_argument_error_names_the_argument_then_what_is_allowed_then_the_value():
    """The one test of this sentence: elsewhere codes are asserted, so that words can improve."""
    error = ArgumentError("digit", 11, "a whole number from 0 to 9")
    assert str(error) == "digit must be a whole number from 0 to 9, not 11."
    assert (error.name, error.value, error.allowed) == ("digit", 11, "a whole number from 0 to 9")


def test_a_long_value_is_shortened():
    assert len(str(ArgumentError("digit", "9" * 10**6, "a whole number"))) < 120


@pytest.mark.parametrize(
    ("name", "code"), [("digit", "bad-digit"), ("only_picture", "bad-only-picture"), ("digits, targets", "bad-digits")]
)
def test_the_code_is_made_of_the_arguments_name(name, code):
    assert ArgumentError(name, None, "something").code == code


def test_a_busy_server_says_when_to_ask_again():
    error = BusyError(7)
    assert (error.code, error.status, error.seconds) == ("busy", 503, 7)
    assert "7 s" in str(error)


def test_every_error_is_a_muddle_error_and_says_so_in_its_code():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) >= 6
    for kind in kinds:
        assert issubclass(kind, MuddleError)
        assert re.fullmatch("[a-z-]+", kind.code)


@pytest.mark.parametrize(
    "error",
    [
        MuddleError("Draw a digit first."),
        ArgumentError("only_picture", "yes", "true or false"),
        RequestError("too-large", "The request is too long.", 413),
        BusyError(7, "Too much is being sent."),
        BundleError("here", "there is nothing", "Look elsewhere."),
        HubError("user/repo", "cannot be reached", "Try again."),
        DataError("There is no such file."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_out_of_another_process_as_it_went_in(error):
    other = pickle.loads(pickle.dumps(error))
    assert type(other) is type(error)
    assert (str(other), other.code, vars(other)) == (str(error), error.code, vars(error))
