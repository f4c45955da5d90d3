"""Puts a backup in the place of the data: all of it, or nothing.

Whoever made the archive is not trusted: names are looked up, never followed, and nothing is bigger than the archive.

Everything is first written and checked beside the data. Then the new contents come to the old ones, under their hashes
and in nobody's way, and the new database takes the old one's place in one rename: whenever this ends, the data are the
old ones or the new ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import and_, column, func, not_, select, table
from sqlalchemy.exc import DatabaseError

from zenml_comet_tracker.local import folder as data_folder
from zenml_comet_tracker.local.errors import BackupError
from zenml_comet_tracker.local.lock import ServerLock
from zenml_comet_tracker.local.store import grants
from zenml_comet_tracker.local.store.backup import FORMAT, MANIFEST, entry_of, told_by
from zenml_comet_tracker.local.store.check import DATABASE, refuse_newer
from zenml_comet_tracker.local.store.database import make_engine
from zenml_comet_tracker.local.store.looking import content_path, contents

MAX_ENTRIES = 5_000_000
_MANIFEST_BYTES = 1 << 28
_PIECE = 1 << 20
_STAGING = "restoring-"
_ASIDE = "replaced-"
_LOGS = (f"{DATABASE}-wal", f"{DATABASE}-shm")
_ENTRY = re.compile(rf"{re.escape(MANIFEST)}|{re.escape(DATABASE)}|files/(?P<two>[0-9a-f]{{2}})/(?P=two)[0-9a-f]{{62}}")


@dataclass(frozen=True)
class Restored:
    """What was put in place; `aside` is where the data before it lie, None when there were none."""

    files: int
    file_bytes: int
    database_bytes: int
    missing: int
    aside: Path | None


def restore(archive: Path, folder: Path, *, force: bool = False) -> Restored:
    """Puts the backup in place of the folder's data; with `force` also where there are some, which are moved aside.

    The folder's keys stay what they are, those of the archive are not taken.
    Raises `BackupError` or `DataFolderError`, and then the folder is as it was.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            backup = _Backup(archive, opened)
            with _locked(folder):
                return _restore(backup, folder, force=force)
    except zipfile.BadZipFile as error:
        raise BackupError(f"{archive} is not a whole backup: {error}.") from error
    except OSError as error:
        raise BackupError(f"The backup {archive} cannot be restored: {error.strerror or error}.") from error


def sweep(folder: Path) -> None:
    """Removes what a restore that was killed left; only while no other one can run."""
    for left in folder.glob(f"{_STAGING}*"):
        shutil.rmtree(left)


