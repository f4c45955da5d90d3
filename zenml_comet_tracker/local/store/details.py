"""What search reads of an experiment's machine and program: its system details, one row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert

from zenml_comet_tracker.local.store import schema
from zenml_comet_tracker.local.store.numbers import as_number

# Lists of packages are left out: they are long, and `metadata` has the field `installed_packages`.
NAMES = (
    *("user", "pythonVersion", "pythonVersionVerbose", "pid", "osType", "os", "osRelease", "machine", "processor"),
    *("ip", "hostname", "networkInterfaceIps", "command", "executable"),
)
_ADDITIONAL = "logAdditionalSystemInfoList"


def put(connection: Connection, experiment_id: int, system: Mapping[str, Any]) -> None:
    """Takes the rows from the system details in place of those that are there."""
    connection.execute(delete(schema.detail).where(schema.detail.c.experiment_id == experiment_id))
    rows = [
        {"experiment_id": experiment_id, "name": name, "value": value, "number": as_number(value)}
        for name, value in dict(_values(system)).items()
    ]
    if rows:
        connection.execute(insert(schema.detail), rows)


def _values(system: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in system.get(_ADDITIONAL) or ():
        if isinstance(entry, dict) and isinstance(entry.get("key"), str):
            yield entry["key"], _text(entry.get("value"))
    for name in NAMES:
        if system.get(name) is not None:
            yield name, _text(system[name])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
