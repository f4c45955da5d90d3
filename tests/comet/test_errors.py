"""The error tree: drawn as it is, and every status mapped."""

from __future__ import annotations

import inspect
import pickle

import pytest

from zenml_comet_tracker.comet import errors


def test_the_drawn_tree_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    assert len(classes) > 10
    assert [c.__name__ for c in classes if c.__name__ not in drawn] == []
    assert all(issubclass(c, errors.CometError) for c in classes)


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (400, 0, errors.StatusError, False),
        (400, 90212, errors.UnauthorizedError, False),
        (401, 0, errors.UnauthorizedError, False),
        (402, 0, errors.PaymentRequiredError, False),
        (403, 0, errors.ForbiddenError, False),
        (404, 0, errors.NotFoundError, False),
        (413, 0, errors.TooLargeError, False),
        (500, 0, errors.ServerFaultError, True),
        (503, 0, errors.ServerFaultError, True),
    ],
)
def test_each_status_has_its_error(status: int, code: int, kind: type, retryable: bool) -> None:
    error = errors.from_status("POST x", status, sdk_error_code=code, server_message="why")
    assert type(error) is kind
    assert error.retryable is retryable
    assert "why" in str(error)
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("status", "said", "advice"),
    [
        (401, "No user with such an API key!", "status 401: No user with such an API key! Check the API key"),
        (401, "", "status 401. Check the API key"),
        (402, "", "plan"),
        (403, "not yours.", "status 403: not yours. The account of the API key may not do this; ask an admin"),
        (404, "", "is the server's address right"),
        (404, "There is no experiment x.", "status 404: There is no experiment x."),
    ],
)
def test_a_refusal_says_what_to_do(status: int, said: str, advice: str) -> None:
    assert advice in str(errors.from_status("GET x", status, server_message=said))


def test_a_throttled_request_says_when_to_come_again() -> None:
    assert "asked again in 7 s" in str(errors.ThrottledError("GET x", retry_after=7.2))


@pytest.mark.parametrize(
    "error",
    [
        errors.from_status("GET x", 404, sdk_error_code=624522, server_message="no such thing"),
        errors.ThrottledError("GET x", retry_after=3.5),
        errors.PacedError("GET x", retry_after=3.5),
        errors.ReadOnlyError("POST x"),
        errors.PartlyDoneError("moved", ["a"], {"b": errors.ConnectionFailedError("cut")}, ["c"]),
        errors.JournalError("full"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_whole_from_a_worker_process(error: errors.CometError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))
    assert {name: repr(value) for name, value in vars(again).items()} == {
        name: repr(value) for name, value in vars(error).items()
    }
