"""Every error of the client.

CometError
├── ConfigurationError           a setting that cannot be used, or is missing
├── InvalidArgumentError         a call that cannot mean anything: a wrong word, a pattern, a name of two experiments
├── InvalidValueError            a value that cannot be logged (raised only under strict)
├── InvalidQueryError            a query that means nothing, or not what it looks like
├── JournalError                 the journal cannot be written or read
├── ExportError                  a folder that holds no whole export, or cannot take one
├── DeliveryError                strict mode: something logged was refused or not delivered
├── PartlyDoneError              a call on many experiments that was done for some of them only
├── DownloadError                a file is in the way, would land elsewhere, or arrived damaged
└── RequestError                 a request did not lead to the answer it asked for
    ├── ConnectionFailedError    no answer: refused, unreachable, cut, timed out, TLS
    ├── BrokenAnswerError        an answer with a good status that is cut or not what was promised
    ├── PacedError               not sent yet: our allowance of requests is used up
    ├── OccupiedError            not sent yet: another process of this machine is at the same thing
    ├── TakenError               not sent at all: the experiment exists and is not to be joined
    ├── ReadOnlyError            not sent at all: a write from where one may only read, as in a panel
    └── StatusError              an answer with another status
        ├── UnauthorizedError    401, or an API key the server does not know
        ├── PaymentRequiredError 402
        ├── ForbiddenError       403
        ├── NotFoundError        404
        ├── NotFinalError        an artifact's version whose files are still coming, or never came
        ├── TryAgainError        408, 425
        ├── TooLargeError        413
        ├── ThrottledError       429
        └── ServerFaultError     5xx

`retryable` says whether the same request may succeed later without anybody changing anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

API_KEY_UNKNOWN = 90212
ARTIFACT_VERSION_EXISTS = 90399
EXPERIMENT_EXISTS = 90999


class CometError(Exception):
    """Base of everything this client raises. Each can be pickled, so that it comes back from a worker process."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Of itself an exception would be made again from its message alone, and a pool wait for it for ever.
        return _again, (type(self), self.args, self.__dict__)


class ConfigurationError(CometError, ValueError):
    """A setting that cannot be used, or is missing; the message says where to set it."""


class InvalidArgumentError(CometError, ValueError):
    """A call that cannot mean anything; the message says what was wrong and what was expected. Nothing was sent."""


class InvalidValueError(CometError, ValueError):
    """A value that cannot be logged; the message says what was expected."""


class InvalidQueryError(CometError, ValueError):
    """A query that means nothing, or not what it looks like; the message shows the right form."""


class JournalError(CometError, OSError):
    """The journal cannot be written or read."""


class ExportError(CometError, ValueError):
    """A folder that holds no whole export, or cannot take one; the message names the file."""


class PartlyDoneError(CometError):
    """A call on many experiments was done for some of them only.

    Attributes: `done` (their keys), `failed` (why, by key) and `left` (keys that were not tried any more).
    """

    def __init__(self, what: str, done: Sequence[str], failed: Mapping[str, CometError], left: Sequence[str]) -> None:
        total = len(done) + len(failed) + len(left)
        reasons = "; ".join(f"{key}: {str(error).rstrip('.')}" for key, error in list(failed.items())[:5])
        untried = f" {len(left)} were not tried." if left else ""
        super().__init__(f"{len(done)} of {total} experiments were {what}. Not: {reasons}.{untried}")
        self.done = list(done)
        self.failed = dict(failed)
        self.left = list(left)


class DeliveryError(CometError):
    """Under `strict`: something that was logged was refused, dropped or not delivered in time."""


class DownloadError(CometError):
    """A file was not put where it was to go: another is there, the name leads elsewhere, or what came is damaged."""


class RequestError(CometError):
    """A request did not lead to the answer it asked for."""

    retryable = True


class ConnectionFailedError(RequestError):
    """No answer came: refused, unreachable, cut, timed out or untrusted.

    `stage` is where it ended: `proxy` (which refused), `tls` (certificate or handshake), `proof` (the program at a
    loopback port is not the key's server), else `answer`.
    """

    def __init__(self, message: str, *, stage: str = "answer") -> None:
        super().__init__(message)
        self.stage = stage


class BrokenAnswerError(RequestError):
    """The status was good, the body was cut or not what was promised; counts as not delivered."""


