"""Whether a data folder still holds what it says: the database by itself, its points, and the contents of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, select, union_all
from sqlalchemy.exc import DatabaseError

from zenml_comet_tracker.local.errors import DataFolderError
from zenml_comet_tracker.local.store import assets, migrations, point_checks, schema
from zenml_comet_tracker.local.store.looking import content_path, contents, reading

_PIECE = 1 << 20


@dataclass
class Report:
    """What was looked at, and what is wrong. `orphans` are contents that no asset names: no fault, `gc` frees them."""

    experiments: int = 0
    metrics: int = 0
    points: int = 0
    files: int = 0
    file_bytes: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    problems: list[str] = field(default_factory=list)


def examine(folder: Path) -> Report:
    """Reads everything in the data folder and changes nothing; a server may run meanwhile.

    Raises `DataFolderError` when there is no database of this version's schema.
    """
    report = Report()
    with reading(folder) as engine:
        try:
            _require_schema(engine)
            report.problems += _damages(engine)
            # Of a damaged database's tables nothing can be said.
            if not report.problems:
                report.problems += _strays(engine)
                _look_at_points(engine, report)
                _look_at_files(engine, folder, report)
        except DatabaseError as error:
            report.problems.append(f"The database cannot be read: {error.orig}.")
    return report


def _require_schema(engine: Engine) -> None:
    with engine.begin() as connection:
        if migrations.pending(connection):
            raise DataFolderError(
                "The database is of an older version, or empty. Start the local Comet once: `zenml-comet up`."
            )


def _damages(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [f"The database is damaged: {line}." for line in said if line != "ok"]


def _strays(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        found = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [
        f"Row {row} of table {table} belongs to a row of {parent} that is not there." for table, row, parent, _ in found
    ]


def _look_at_points(engine: Engine, report: Report) -> None:
    with engine.begin() as connection:
        experiments = connection.execute(select(schema.experiment.c.id, schema.experiment.c.key)).all()
    report.experiments = len(experiments)
    for experiment in experiments:
        # Not all in one transaction: it would keep the write-ahead log of a running server from being folded.
        with engine.begin() as connection:
            for name, count, wrong in point_checks.faults(connection, experiment.id):
                report.metrics += 1
                report.points += count
                if wrong:
                    report.problems.append(f"Metric {name!r} of experiment {experiment.key}: {wrong}.")


def _look_at_files(engine: Engine, folder: Path, report: Report) -> None:
    with engine.begin() as connection:
        named = dict(_sizes(connection))
    on_disk = contents(folder)
    for sha256, sizes in named.items():
        wrong = _of_content(content_path(folder, sha256), sha256, sizes)
        if wrong and not _still_named(engine, sha256):
            # It was deleted while we were looking.
            continue
        if wrong:
            report.problems.append(f"Content {sha256} {wrong}.")
        report.files += 1
        report.file_bytes += on_disk.get(sha256, 0)
    orphans = [size for sha256, size in on_disk.items() if sha256 not in named]
    report.orphans, report.orphan_bytes = len(orphans), sum(orphans)


def _sizes(connection: Connection) -> Iterator[tuple[str, set[int]]]:
    """Every content that is named, with the sizes that it is said to have."""
    tables = (schema.asset, schema.kept_asset)
    rows = union_all(*(select(t.c.sha256, t.c.size).where(t.c.sha256.is_not(None)).distinct() for t in tables))
    found: dict[str, set[int]] = {}
    for sha256, size in connection.execute(rows):
        found.setdefault(sha256, set()).add(size)
    return iter(found.items())


def _of_content(path: Path, sha256: str, sizes: set[int]) -> str:
    """What is wrong with a content; "" when nothing is."""
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
    except FileNotFoundError:
        return "is not on the disk"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if digest.hexdigest() != sha256:
        return "has other bytes than it had"
    if sizes != {size}:
        return f"has {size} bytes, its assets say {', '.join(map(str, sorted(sizes)))}"
    return ""


def _still_named(engine: Engine, sha256: str) -> bool:
    with engine.begin() as connection:
        return sha256 in assets.named(connection, [sha256])
