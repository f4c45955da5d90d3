"""Which fields a project has, and of which type."""

from __future__ import annotations

import math

from tests.local.store.search.brute_force import Logged
from tests.local.store.search.sowing import sow
from zenml_comet_tracker.local.store import columns, experiments
from zenml_comet_tracker.local.store.store import Store

# As recorded from Comet for a project in which nothing was logged.
BUILT_IN = {
    ("runId", "string", "metadata"),
    ("hasNotes", "boolean", "metadata"),
    ("duration", "timenumber", "metadata"),
    ("codeSHA", "string", "metadata"),
    ("file_name", "string", "metadata"),
    ("hasHtml", "boolean", "metadata"),
    ("experimentKey", "string", "metadata"),
    ("optimizationId", "string", "metadata"),
    ("end_server_timestamp", "datetime", "metadata"),
    ("installed_packages", "string", "metadata"),
    ("file_path", "string", "metadata"),
    ("last_message_time", "datetime", "metadata"),
    ("runActive", "boolean", "metadata"),
    ("hasImages", "boolean", "metadata"),
    ("user_name", "string", "metadata"),
    ("start_server_timestamp", "datetime", "metadata"),
    ("Name", "string", "log_other"),
    ("throttled", "string", "log_other"),
}


def _fields(store: Store, project_id: str, *, archived: bool = False) -> set[tuple[str, str, str]]:
    with store.read() as connection:
        found = columns.of_project(connection, project_id, archived=archived)
    fields = [(column.name, column.kind, column.source) for column in found]
    assert len({(name, source) for name, _, source in fields}) == len(fields)
    return set(fields)


def test_an_empty_project_has_what_comet_offers_everywhere(store: Store) -> None:
    sow(store, [Logged("1" * 32, metrics={"loss": [1]}, params={"lr": "1"}, tags=["t"])])
    assert _fields(store, sow(store, [])) == BUILT_IN


def test_logged_names_are_fields_of_texts_or_of_numbers(store: Store) -> None:
    first = Logged(
        "1" * 32,
        metrics={"loss": [math.nan], "Ä": [1.0]},
        params={"lr": "0.1", "opt": "adam", "mixed": "1", "odd": "NaN", "flag": "true"},
        others={"Name": "7", "note": "hi", "count": "12"},
        tags=["t", "1"],
        system={"hostname": "box", "pid": "12"},
    )
    second = Logged("2" * 32, params={"lr": "-1e3", "mixed": "one", "odd": "null"}, others={"count": "-0"})
    logged = {
        *(("loss", "double", "metrics"), ("Ä", "double", "metrics")),
        *(("lr", "double", "params"), ("opt", "string", "params"), ("mixed", "string", "params")),
        *(("odd", "double", "params"), ("flag", "string", "params")),
        *(("note", "string", "log_other"), ("count", "double", "log_other")),
        *(("t", "string", "tag"), ("1", "string", "tag")),
        *(("hostname", "string", "env_details"), ("pid", "double", "env_details")),
    }
    assert _fields(store, sow(store, [first, second])) == BUILT_IN | logged


def test_a_project_knows_its_own_names_only_archived_ones_by_themselves(store: Store) -> None:
    mine = sow(store, [Logged("1" * 32, metrics={"loss": [1]}), Logged("2" * 32, params={"lr": "x", "old": "1"})])
    sow(store, [Logged("3" * 32, metrics={"other": [1]}, params={"lr": "1", "zoo": "1"}, tags=["theirs"])])
    with store.write_to("2" * 32) as target:
        experiments.change(target.transaction, target.experiment.id, archived=True)
    assert _fields(store, mine) == BUILT_IN | {("loss", "double", "metrics")}
    archived = {("lr", "string", "params"), ("old", "double", "params")}
    assert _fields(store, mine, archived=True) == BUILT_IN | archived


def test_the_places_of_a_name(store: Store) -> None:
    mine = sow(store, [Logged("1" * 32, metrics={"x": [1]}, tags=["x", "duration"])])
    sow(store, [Logged("2" * 32, params={"x": "1"})])
    with store.read() as connection:
        assert columns.sources_of(connection, mine, "x", archived=False) == ["metrics", "tag"]
        assert columns.sources_of(connection, mine, "duration", archived=False) == ["metadata", "tag"]
        assert columns.sources_of(connection, mine, "x", archived=True) == []
        assert columns.sources_of(connection, mine, "x' OR 1=1 --", archived=False) == []
