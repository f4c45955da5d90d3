"""Large projects, page by page: every experiment once, from servers that know pages and from those that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import insert

from tests.comet.scripted import Answer, Asked, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.api import API
from zenml_comet_tracker.comet.api.listing import PAGE_SIZE, Row, every
from zenml_comet_tracker.local.store import projects, schema

WORKSPACE = "large"
START = 1_790_000_000_000


class Project:
    """A server's list of experiments, which gives at most `limit` of a page, or all when it knows no pages."""

    def __init__(self, count: int, *, limit: int = PAGE_SIZE, pages: bool = True) -> None:
        self.rows = [{"experimentKey": f"{number:032}"} for number in range(count)]
        self.limit, self.pages, self.requests = limit, pages, 0

    def fetch(self, page: int) -> list[Row]:
        self.requests += 1
        size = min(self.limit, PAGE_SIZE)
        return [*self.rows[(page - 1) * size : page * size]] if self.pages else [*self.rows]

    def remove(self, row: Row) -> None:
        self.requests += 1
        self.rows.remove(row)

    def every(self) -> Iterator[Row]:
        return every(self.fetch, lambda: self.requests)


@pytest.mark.parametrize(
    "count", [0, 1, 99, 100, 101, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 2 * PAGE_SIZE, 2_345, 10_000]
)
@pytest.mark.parametrize("kind", [{}, {"limit": 100}, {"limit": 250}, {"pages": False}], ids=str)
def test_each_comes_once_and_in_order(count: int, kind: dict[str, int]) -> None:
    project = Project(count, **kind)  # type: ignore[arg-type]
    assert list(project.every()) == project.rows
    limit = kind.get("limit", PAGE_SIZE)
    assert project.requests <= count // limit + 2


def test_a_page_is_asked_for_when_it_is_needed() -> None:
    project = Project(10_000)
    found = project.every()
    assert project.requests == 0
    for _ in range(PAGE_SIZE):
        next(found)
    assert project.requests == 1
    next(found)
    assert project.requests == 2


@pytest.mark.parametrize("removed", [lambda index: True, lambda index: index % 2, lambda index: index % 700 == 0])
def test_each_comes_once_also_when_the_loop_removes_some(removed: Callable[[int], bool]) -> None:
    project = Project(3_456)
    everything = [*project.rows]
    seen = []
    for index, row in enumerate(project.every()):
        seen.append(row)
        if removed(index):
            project.remove(row)
    assert sorted(row["experimentKey"] for row in seen) == [row["experimentKey"] for row in everything]


def test_new_ones_on_the_way_do_no_harm() -> None:
    project = Project(2_500)
    everything = [*project.rows]
    seen = []
    for index, row in enumerate(project.every()):
        seen.append(row)
        if index % 10 == 0:
            project.rows.insert(0, {"experimentKey": f"new {index}"})
    assert [row for row in seen if not row["experimentKey"].startswith("new")] == everything
    assert len(seen) == len({row["experimentKey"] for row in seen})


@pytest.fixture(scope="module")
def large(local_server: LocalServer) -> list[str]:
    """The keys of 2,050 experiments in one project, the newest first."""
    made = [f"b{number:031}" for number in range(2_050)]
    with local_server.store.write() as transaction:
        project = projects.ensure(transaction, WORKSPACE, "many")
        # One by one they would take a second.
        same = dict.fromkeys(("created_millis", "status_millis", "last_beat_millis", "updated_millis"), START)
        rows = [
            {"key": key, "project_id": project, "name": f"run {number}", "start_millis": START + number, **same}
            for number, key in enumerate(made)
        ]
        transaction.connection.execute(insert(schema.experiment), [{**row, "running": False} for row in rows])
    return made[::-1]


def test_a_large_project_of_the_local_server_takes_a_request_for_a_thousand(ours: API, large: list[str]) -> None:
    before = ours._connection.requests
    found = [(experiment.key, experiment.name) for experiment in ours.gen_experiments(WORKSPACE, "many")]
    assert ours._connection.requests == before + 3
    assert [key for key, _ in found] == large
    assert found[0][1] == "run 2049"
    assert [experiment.key for experiment in ours.get_experiments(WORKSPACE, "many")] == large
    assert ours._connection.requests == before + 4


def test_a_loop_may_archive_what_it_gets(local_server: LocalServer, ours: API, large: list[str]) -> None:
    chosen = {key for key in large if key.endswith("77")}
    archived = [e.key for e in ours.gen_experiments(WORKSPACE, "many") if e.key in chosen and e.archive()]
    assert set(archived) == chosen
    left = local_server.get("experiments", workspaceName=WORKSPACE, projectName="many")["experiments"]
    assert len(left) == len(large) - len(chosen)


def test_a_server_without_pages_is_asked_once(comet: ScriptedComet) -> None:
    rows = [{"experimentKey": f"{number:032}", "experimentName": f"run {number}"} for number in range(1_500)]

    def answer(asked: Asked) -> Answer | None:
        return Answer(body={"experiments": rows}) if asked.path.endswith("/experiments") else None

    comet.rules.insert(0, answer)
    api = API("key", url=comet.root)
    assert len(list(api.gen_experiments("w", "p"))) == 1_500
    assert len(comet.requests("/experiments")) == 1
    # And what is a page is cut here.
    page = api.get_experiments("w", "p", page=3, page_size=20)
    assert [experiment.name for experiment in page] == [f"run {number}" for number in range(40, 60)]
