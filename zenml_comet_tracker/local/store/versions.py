"""Versions of artifacts and of registered models: semantic versions to the letter, and the one that comes next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from semver import Version
from sqlalchemy import ColumnElement, Connection, Row, Table, select

from zenml_comet_tracker.local.store.faults import BadVersionError

FIRST = "1.0.0"
MAX_LENGTH = 100
# What fits the columns `major`, `minor` and `patch` of every database.
_MAX_NUMBER = 2**31 - 1


def parse(text: str) -> Version:
    """The version that is spelled, "1.2.3" at least. Raises `BadVersionError`."""
    # The length first: Python refuses to read numbers of thousands of digits.
    if len(text) > MAX_LENGTH or not Version.is_valid(text):
        raise BadVersionError(text)
    version = Version.parse(text)
    if max(version.major, version.minor, version.patch) > _MAX_NUMBER:
        raise BadVersionError(text)
    return version


def columns(version: Version) -> dict[str, Any]:
    """The version as the columns of a table of versions."""
    return {
        "version": str(version),
        "major": version.major,
        "minor": version.minor,
        "patch": version.patch,
    }


def after(highest: str | None) -> Version:
    """The version to give to what comes without one: a minor one more than the highest, and 1.0.0 first of all."""
    return parse(FIRST) if highest is None else parse(str(Version.parse(highest).bump_minor()))


def newest_first(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Rows of versions by precedence, the highest first; of equal ones (they differ in build) the later made."""
    return sorted(rows, key=lambda row: (Version.parse(row.version), row.created_millis), reverse=True)


def highest(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> Row[Any] | None:
    """The row of the highest version of those that meet the conditions; None when none does."""
    place = (table.c.major, table.c.minor, table.c.patch)
    first = connection.execute(
        select(*place).where(*conditions).order_by(*(column.desc() for column in place)).limit(1)
    ).one_or_none()
    if first is None:
        return None
    # Releases and what came before them share their numbers, and only the library knows which is higher.
    same = [column == number for column, number in zip(place, first, strict=True)]
    return newest_first(connection.execute(select(table).where(*conditions, *same)))[0]
