"""What was done to the versions of registered models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Row, insert, select

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction

CREATED = "MODEL_VERSION_CREATED"
STATUS_CHANGED = "MODEL_VERSION_STATUS_CHANGED"
TAG_ADDED = "MODEL_VERSION_TAG_ADDED"
TAG_DELETED = "MODEL_VERSION_TAG_DELETED"
COMMENT_CHANGED = "MODEL_VERSION_COMMENT_CHANGED"
METADATA_CHANGED = "MODEL_VERSION_METADATA_CHANGED"


def record(
    transaction: Transaction,
    item: Row[Any],
    action: str,
    old: dict[str, Any],
    new: dict[str, Any],
    comment: str | None = None,
) -> None:
    """Remembers one change of a version."""
    row = {
        "item_id": item.id,
        "action": action,
        "comment": comment,
        "old_value": orjson.dumps(old).decode(),
        "new_value": orjson.dumps(new).decode(),
        "user_name": item.user_name,
        "millis": transaction.now_millis,
    }
    transaction.connection.execute(insert(schema.registry_history).values(row))


def of_item(connection: Connection, item_id: str) -> Sequence[Row[Any]]:
    """The changes of a version, the newest first."""
    history = schema.registry_history.c
    statement = select(schema.registry_history).where(history.item_id == item_id)
    return connection.execute(statement.order_by(history.millis.desc(), history.id.desc())).all()
