"""Tables and searches of many experiments, beside fetching all of them and sorting and filtering in Python."""

from __future__ import annotations

import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.server.rows import Row
from zenml_comet_tracker.local.store import columns, experiment_table, projects, schema
from zenml_comet_tracker.local.store.experiment_table import Sort
from zenml_comet_tracker.local.store.search import results
from zenml_comet_tracker.local.store.search.results import Part
from zenml_comet_tracker.local.store.search.rules import Group, Operator, Rule
from zenml_comet_tracker.local.store.store import Store

FEW, MANY = 1_000, 10_000
METRICS, PARAMETERS, PAGE_ROWS = 20, 20, 100
NOW = 1_790_000_000_000
SORTED_BY = "metric_3"
WANTED = Group(
    [
        Rule("metrics", "metric_3", Operator.LESS, (0.5,)),
        Rule("params", "parameter_1", Operator.GREATER_OR_EQUAL, (3.0,)),
        Rule("params", "optimizer", Operator.EQUAL, ("adam",)),
    ]
)
_Ask = Callable[[], object]


def search(folder: Path, rounds: int) -> Iterator[Row]:
    """The first page by a metric and a search with three conditions: against Python, and against fewer experiments."""
    few, many = _Filled(folder / "few", FEW), _Filled(folder / "many", MANY)
    try:
        page = _seconds(rounds, many.first_page, many.first_page_by_hand, few.first_page)
        yield from _rows_of("first page by a metric", *page)
        yield from _rows_of(
            "search with three conditions", *_seconds(rounds, many.found, many.found_by_hand, few.found)
        )
        took, took_few = _seconds(rounds, many.columns, few.columns)
        yield Row("column names, growth", "ms", took * 1e3, "most", MANY / FEW, f"{FEW} experiments", took_few * 1e3)
    finally:
        few.close()
        many.close()


def _rows_of(figure: str, ours: float, by_hand: float, fewer: float) -> Iterator[Row]:
    yield Row(f"{figure}, {MANY} experiments", "per second", 1 / ours, "least", 10, "in Python", 1 / by_hand)
    yield Row(f"{figure}, growth", "ms", ours * 1e3, "most", MANY / FEW, f"{FEW} experiments", fewer * 1e3)


class _Filled:
    """A store with one project of `count` experiments."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True)
        self.store = Store(folder, lambda: NOW)
        self.path = folder / "comet.db"
        with self.store.write() as transaction:
            self.project_id = projects.ensure(transaction, "local", "bench")
            for table, rows in _rows(self.project_id, count).items():
                transaction.connection.execute(insert(schema.metadata.tables[table]), rows)

    def close(self) -> None:
        self.store.close()

    def first_page(self) -> list[str]:
        """The keys on the project's page, which is read as a whole."""
        order = Sort.parse(f"metric:{SORTED_BY}")
        with self.store.read() as connection:
            table = experiment_table.read(
                connection, NOW, self.project_id, search="", sort=order, offset=0, limit=PAGE_ROWS
            )
        return [row.experiment.key for row in table.rows]

    def first_page_by_hand(self) -> list[str]:
        """The same, worked out over everything."""
        with closing(sqlite3.connect(self.path)) as connection:
            everything = _everything(connection)
        everything.sort(key=lambda one: one["metrics"][SORTED_BY])
        return [one["key"] for one in everything[:PAGE_ROWS]]

    def found(self) -> list[str]:
        """The keys of the first page of a search, which also counts."""
        with self.store.read() as connection:
            found = results.find(connection, NOW, self.project_id, WANTED, part=Part(size=PAGE_ROWS))
        return [row.key for row in found.rows]

    def found_by_hand(self) -> list[str]:
        """The same, worked out over everything."""
        with closing(sqlite3.connect(self.path)) as connection:
            everything = _everything(connection)
        found = [
            one
            for one in everything
            if one["metrics"]["metric_3"] < 0.5
            and float(one["parameters"]["parameter_1"]) >= 3
            and one["parameters"]["optimizer"] == "adam"
        ]
        found.sort(key=lambda one: (one["start"], one["id"]), reverse=True)
        return [one["key"] for one in found[:PAGE_ROWS]]

    def columns(self) -> list[columns.Column]:
        """The fields that a search can name."""
        with self.store.read() as connection:
            return columns.of_project(connection, self.project_id, archived=False)


def _everything(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    everything = {
        number: {"id": number, "key": key, "start": start, "metrics": {}, "parameters": {}}
        for number, key, start in connection.execute("SELECT id, key, start_millis FROM experiment")
    }
    for owner, name, value in connection.execute("SELECT experiment_id, name, last_value FROM metric"):
        everything[owner]["metrics"][name] = value
    for owner, name, value in connection.execute("SELECT experiment_id, name, value FROM parameter"):
        everything[owner]["parameters"][name] = value
    return list(everything.values())


def _rows(project_id: str, count: int) -> dict[str, list[dict[str, Any]]]:
    """The experiments' rows by table."""
    chance = random.Random(4)
    rows: dict[str, list[dict[str, Any]]] = {"experiment": [], "metric": [], "parameter": []}
    for number in range(1, count + 1):
        start = NOW - chance.randrange(10**9)
        times = dict.fromkeys(("created_millis", "start_millis", "status_millis", "last_beat_millis"), start)
        own = {"id": number, "key": f"{chance.getrandbits(128):032x}", "project_id": project_id, "running": False}
        rows["experiment"].append({**own, **times, "updated_millis": start, "end_millis": start + 60_000})
        rows["metric"] += [_metric(number, f"metric_{at}", chance.random(), start) for at in range(METRICS)]
        values = {f"parameter_{at}": str(chance.randrange(10)) for at in range(PARAMETERS - 1)}
        values["optimizer"] = chance.choice(["adam", "sgd", "lion"])
        rows["parameter"] += [
            {"experiment_id": number, "name": name, "value": value, "number": None, "millis": start}
            | ({"number": float(value)} if name != "optimizer" else {})
            for name, value in values.items()
        ]
    return rows


def _metric(experiment_id: int, name: str, value: float, millis: int) -> dict[str, Any]:
    summed = {f"{which}_value": value for which in ("last", "min", "max")}
    times = dict.fromkeys(("last_millis", "last_peak_millis", "millis_min", "millis_max"), millis)
    return {"experiment_id": experiment_id, "name": name, "count": 100, "last_writer": "", **summed, **times}


def _seconds(rounds: int, *asks: _Ask) -> list[float]:
    """The median time of each; they take turns."""
    took: list[list[float]] = [[] for _ in asks]
    for _ in range(rounds + 1):
        for times, ask in zip(took, asks, strict=True):
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
    # The first round warms caches up.
    return [statistics.median(times[1:]) for times in took]
