"""Named values of an experiment: parameters, others, tags. Of two values of one name the newer stays, by attempt and
time; one that an earlier attempt said otherwise is kept apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.experiments import change
from zenml_comet_tracker.local.store.metrics import apart, shown_name
from zenml_comet_tracker.local.store.numbers import as_number
from zenml_comet_tracker.local.store.series import batched

# The key under which an experiment's name is logged, on every Comet.
NAME = "Name"
# What numbers attempts itself is said of the experiment as a whole.
_NUMBERS_ATTEMPTS = re.compile(r"(?:^|_)attempt(?:_[0-9]+)?$")


@dataclass(frozen=True)
class ParameterValue:
    """One parameter as it was logged: plain name, the context beside it, the value as text."""

    name: str
    value: str
    step: int | None
    context: str
    source: str
    millis: int


class Attempts(NamedTuple):
    """Of which attempt a value is, and which is the newest that is known."""

    own: int = 1
    newest: int = 1

    @classmethod
    def of(cls, experiment: Row[Any], own: int | None) -> Attempts:
        """What no attempt is named for is of the newest."""
        newest = max(1, int(experiment.status_attempt))
        return cls(newest if own is None else max(1, own), newest)


ONLY_ONE = Attempts()


def add_parameters(
    connection: Connection, experiment_id: int, values: Sequence[ParameterValue], attempts: Attempts = ONLY_ONE
) -> None:
    """Stores parameters."""
    rows = [
        {
            **asdict(value),
            "experiment_id": experiment_id,
            "name": shown_name(value.name, value.context),
            "number": as_number(value.value),
            "attempt": attempts.own,
        }
        for value in values
    ]
    if rows:
        _add(connection, schema.parameter, rows, attempts)


def parameters(connection: Connection, experiment_id: int) -> Sequence[Row[Any]]:
    """The experiment's parameters in the order in which they first came."""
    parameter = schema.parameter.c
    statement = select(schema.parameter).where(parameter.experiment_id == experiment_id).order_by(parameter.id)
    return connection.execute(statement).all()


def remove_parameters(connection: Connection, experiment_id: int, names: Sequence[str]) -> None:
    """Takes parameters away; those it does not have are passed over."""
    parameter = schema.parameter.c
    gone = (parameter.experiment_id == experiment_id, parameter.name == bindparam("gone"))
    if names:
        connection.execute(delete(schema.parameter).where(*gone), [{"gone": name} for name in names])


def add_other(
    transaction: Transaction, experiment_id: int, name: str, value: str, millis: int, attempts: Attempts = ONLY_ONE
) -> None:
    """Stores an other; one called `Name` names the experiment."""
    row = {"experiment_id": experiment_id, "name": name, "value": value, "number": as_number(value), "millis": millis}
    stored = _add(transaction.connection, schema.other, [{**row, "attempt": attempts.own}], attempts)
    if name == NAME and stored:
        change(transaction, experiment_id, name=value)


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]], attempts: Attempts) -> bool:
    """Whether anything has got its own name: not what is older than what is there."""
    if max(attempts) > 1:
        _put(connection, table, _kept_apart(connection, table, rows))
    stored = _put(connection, table, rows)
    if max(attempts) == 1 and stored < len(rows):
        # A newer attempt may have logged, and not have told yet that it lives.
        _put(connection, table, _kept_apart(connection, table, rows))
    return stored > 0


def _put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """How many rows are stored, each unless a newer one of its name is there."""
    if not rows:
        return 0
    statement = insert(table)
    new, old = statement.excluded, table.c
    statement = statement.on_conflict_do_update(
        index_elements=["experiment_id", "name"],
        set_={name: new[name] for name in rows[0] if name not in ("experiment_id", "name")},
        where=tuple_(new.attempt, new.millis) >= tuple_(old.attempt, old.millis),
    )
    return connection.execute(statement, rows).rowcount


def _kept_apart(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The values that do not stay under their own name, because a newer attempt says or has said something else."""
    known = _there(connection, table, rows)
    moved: list[dict[str, Any]] = []
    alike: list[dict[str, Any]] = []
    for new in rows:
        old = known.get(new["name"])
        if old is None or old["attempt"] == new["attempt"]:
            continue
        if new["name"] != NAME and not _NUMBERS_ATTEMPTS.search(new["name"]):
            earlier = min(old, new, key=lambda row: int(row["attempt"]))
            name, context = apart(new["name"], earlier.get("context", ""), earlier["attempt"])
            row = {**{column: earlier[column] for column in new}, "name": name}
            if "context" in new:
                row["context"] = context
            (moved if old["value"] != new["value"] else alike).append(row)
    # An earlier attempt that said otherwise at first, and the same in the end, did not stay with the first.
    there = {row["name"] for row in moved} | _there(connection, table, alike).keys()
    return moved + [row for row in alike if row["name"] in there]


def _there(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is stored under the names of rows of one experiment."""
    known: dict[str, dict[str, Any]] = {}
    for names in batched(row["name"] for row in rows):
        statement = select(table).where(table.c.experiment_id == rows[0]["experiment_id"], table.c.name.in_(names))
        known.update((row.name, dict(row._mapping)) for row in connection.execute(statement))
    return known


def others(connection: Connection, experiment_id: int) -> Sequence[Row[Any]]:
    """The experiment's others in the order in which they first came."""
    other = schema.other.c
    statement = select(schema.other).where(other.experiment_id == experiment_id).order_by(other.id)
    return connection.execute(statement).all()


def add_tags(connection: Connection, experiment_id: int, names: Sequence[str]) -> None:
    """Adds tags that the experiment does not have yet."""
    rows = [{"experiment_id": experiment_id, "name": name} for name in names]
    if rows:
        connection.execute(insert(schema.tag).on_conflict_do_nothing(), rows)


def remove_tags(connection: Connection, experiment_id: int, names: Sequence[str]) -> None:
    """Takes tags away; those it does not have are passed over."""
    tag = schema.tag.c
    statement = delete(schema.tag).where(tag.experiment_id == experiment_id, tag.name == bindparam("gone"))
    if names:
        connection.execute(statement, [{"gone": name} for name in names])


def tags(connection: Connection, experiment_id: int) -> list[str]:
    """The experiment's tags in the order in which they were added."""
    tag = schema.tag.c
    return list(connection.scalars(select(tag.name).where(tag.experiment_id == experiment_id).order_by(tag.id)))