class PacedError(RequestError):
    """Not sent: what the server allows within a time is used up; `retry_after` seconds from now there is room."""

    def __init__(self, what: str, *, retry_after: float) -> None:
        super().__init__(f"{what} waits {max(1, round(retry_after))} s: the API key's allowance of requests is used up")
        self.retry_after = retry_after


class OccupiedError(RequestError):
    """Not sent: another process of this machine does the same right now."""


class TakenError(RequestError):
    """Not sent: the experiment exists, and was to be a new one."""

    retryable = False


class ReadOnlyError(RequestError):
    """Not sent: it would have written, and this connection may only read."""

    retryable = False

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} would write, and inside a panel Comet may only be read; log from a script of its own instead"
        )


class StatusError(RequestError):
    """The server answered with an error.

    Attributes: `status` (HTTP), `sdk_error_code` (Comet's own, 0 when absent), `server_message` (empty unless the
    answer was Comet's JSON).
    """

    retryable = False
    # What to do, in every message, and in those to which the server said nothing of Comet's.
    advice = ""
    advice_unspoken = ""

    @property
    def about_the_body(self) -> bool:
        """Whether the server will never take this body: not our key, our plan or the way to the server is at fault.

        A gateway in between answers 400 and 422 too, but not with Comet's JSON; 413 counts from anybody.
        """
        return self.status == 413 or (type(self) is StatusError and self.status in (400, 422) and self.spoken)

    def __init__(self, what: str, *, status: int, sdk_error_code: int = 0, server_message: str = "") -> None:
        said = f": {server_message}" if server_message else ""
        told = f"{what} was answered with status {status}{said}"
        advice = self.advice or ("" if server_message else self.advice_unspoken)
        stop = "" if told.endswith((".", "!", "?")) else "."
        super().__init__(f"{told}{stop} {advice}" if advice else told)
        self.status = status
        self.sdk_error_code = sdk_error_code
        self.server_message = server_message
        self.spoken = bool(server_message)


class UnauthorizedError(StatusError):
    """The server does not accept the API key."""

    advice = "Check the API key, and that it is this server's: api_key=..., COMET_API_KEY or the configuration file."


class PaymentRequiredError(StatusError):
    """The account's plan does not cover the request."""

    advice = "The plan of the API key's account does not cover it."


class ForbiddenError(StatusError):
    """The API key is known but may not do this."""

    advice = "The account of the API key may not do this; ask an admin of the workspace."


class NotFoundError(StatusError):
    """What was asked for does not exist, or this server does not have the endpoint."""

    advice_unspoken = "Nothing of Comet's answered there; is the server's address right (url=..., COMET_URL_OVERRIDE)?"


class NotFinalError(StatusError):
    """The artifact's version is not final: its files are still on their way, or their upload failed."""


class TryAgainError(StatusError):
    """The server asks for the same request once more."""

    retryable = True


class TooLargeError(StatusError):
    """The body is larger than the server takes."""


class ThrottledError(StatusError):
    """Too many requests; `retry_after` is how many seconds the server wants to be left alone."""

    retryable = True

    def __init__(self, what: str, *, retry_after: float, server_message: str = "") -> None:
        self.advice = f"It may be asked again in {max(1, round(retry_after))} s."
        super().__init__(what, status=429, server_message=server_message)
        self.retry_after = retry_after


class ServerFaultError(StatusError):
    """The server failed (5xx)."""

    retryable = True


_BY_CODE: dict[int, type[StatusError]] = {
    API_KEY_UNKNOWN: UnauthorizedError,
    90402: NotFinalError,
    90403: NotFinalError,
    624522: NotFoundError,
    624523: NotFoundError,
}

_BY_STATUS: dict[int, type[StatusError]] = {
    401: UnauthorizedError,
    402: PaymentRequiredError,
    403: ForbiddenError,
    404: NotFoundError,
    408: TryAgainError,
    413: TooLargeError,
    425: TryAgainError,
}


def from_status(what: str, status: int, *, sdk_error_code: int = 0, server_message: str = "") -> StatusError:
    """The error for a status other than success and 429."""
    if sdk_error_code in _BY_CODE:
        kind: type[StatusError] = _BY_CODE[sdk_error_code]
    elif status >= 500:
        kind = ServerFaultError
    else:
        kind = _BY_STATUS.get(status, StatusError)
    return kind(what, status=status, sdk_error_code=sdk_error_code, server_message=server_message)


def _again(kind: type[CometError], args: tuple[Any, ...], members: dict[str, Any]) -> CometError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(members)
    return error
