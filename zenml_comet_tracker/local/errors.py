"""What can go wrong with the local server.

LocalServerError
 ├── PortTakenError      another program listens on the port
 ├── DataFolderError     the data folder cannot be used
 ├── StartFailedError    the server did not come up
 ├── BackupError         a backup cannot be made, or what is to be restored is none
 └── MissingExtraError   the extra `[local]` is not installed
"""

from __future__ import annotations


class LocalServerError(Exception):
    """Base of everything the local server raises to its callers. The text says what was wrong and what to do."""


class PortTakenError(LocalServerError):
    """Another program listens on the port that was asked for."""


class DataFolderError(LocalServerError):
    """The data folder cannot be made, read or written, or holds a database of a newer version."""


class StartFailedError(LocalServerError):
    """The server did not come up in time; the text holds the end of its log."""


class BackupError(LocalServerError):
    """A backup cannot be made or put in place; the data are as they were."""


class MissingExtraError(LocalServerError):
    """The packages of the extra `[local]` are not installed."""
