"""Versions and aliases beside a model in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semantic_version import Version  # not the library under test
from sqlalchemy import Row

from tests.fixtures.local_server import TurnedClock
from zenml_comet_tracker.local.store import artifact_versions, artifacts, experiments, projects, versions
from zenml_comet_tracker.local.store.artifact_versions import NewVersion
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.faults import ArtifactOpenError, BadVersionError, UnknownArtifactError
from zenml_comet_tracker.local.store.store import Store

KEY = "a" * 32
_NAMES = st.lists(st.sampled_from(["a", "b", "c", "latest"]), max_size=3)
# What is done to one artifact: a version made with aliases, closed or left open; a version's aliases replaced.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("make"), _NAMES, st.booleans()),
        st.tuples(st.just("label"), _NAMES, st.integers(0, 5)),
    ),
    max_size=12,
)
_artifact = count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("store"), TurnedClock())
    with store.write() as transaction:
        project_id = projects.ensure(transaction, "ws", "p")
        experiments.create(transaction, NewExperiment(KEY, project_id, running=True))
    yield store
    store.close()


def make(store: Store, name: str, version: str | None = None, aliases: list[str] | None = None) -> Row[Any]:
    """A new version's row."""
    new = NewVersion(f"{name}-{next(_artifact)}", name, "t", version, aliases or [], [], None)
    with store.write_to(KEY) as target:
        return artifact_versions.make(target.transaction, target.experiment, new)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_an_alias_leads_to_the_version_that_got_it_last(store: Store, steps: list[tuple[str, list[str], int]]) -> None:
    name = f"artifact-{next(_artifact)}"
    made: list[str] = []
    closed: list[str] = []
    led: dict[str, str] = {}
    for kind, aliases, argument in steps:
        if kind == "make":
            row = make(store, name, aliases=aliases)
            made.append(row.id)
            if argument:
                with store.write() as transaction:
                    artifact_versions.set_state(transaction.connection, row.id, "CLOSED")
                closed.append(row.id)
        elif argument < len(made):
            with store.write() as transaction:
                artifact_versions.label(transaction.connection, made[argument], aliases=aliases)
            led = {alias: version for alias, version in led.items() if version != made[argument] or alias in aliases}
        else:
            continue
        led |= dict.fromkeys(aliases, made[-1] if kind == "make" else made[argument])
    _assert_leads(store, name, made, closed, led)


def _assert_leads(store: Store, name: str, made: list[str], closed: list[str], led: dict[str, str]) -> None:
    if not made:
        return
    with store.read() as connection:
        artifact = artifacts.require_named(connection, "ws", name)
        for version_id in made:
            expected = sorted(alias for alias, version in led.items() if version == version_id)
            assert artifact_versions.aliases(connection, version_id) == expected
        led = {**dict.fromkeys(["latest"], (closed or made)[-1]), **led}
        for alias in ("a", "b", "c", "latest"):
            try:
                found = artifact_versions.final(connection, artifact, alias=alias).id
            except ArtifactOpenError:
                found = "open"
            except UnknownArtifactError:
                found = None
            expected_id = led.get(alias)
            assert found == (expected_id if expected_id in closed or expected_id is None else "open")


_NUMBER = st.integers(0, 1).map(str)
_VERSION = st.builds(
    lambda numbers, before, build: (
        ".".join(numbers) + (f"-{before}" if before else "") + (f"+{build}" if build else "")
    ),
    st.tuples(_NUMBER, _NUMBER, _NUMBER),
    st.sampled_from(["", "", "rc.1", "rc.2", "rc.11", "alpha", "1"]),
    st.sampled_from(["", "", "b1"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spelled=st.lists(_VERSION, min_size=1, max_size=6, unique_by=lambda text: text.partition("+")[0]))
def test_the_latest_and_the_next_are_those_of_another_library(store: Store, spelled: list[str]) -> None:
    name = f"artifact-{next(_artifact)}"
    for version in spelled:
        row = make(store, name, version)
        with store.write() as transaction:
            artifact_versions.set_state(transaction.connection, row.id, "CLOSED")
    highest = max(map(Version, spelled))
    with store.read() as connection:
        artifact = artifacts.require_named(connection, "ws", name)
        assert artifact_versions.final(connection, artifact).version == str(highest)
        listed = artifact_versions.of_artifact(connection, artifact.id)
    assert [row.version for row in listed] == sorted(spelled, key=Version)
    following = make(store, name)
    assert following.version == f"{highest.major}.{highest.minor + 1}.0"
    with store.read() as connection:
        assert artifact_versions.previous(connection, following) == str(highest)


def test_a_version_past_the_greatest_number_is_refused(store: Store) -> None:
    make(store, "full", f"1.{2**31 - 1}.0")
    with pytest.raises(BadVersionError):
        make(store, "full")
    with pytest.raises(BadVersionError):
        versions.parse("1.0")


def test_versions_survive_a_restart(tmp_path: Path, clock: TurnedClock) -> None:
    for opened in range(2):
        store = Store(tmp_path, clock)
        if not opened:
            with store.write() as transaction:
                project_id = projects.ensure(transaction, "ws", "p")
                experiments.create(transaction, NewExperiment(KEY, project_id, running=True))
            made = make(store, "kept", aliases=["a"])
        with store.read() as connection:
            assert artifact_versions.require(connection, made.id) == made
            assert artifact_versions.aliases(connection, made.id) == ["a"]
        store.close()
