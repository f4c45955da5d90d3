"""Records that say what is so, and take the place of what was said before: several may go in one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zenml_comet_tracker.comet.journal.portion import Portion
from zenml_comet_tracker.comet.journal.record import rows_of

# What is larger goes by itself: the local server looks into the numbers of what is small only.
MAX_BYTES = 128 << 10

Row = dict[str, Any]

# As `resources.facts` takes them, by the kind of the record.
_WRITTEN: dict[str, Callable[[Row], Row]] = {
    "code": lambda row: {"kind": "code", "code": row["code"]},
    "file_path": lambda row: {"kind": "file-path", "filePath": row["path"]},
    "git": lambda row: {**row["git"], "kind": "git/metadata"},
    "other": lambda row: {"kind": "log-other", "key": row["name"], "value": row["value"], "timestamp": row["t"]},
    "system": lambda row: {**row["details"], "kind": "system-details"},
    "tags": lambda row: {"kind": "tags", "addedTags": row["tags"]},
}


def written(portion: Portion) -> list[Row]:
    """The facts of a portion that `ahead` cut; `ValueError` or `KeyError` for a damaged one."""
    return [_WRITTEN[row["k"]](row) for row in portion.rows()]


def ahead(portion: Portion, *, apart: bool = False) -> Portion:
    """The facts at the beginning of a portion that may go together; its first record where that is none.

    With `apart` none of them takes the place of another, so that they may arrive in any order.
    """
    size, said = 0, list[tuple[str, Any]]()
    for line in portion.lines:
        size += len(line)
        about = _about(line)
        if about is None or size > MAX_BYTES or (apart and about in said):
            break
        said.append(about)
    return portion.head(max(1, len(said)))


def _about(line: bytes) -> tuple[str, Any] | None:
    """What a fact is about; None for other records, and for a damaged one."""
    try:
        (row,) = rows_of(line)
    except ValueError:
        return None
    kind = row.get("k") if isinstance(row, dict) else None
    return (kind, row.get("name")) if kind in _WRITTEN else None
