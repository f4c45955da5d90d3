"""Share links of projects: codes that are made, listed and taken back."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, delete, insert, select

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.faults import UnknownShareLinkError


def create(transaction: Transaction, project_id: str) -> str:
    """The code of a new share link of the project."""
    code = uuid.uuid4().hex
    row = {"code": code, "project_id": project_id, "created_millis": transaction.now_millis}
    transaction.connection.execute(insert(schema.share_link).values(row))
    return code


def of_project(connection: Connection, project_id: str) -> list[str]:
    """The codes of the project's share links, the oldest first."""
    link = schema.share_link.c
    statement = select(link.code).where(link.project_id == project_id).order_by(link.created_millis, link.code)
    return list(connection.scalars(statement))


def remove(transaction: Transaction, project_id: str, code: str) -> None:
    """Takes a share link back. Raises `UnknownShareLinkError`."""
    link = schema.share_link.c
    of_it = (link.project_id == project_id, link.code == code)
    if transaction.connection.execute(delete(schema.share_link).where(*of_it)).rowcount == 0:
        raise UnknownShareLinkError(code)
