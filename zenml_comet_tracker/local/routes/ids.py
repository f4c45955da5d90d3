"""Ids for what comes without one."""

from __future__ import annotations

import hashlib
import uuid

from zenml_comet_tracker.local.routes.calls import Call


def made_id(call: Call, key: str) -> str:
    """An id for a thing of the experiment `key`: the same each time for a marked write, which may be stored."""
    if call.mark is None:
        return uuid.uuid4().hex
    return hashlib.sha256(f"{key}/{call.mark}".encode()).hexdigest()[:32]
