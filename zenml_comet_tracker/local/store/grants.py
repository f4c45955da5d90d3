"""Named keys and sessions belong to a data folder, not to what was logged in it: no backup takes or brings them.

Otherwise a backup that somebody else made would let them in, and an old one would revive what was revoked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, inspect, select
from sqlalchemy.exc import DatabaseError

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import make_engine

_TABLES = (schema.session, schema.api_key)


def remove(database: Path) -> None:
    """Takes all keys and sessions out of a database that is no server's, be it of an older version's schema."""
    replace(database, [])


def replace(database: Path, keys: list[dict[str, Any]]) -> None:
    """As `remove`, and puts these keys in."""
    engine = make_engine(database)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            # The pages, too, are to forget them.
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            known = set(inspect(connection).get_table_names())
            for table in _TABLES:
                if table.name in known:
                    connection.execute(delete(table))
            if keys and schema.api_key.name in known:
                connection.execute(insert(schema.api_key), keys)
    finally:
        engine.dispose()


def keys_of(database: Path) -> list[dict[str, Any]]:
    """The rows of all keys of a database, the revoked ones among them; none when it cannot be read, or is older than
    they are."""
    if not database.exists():
        return []
    engine = make_engine(database)
    try:
        with engine.begin() as connection:
            return [dict(row._mapping) for row in connection.execute(select(schema.api_key))]
    except DatabaseError:
        return []
    finally:
        engine.dispose()
