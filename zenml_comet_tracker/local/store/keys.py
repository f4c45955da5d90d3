"""API keys besides the one in the data folder's file: named, revocable. Only hashes are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from zenml_comet_tracker.local.folder import new_key
from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import KeyNameError, TakenError, UnknownKeyError

# The last use is kept to the day: enough to see which key is idle, and one write a day and key.
DAY_MILLIS = 24 * 3600 * 1000
_NAME_CHARACTERS = 100


@dataclass(frozen=True)
class NamedKey:
    """A key as lists show it: never the key itself."""

    name: str
    created_millis: int
    used_millis: int | None
    revoked_millis: int | None


def hashed(key: str) -> str:
    """What is kept of a key, and what it is known by to whoever does not hold it."""
    return hashlib.sha256(key.encode()).hexdigest()


def add(transaction: Transaction, name: str) -> str:
    """A new key called `name`, which a revoked one may have been called. Raises `KeyNameError`, `TakenError`."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > _NAME_CHARACTERS:
        raise KeyNameError(f"A key's name has 1 to {_NAME_CHARACTERS} characters, no control characters among them.")
    table, connection, key = schema.api_key, transaction.connection, new_key()
    connection.execute(delete(table).where(table.c.name == name, table.c.revoked_millis.is_not(None)))
    if connection.scalar(select(table.c.id).where(table.c.name == name)) is not None:
        raise TakenError(f"There is a key called {name!r} already. Choose another name, or revoke that one first.")
    connection.execute(insert(table).values(name=name, hash=hashed(key), created_millis=transaction.now_millis))
    return key


def revoke(transaction: Transaction, name: str) -> None:
    """Ends the key called `name`. Raises `UnknownKeyError` when no good key is called so."""
    table = schema.api_key
    good = (table.c.name == name, table.c.revoked_millis.is_(None))
    ended = transaction.connection.execute(update(table).where(*good).values(revoked_millis=transaction.now_millis))
    if not ended.rowcount:
        raise UnknownKeyError(name)


def everyone(connection: Connection) -> list[NamedKey]:
    """All keys, revoked ones too, by name."""
    table = schema.api_key.c
    columns = (table.name, table.created_millis, table.used_millis, table.revoked_millis)
    return [NamedKey(*row) for row in connection.execute(select(*columns).order_by(table.name))]


def name_of(connection: Connection, key: str) -> str | None:
    """The name of a good key; None when there is none such."""
    table = schema.api_key.c
    return connection.scalar(select(table.name).where(table.hash == hashed(key), table.revoked_millis.is_(None)))


def hash_of(connection: Connection, beginning: str) -> str | None:
    """The hash of a good key out of its first digits; None when there is none such."""
    table = schema.api_key.c
    fits = table.hash.startswith(beginning, autoescape=True)
    return connection.scalar(select(table.hash).where(fits, table.revoked_millis.is_(None)))


def unused_today(connection: Connection, name: str, now_millis: int) -> bool:
    """Whether the key's use has not been noted this day."""
    used = connection.scalar(select(schema.api_key.c.used_millis).where(schema.api_key.c.name == name))
    return used is None or used // DAY_MILLIS < now_millis // DAY_MILLIS


def note_use(transaction: Transaction, name: str) -> None:
    """Keeps that the key was used this day, not when."""
    day = transaction.now_millis // DAY_MILLIS * DAY_MILLIS
    transaction.connection.execute(update(schema.api_key).where(schema.api_key.c.name == name).values(used_millis=day))
