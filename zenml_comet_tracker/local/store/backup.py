"""Backups: everything that was logged, in one archive, taken while the server goes on.

One file is there or not, is moved in one go and cannot lose a part on the way. It is a zip without compression: any
tool can look into it, what is in it is as large as it says, and models and images would hardly get smaller.

| Entry | Holds |
| --- | --- |
| `files/<2 digits>/<SHA-256>` | a content, under the name it has in the data folder |
| `comet.db` | the database at one moment |
| `manifest.json` | what this is, and the SHA-256 of the database |

API keys and sessions stay out: a backup goes to places where they must not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Engine, func, inspect, select, union
from sqlalchemy.exc import DatabaseError

from zenml_comet_tracker import __version__
from zenml_comet_tracker.local.errors import BackupError
from zenml_comet_tracker.local.store import grants, schema
from zenml_comet_tracker.local.store.check import DATABASE
from zenml_comet_tracker.local.store.database import make_engine
from zenml_comet_tracker.local.store.looking import content_path, reading

FORMAT = 1
MANIFEST = "manifest.json"
_PIECE = 1 << 20
_MODE = 0o100600


@dataclass
class Backup:
    """What was made: `missing` contents were not in the data folder any more, or not as they were."""

    path: Path
    files: int = 0
    file_bytes: int = 0
    database_bytes: int = 0
    missing: list[str] = field(default_factory=list)


def entry_of(sha256: str) -> str:
    """The name of a content in an archive."""
    return f"files/{sha256[:2]}/{sha256}"


def told_by(database: Path) -> tuple[set[str], int]:
    """The SHA-256 of every content that the database names, be it of an older version, and its schema's number."""
    engine = make_engine(database)
    try:
        with engine.begin() as connection:
            known = set(inspect(connection).get_table_names())
            tables = [table for table in (schema.asset, schema.kept_asset) if table.name in known]
            named = union(*(select(table.c.sha256).where(table.c.sha256.is_not(None)) for table in tables))
            number = connection.scalar(select(func.max(schema.migration.c.number)))
            return set(connection.scalars(named)), int(number or 0)
    finally:
        engine.dispose()


def back_up(folder: Path, target: Path) -> Backup:
    """Writes the data folder into one archive: `target`, or a new file of its own in it when that is a folder.

    The archive is whole or not there. Raises `BackupError`, and `DataFolderError` when there is nothing to back up.
    """
    path = target / f"comet-{datetime.now(timezone.utc):%Y%m%d-%H%M%S}.zip" if target.is_dir() else target
    if path.exists():
        raise BackupError(f"{path} is there already. Choose another name.")
    try:
        with _part(path) as part, reading(folder) as engine:
            made = _write(folder, engine, part, path)
            os.replace(part, path)
            _sync(path.parent)
    except (OSError, sqlite3.Error, DatabaseError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        raise BackupError(f"The backup {path} cannot be made: {reason}.") from error
    return made


@contextlib.contextmanager
def _part(path: Path) -> Iterator[Path]:
    """An empty file beside the archive-to-be, gone at the end unless it was renamed. So are those made beside it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        for left in path.parent.glob(f"{Path(name).name}*"):
            left.unlink()


def _write(folder: Path, engine: Engine, part: Path, path: Path) -> Backup:
    made = Backup(path)
    snapshot = part.with_name(f"{part.name}.db")
    lacking: set[str] = set()
    stored: set[str] = set()
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        while True:
            _copy_database(engine, snapshot)
            named, number = told_by(snapshot)
            left = {sha256 for sha256 in sorted(named - stored) if not _add_content(archive, folder, sha256, made)}
            stored |= named - left
            # What went while we copied is not named by the next copy of the database. What it names yet is lost.
            if left <= lacking:
                break
            lacking = left
        _require_sound(snapshot)
        made.missing = sorted({*left, *(sha256 for sha256 in made.missing if sha256 in named)})
        made.database_bytes = snapshot.stat().st_size
        with open(snapshot, "rb") as source:
            digest = _add(archive, DATABASE, source)
        archive.writestr(_entry(MANIFEST), json.dumps(_manifest(made, digest, number), indent=1))
    with open(part, "rb") as whole:
        os.fsync(whole.fileno())
    return made


def _require_sound(snapshot: Path) -> None:
    """Told now, while there may be an older backup, and not by the restore."""
    with closing(sqlite3.connect(snapshot)) as connection:
        (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if said != "ok":
        raise BackupError(f"The database is damaged, so no backup is made: none could be restored. It says: {said}")


def _manifest(made: Backup, digest: str, number: int) -> dict[str, object]:
    return {
        "what": "a backup of a local Comet",
        "format": FORMAT,
        "version": __version__,
        "schema": number,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "database_sha256": digest,
        "files": made.files,
        "file_bytes": made.file_bytes,
        "missing": made.missing,
    }


def _copy_database(engine: Engine, snapshot: Path) -> None:
    """The database as it is at this moment; writers go on meanwhile."""
    snapshot.unlink(missing_ok=True)
    source = engine.raw_connection()
    try:
        with closing(sqlite3.connect(snapshot)) as target:
            cast(sqlite3.Connection, source.driver_connection).backup(target)
    finally:
        source.close()
    grants.remove(snapshot)


def _add_content(archive: zipfile.ZipFile, folder: Path, sha256: str, made: Backup) -> bool:
    """Adds a content; whether it was there. One that has other bytes than its name says is noted as missing."""
    try:
        source = open(content_path(folder, sha256), "rb")  # noqa: SIM115  # only its opening may fail so
    except FileNotFoundError:
        return False
    with source:
        if _add(archive, entry_of(sha256), source) != sha256:
            made.missing.append(sha256)
            return True
        made.files += 1
        made.file_bytes += source.tell()
    return True


def _add(archive: zipfile.ZipFile, name: str, source: BinaryIO) -> str:
    """Adds what can be read; its SHA-256."""
    digest = hashlib.sha256()
    with archive.open(_entry(name), "w", force_zip64=True) as target:
        while piece := source.read(_PIECE):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.gmtime()[:6])
    entry.external_attr = _MODE << 16
    return entry


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