class _Backup:
    """An archive whose entries were all looked at, and none read."""

    def __init__(self, path: Path, opened: zipfile.ZipFile) -> None:
        self.path = path
        self._opened = opened
        listed = opened.infolist()
        if len(listed) > MAX_ENTRIES:
            raise self.refusal(f"it has {len(listed):,} entries; at most {MAX_ENTRIES:,} are taken")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in listed:
            self._entries[entry.filename] = self._proper(entry)
        self.size = sum(entry.file_size for entry in listed)
        if self.size > path.stat().st_size:
            # Entries that lie over each other: a few bytes that would fill a disk.
            raise self.refusal("its entries hold more bytes than the archive has")
        self.manifest = self._read_manifest()

    def refusal(self, reason: str) -> BackupError:
        """Why this archive is not taken."""
        return BackupError(f"{self.path} is not taken as a backup: {reason}.")

    def has(self, name: str) -> bool:
        """Whether there is such an entry."""
        return name in self._entries

    def write(self, name: str, target: Path, sha256: str) -> int:
        """Writes an entry to a new file, whose bytes have to be those of the hash; how many they are."""
        digest = hashlib.sha256()
        with self._opened.open(self._entries[name]) as source, open(target, "xb", opener=_private) as file:
            while piece := source.read(_PIECE):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if digest.hexdigest() != sha256:
            raise self.refusal(f"{name} has other bytes than it had when the backup was made")
        return size

    def _proper(self, entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        if entry.orig_filename != name or not _ENTRY.fullmatch(name):
            raise self.refusal(f"a backup has no entry {entry.orig_filename[:200]!r}")
        if name in self._entries:
            raise self.refusal(f"the entry {name!r} is there twice")
        if kind not in (0, stat.S_IFREG):
            raise self.refusal(f"the entry {name!r} is a link or something else that is no file")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise self.refusal(f"the entry {name!r} is compressed")
        return entry

    def _read_manifest(self) -> dict[str, Any]:
        if not self.has(MANIFEST) or not self.has(DATABASE):
            raise self.refusal(f"it lacks {MANIFEST} or {DATABASE}")
        if self._entries[MANIFEST].file_size > _MANIFEST_BYTES:
            raise self.refusal(f"its {MANIFEST} is too large")
        try:
            manifest = orjson.loads(self._opened.read(self._entries[MANIFEST]))
            number, made_by = int(manifest["format"]), str(manifest["version"])
            missing, digest = set(map(str, manifest["missing"])), str(manifest["database_sha256"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise self.refusal(f"its {MANIFEST} cannot be understood") from error
        if number > FORMAT:
            raise self.refusal(f"version {made_by} of zenml-comet-tracker made it; upgrade this one")
        return {"missing": missing, "database_sha256": digest}


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps servers away. A folder that was made for this is gone again when it fails."""
    new = not folder.exists()
    data_folder.prepare(folder)
    try:
        with ServerLock(folder):
            sweep(folder)
            yield
    except BlockingIOError:
        stop = f"zenml-comet down --data {shlex.quote(str(folder))}"
        raise BackupError(f"The local Comet with the data in {folder} runs. Stop it first: {stop}") from None
    except BaseException:
        if new:
            _take_away(folder)
        raise


def _take_away(folder: Path) -> None:
    """Removes a folder in which nothing is but a lock and empty folders."""
    (folder / "server.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        for path in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            path.rmdir()
        folder.rmdir()


def _restore(backup: _Backup, folder: Path, *, force: bool) -> Restored:
    if not force and ((folder / DATABASE).exists() or contents(folder)):
        raise BackupError(f"{folder} holds data. With --force they are moved aside; --data chooses another folder.")
    free = shutil.disk_usage(folder).free
    if backup.size > free:
        raise BackupError(f"{folder} has room for {free:,} bytes; the backup needs {backup.size:,}.")
    staging = Path(tempfile.mkdtemp(dir=folder, prefix=_STAGING))
    try:
        database_bytes = backup.write(DATABASE, staging / DATABASE, backup.manifest["database_sha256"])
        named = _named(backup, staging / DATABASE)
        present = {sha256 for sha256 in named if backup.has(entry_of(sha256))} - backup.manifest["missing"]
        lacking = named - present - backup.manifest["missing"]
        if lacking:
            raise backup.refusal(f"it lacks {len(lacking)} of its files, the first is {min(lacking)}")
        grants.replace(staging / DATABASE, grants.keys_of(folder / DATABASE))
        file_bytes = 0
        for sha256 in sorted(present):
            target = content_path(staging, sha256)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file_bytes += backup.write(entry_of(sha256), target, sha256)
        aside = _put_in_place(staging, folder, present)
    finally:
        shutil.rmtree(staging)
    return Restored(len(present), file_bytes, database_bytes, len(named - present), aside)


def _named(backup: _Backup, database: Path) -> set[str]:
    """The contents that the database names, once it is known for a sound one of ours."""
    master = table("sqlite_master", column("type"), column("sql"))
    ours = and_(master.c.type.in_(("table", "index")), not_(func.coalesce(master.c.sql, "").ilike("create virtual%")))
    engine = make_engine(database)
    try:
        with engine.begin() as connection:
            # Before its tables are asked for anything: what a view or a trigger then does is its maker's choice.
            if connection.scalar(select(func.count()).select_from(master).where(not_(ours))):
                raise backup.refusal("its database has views, triggers or virtual tables")
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if said != "ok":
                raise backup.refusal(f"its database is damaged: {said}")
        named, number = told_by(database)
    except DatabaseError as error:
        raise backup.refusal(f"its database cannot be used: {error.orig}") from error
    finally:
        engine.dispose()
    refuse_newer(number)
    return named


def _put_in_place(staging: Path, folder: Path, present: set[str]) -> Path | None:
    """The step from the old data to the new; where the old ones lie, if there were any."""
    before = set(contents(folder))
    aside = _set_aside(folder, before)
    arrived: list[Path] = []
    try:
        for sha256 in present:
            target = content_path(folder, sha256)
            for made in (target.parent.parent, target.parent):
                made.mkdir(mode=0o700, exist_ok=True)
            if sha256 not in before:
                arrived.append(target)
            os.replace(content_path(staging, sha256), target)
        for parent in {target.parent for target in arrived} | {folder}:
            _sync(parent)
        for log in _LOGS:
            (folder / log).unlink(missing_ok=True)
        os.replace(staging / DATABASE, folder / DATABASE)
        _sync(folder)
    except BaseException:
        # Once the new database is in its place, there is no way back, and no need of one.
        if (staging / DATABASE).exists():
            for target in arrived:
                target.unlink(missing_ok=True)
            if aside is not None:
                _put_logs_back(aside, folder)
                shutil.rmtree(aside)
        raise
    for sha256 in before - present:
        content_path(folder, sha256).unlink()
    return aside


def _set_aside(folder: Path, before: set[str]) -> Path | None:
    """A second name for each file of the data, in a folder beside them."""
    _fold(folder)
    names = [name for name in (DATABASE, *_LOGS) if (folder / name).exists()]
    if not names and not before:
        return None
    aside = folder / f"{_ASIDE}{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}"
    aside.mkdir(mode=0o700)
    try:
        for name in names:
            _link(folder / name, aside / name)
        for sha256 in before:
            target = content_path(aside, sha256)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _link(content_path(folder, sha256), target)
    except BaseException:
        shutil.rmtree(aside)
        raise
    return aside


def _put_logs_back(aside: Path, folder: Path) -> None:
    for log in _LOGS:
        if (aside / log).exists() and not (folder / log).exists():
            _link(aside / log, folder / log)


def _fold(folder: Path) -> None:
    """Brings what the old database has in its log into its file, as far as it can be read at all."""
    if (folder / DATABASE).exists():
        with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(folder / DATABASE)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        # Not every file system has links.
        shutil.copy2(source, target)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
