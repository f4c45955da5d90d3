"""Signed-in browsers. Only hashes are kept, so that a copy of the database signs nobody in."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, insert, select

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction

LIFETIME_MILLIS = 30 * 24 * 3600 * 1000


def create(transaction: Transaction, secret: str) -> None:
    """Makes the secret that of a session, good for 30 days."""
    session, now = schema.session, transaction.now_millis
    transaction.connection.execute(delete(session).where(session.c.expires_millis <= now))
    transaction.connection.execute(
        insert(session).values(hash=_hash(secret), created_millis=now, expires_millis=now + LIFETIME_MILLIS)
    )


def is_good(connection: Connection, secret: str, now_millis: int) -> bool:
    """Whether the secret is one of a session that has not expired."""
    session = schema.session.c
    expires = connection.scalar(select(session.expires_millis).where(session.hash == _hash(secret)))
    return expires is not None and expires > now_millis


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
