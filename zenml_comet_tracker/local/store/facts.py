"""Named values of an experiment: parameters, others, tags. Of two values of one name the newer stays, by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.experiments import change
from zenml_comet_tracker.local.store.metrics import shown_name
from zenml_comet_tracker.local.store.numbers import as_number

# The key under which an experiment's name is logged, on every Comet.
NAME = "Name"


@dataclass(frozen=True)
class ParameterValue:
    """One parameter as it was logged: plain name, the context beside it, the value as text."""

    name: str
    value: str
    step: int | None
    context: str
    source: str
    millis: int


def add_parameters(connection: Connection, experiment_id: int, values: Sequence[ParameterValue]) -> None:
    """Stores parameters."""
    rows = [
        {
            **asdict(value),
            "experiment_id": experiment_id,
            "name": shown_name(value.name, value.context),
            "number": as_number(value.value),
        }
        for value in values
    ]
    statement = insert(schema.parameter)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["experiment_id", "name"],
        set_={name: new[name] for name in ("context", "value", "number", "step", "source", "millis")},
        where=new.millis >= schema.parameter.c.millis,
    )
    if rows:
        connection.execute(statement, rows)


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


def add_other(transaction: Transaction, experiment_id: int, name: str, value: str, millis: int) -> None:
    """Stores an other; one called `Name` names the experiment."""
    statement = insert(schema.other).values(
        experiment_id=experiment_id, name=name, value=value, number=as_number(value), millis=millis
    )
    new = statement.excluded
    result = transaction.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["experiment_id", "name"],
            set_={"value": new.value, "number": new.number, "millis": new.millis},
            where=new.millis >= schema.other.c.millis,
        )
    )
    if name == NAME and result.rowcount:
        change(transaction, experiment_id, name=value)


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
