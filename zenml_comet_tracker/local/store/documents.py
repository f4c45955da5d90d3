"""Texts of an experiment: html, graph, code and the rest by kind, and the lines that its program printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import details, schema
from zenml_comet_tracker.local.store.database import Transaction

TextKind = Literal["html", "graph", "code"]
JsonKind = Literal["system", "git", "cloud", "dependencies"]


@dataclass(frozen=True)
class OutputLine:
    """One piece of output, with its line end where it has one; pieces are joined in the order of `offset`, those
    without one behind all that are there."""

    offset: int | None
    text: str
    stderr: bool
    context: str


def put(
    transaction: Transaction, experiment_id: int, kind: TextKind | JsonKind, text: str, *, append: bool = False
) -> None:
    """Stores a text in place of, or behind, the one that is there."""
    statement = insert(schema.document).values(
        experiment_id=experiment_id, kind=kind, text=text, updated_millis=transaction.now_millis
    )
    new = statement.excluded
    kept = schema.document.c.text.concat(new.text) if append else new.text
    transaction.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["experiment_id", "kind"], set_={"text": kept, "updated_millis": new.updated_millis}
        )
    )


def get(connection: Connection, experiment_id: int, kind: TextKind | JsonKind) -> str | None:
    """The text of this kind, None when there is none."""
    document = schema.document.c
    return connection.scalar(
        select(document.text).where(document.experiment_id == experiment_id, document.kind == kind)
    )


def put_json(transaction: Transaction, experiment_id: int, kind: JsonKind, value: Any) -> None:
    """Stores a JSON value in place of the one that is there; search sees system details from now on."""
    put(transaction, experiment_id, kind, orjson.dumps(value).decode())
    if kind == "system":
        details.put(transaction.connection, experiment_id, value)


def get_json(connection: Connection, experiment_id: int, kind: JsonKind) -> Mapping[str, Any]:
    """The JSON object of this kind, empty when there is none."""
    text = get(connection, experiment_id, kind)
    value = orjson.loads(text) if text else {}
    return value if isinstance(value, dict) else {"values": value}


def add_output(transaction: Transaction, experiment_id: int, lines: Sequence[OutputLine]) -> None:
    """Stores pieces of output."""
    behind = (
        next_output_offset(transaction.connection, experiment_id) if any(line.offset is None for line in lines) else 0
    )
    rows = [
        {
            "experiment_id": experiment_id,
            "offset": behind if line.offset is None else line.offset,
            "text": line.text,
            "stderr": line.stderr,
            "context": line.context,
            "millis": transaction.now_millis,
        }
        for line in lines
    ]
    if rows:
        transaction.connection.execute(insert(schema.output), rows)


def output(connection: Connection, experiment_id: int) -> str:
    """All output so far as one text."""
    line = schema.output.c
    ordered = select(line.text).where(line.experiment_id == experiment_id).order_by(line.offset, line.id)
    return "".join(connection.scalars(ordered))


def next_output_offset(connection: Connection, experiment_id: int) -> int:
    """The first offset above all that were used."""
    line = schema.output.c
    newest = connection.scalar(select(func.max(line.offset)).where(line.experiment_id == experiment_id))
    return 0 if newest is None else newest + 1
