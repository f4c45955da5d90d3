"""The data folder: where it lies, who may use it, and the small files in it that outlive a server.

| File          | Holds                                                                   |
| ------------- | ----------------------------------------------------------------------- |
| `api_key`     | the server's API key, made at first start                               |
| `server.json` | URL, process and version of the last server that listened               |
| `server.lock` | held by the running server; holds its process id                        |
| `server.log`  | what it had to say, and its predecessor's in `server.log.1`             |
| `access.log`  | every request as a line, older ones in `access.log.1`                   |
| `comet.db`    | the database                                                            |
| `files/`      | the contents of assets                                                  |
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zenml_comet_tracker.filesystem import network_type
from zenml_comet_tracker.local.errors import DataFolderError

ENVIRONMENT = "ZENML_COMET_LOCAL_DATA"
# Tells clients and secret scanners whose key it is. Our client sends such a one only to who proves to know it.
KEY_PREFIX = "local"
# 160 bits, in letters and digits that survive every shell and configuration file.
_KEY_BYTES = 20
_RECORD = "server.json"
# Either shows that a server has been at home here; a start that failed early leaves nothing but the others.
_PROOFS = {"server.lock", "comet.db"}
_BEFORE_THE_LOCK = {"api_key", "server.log", "server.log.1"}


@dataclass(frozen=True)
class ServerRecord:
    """Who listened last: URL without a slash at its end, process id, package version, start in seconds; whether it
    was asked to stay, however long nobody asks for anything."""

    url: str
    pid: int
    version: str
    started: float
    stays: bool = False


def default_data_folder() -> Path:
    """Where the data of the local Comet lies when nobody says otherwise."""
    chosen = os.environ.get(ENVIRONMENT)
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = os.environ.get("XDG_DATA_HOME")
    base = Path(home) if home else Path.home() / ".local" / "share"
    return base / "zenml-comet" / "local"


def prepare(folder: Path) -> None:
    """Makes the folder, for its owner only; one that is there already stays as it is.

    Raises `DataFolderError` when it cannot be used, is shared with other machines, or holds somebody's files instead of
    a server's.
    """
    _refuse_network(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except OSError as error:
        raise DataFolderError(
            f"The data folder {folder} cannot be made: {error.strerror}. Choose another with --data or {ENVIRONMENT}."
        ) from error
    if about.st_uid != os.getuid():
        raise DataFolderError(f"The data folder {folder} belongs to another user. Choose another with --data.")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DataFolderError(f"The data folder {folder} can be written by others. Run: chmod 700 '{folder}'")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise DataFolderError(f"The data folder {folder} cannot be read and written. Choose another with --data.")
    _refuse_strangers(folder)


def _refuse_network(folder: Path) -> None:
    kind = network_type(folder)
    if kind is not None:
        raise DataFolderError(
            f"The data folder {folder} is on a network file system ({kind}): locks hold nobody off there, and "
            f"the database would be damaged. Choose one on a disk of this machine with --data or {ENVIRONMENT}."
        )


def _refuse_strangers(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    strange = sorted(name for name in names if name not in _BEFORE_THE_LOCK and not name.startswith(_RECORD))
    if strange and not names & _PROOFS:
        raise DataFolderError(
            f"{folder} is not a data folder of the local Comet: it holds {strange[0]!r} and no database. "
            f"Choose a new or empty folder with --data or {ENVIRONMENT}."
        )


def api_key(folder: Path) -> str:
    """The server's API key, made now when there is none. Raises `DataFolderError`."""
    known = read_api_key(folder)
    return rotate_api_key(folder) if known is None else known


def rotate_api_key(folder: Path) -> str:
    """A new API key in the place of the one before. Raises `DataFolderError`."""
    key = new_key()
    try:
        _write(folder, "api_key", key)
    except OSError as error:
        raise DataFolderError(f"{folder / 'api_key'} cannot be written: {error.strerror}.") from error
    return key


def new_key() -> str:
    """A key that nobody has."""
    return KEY_PREFIX + secrets.token_hex(_KEY_BYTES)


def read_api_key(folder: Path) -> str | None:
    """The API key of the server that was first started here; None when none was."""
    try:
        return (folder / "api_key").read_text("ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataFolderError(f"The API key in {folder / 'api_key'} cannot be read: {error}.") from error


def write_record(folder: Path, record: ServerRecord) -> None:
    """Says who listens."""
    _write(folder, _RECORD, json.dumps(asdict(record)))


def _write(folder: Path, name: str, text: str) -> None:
    """Replaces a small file; readers, also after a crash, see the old text or the new one, never half of one."""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f"{name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_record(folder: Path) -> ServerRecord | None:
    """Who listened last; None when nobody did, or when the record cannot be understood."""
    try:
        known = json.loads((folder / _RECORD).read_text("utf-8"))
        urlsplit(str(known["url"])).port  # noqa: B018  # raises for a port that is none
        url, pid, version, started = (known[name] for name in ("url", "pid", "version", "started"))
        return ServerRecord(str(url), int(pid), str(version), float(started), bool(known.get("stays", False)))
    except (OSError, ValueError, KeyError, TypeError):
        return None
