"""Who may in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from zenml_comet_tracker.local.store.schema.base import metadata

session = Table(
    "session",
    metadata,
    Column("hash", Text, primary_key=True),  # sha256 of the cookie's value
    Column("created_millis", BigInteger, nullable=False),
    Column("expires_millis", BigInteger, nullable=False),
)

# Keys besides the one in the data folder's file. What is kept of a key tells nobody what it is.
api_key = Table(
    "api_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),  # sha256
    Column("created_millis", BigInteger, nullable=False),
    Column("used_millis", BigInteger),
    Column("revoked_millis", BigInteger),
)
