"""What a command that failed tells: one message to stderr, and an exit code by kind.

| Code | Meaning                                            |
| ---- | -------------------------------------------------- |
| 1    | anything else                                      |
| 2    | the command was typed wrongly                      |
| 3    | the port is taken                                  |
| 4    | the data folder cannot be used                     |
| 5    | the server did not start or stop, or lacks a package |
| 6    | no server is running                               |
| 7    | the server has no such thing                       |
| 8    | the server does not take the API key for this      |
| 9    | the server gave no answer                          |
| 10   | no API key, or a setting that cannot be used       |
| 11.. | `doctor`: see diagnosis/findings.py                |
"""

from __future__ import annotations

import click

from zenml_comet_tracker.comet.errors import (
    CometError,
    ConfigurationError,
    ConnectionFailedError,
    ForbiddenError,
    InvalidQueryError,
    NotFoundError,
    UnauthorizedError,
)
from zenml_comet_tracker.local import errors

EXIT_CODES: dict[type[Exception], int] = {
    errors.PortTakenError: 3,
    errors.DataFolderError: 4,
    errors.StartFailedError: 5,
    errors.MissingExtraError: 5,
    InvalidQueryError: 2,
    NotFoundError: 7,
    UnauthorizedError: 8,
    ForbiddenError: 8,
    ConnectionFailedError: 9,
    ConfigurationError: 10,
}
NOT_RUNNING = 6
NOT_FOUND = 7
CONFIGURATION = 10
TOLD = (errors.LocalServerError, CometError)


class Failure(click.ClickException):
    """A command's end: the message and its exit code."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # a plain attribute in click, typed as one of the class


def failure(error: Exception) -> Failure:
    """The end that an error means for a command."""
    return Failure(str(error), next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 1))


def unusable(error: OSError) -> Failure:
    """The end that a file or a disk means that cannot be used."""
    reason = error.strerror or str(error)
    return Failure(f"{error.filename}: {reason}" if error.filename else reason)
