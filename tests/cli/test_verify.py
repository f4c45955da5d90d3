"""`verify`: everything holds against the local Comet, a server that lies is caught, nothing is left or told."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Typed
from tests.fixtures.local_server import KEY, LocalServer
from zenml_comet_tracker.cli import connecting
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.verify import GROUPS, Limits, Report, running, verify
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.local.routes import assets as asset_routes
from zenml_comet_tracker.local.routes.answers import RequestError
from zenml_comet_tracker.local.store import (
    artifact_versions,
    documents,
    facts,
    lineage,
    metrics,
    projects,
    registry_items,
)
from zenml_comet_tracker.local.store.points import Points
from zenml_comet_tracker.local.store.search import results

DOC = (Path(__file__).parents[2] / "docs" / "verify.md").read_text("utf-8")


def run(server: LocalServer, monkeypatch: pytest.MonkeyPatch, *groups: str, **options: Any) -> Report:
    """What comes of some groups of checks, in a workspace of their own."""
    chosen = tuple(group for group in GROUPS if group.name in groups)
    assert len(chosen) == len(groups)
    monkeypatch.setattr(running, "GROUPS", chosen)
    with connect(server.api_key, url=server.url) as connection:
        return verify(connection, "verify", **options)


def scratch_projects(server: LocalServer) -> list[str]:
    found = [
        project["projectName"]
        for workspace in server.get("workspaces")["workspaceNames"]
        for project in server.get("projects", workspaceName=workspace)["projects"]
    ]
    return [name for name in found if "verify" in name]


def test_everything_holds_against_the_local_comet(typed: Typed, local_server: LocalServer) -> None:
    done = typed("verify", "--json", "--workspace", "canary team")
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if check["result"] != "held"] == []
    assert (done.exit_code, report["held"], report["server"]) == (0, True, "local")
    assert report["counts"]["held"] == len(report["checks"]) > 80
    assert {check["protocol"] for check in report["checks"]} == {"rest", "batch"}
    assert {check["group"] for check in report["checks"]} == set(
        re.findall(r"^\| ([^|]*?) \| ", DOC, re.MULTILINE)[-10:]
    )
    assert scratch_projects(local_server) == []
    models = local_server.get("registry-model", workspaceName="canary-workspace")["registryModels"]
    assert models == []
    assert KEY not in done.output
    assert "canary" not in done.stdout
    assert local_server.url.removeprefix("http://") not in done.stdout


def changed(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, lie: Callable[[Any], Any]) -> None:
    """The server's function gives what `lie` makes of what it gave."""
    honest = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *words, **named: lie(honest(*words, **named)))


def rounded(found: Any) -> Any:
    """The last bit is lost, as by who keeps too few digits."""
    with np.errstate(all="ignore"):
        return [
            (row, Points(np.nextafter(points.values, 0), points.steps, points.epochs, points.millis))
            for row, points in found
        ]


def late(found: Any) -> Any:
    return [(row, Points(points.values, points.steps, points.epochs, points.millis + 1)) for row, points in found]


def ends_too_early(text: str | None) -> str | None:
    return text[:-1] if text and not text.startswith("{") else text


LIES: dict[str, tuple[str, Any, str, Callable[[Any], Any], str]] = {
    "a tag is lost": ("parameters, others, tags", facts, "tags", lambda names: names[:-1], "tags are added"),
    "values are rounded": ("metrics", metrics, "points", rounded, "extreme values are kept exactly"),
    "times are off by a millisecond": ("metrics", metrics, "points", late, "one point a request"),
    "a text ends too early": ("texts and details", documents, "get", ends_too_early, "code is kept"),
    "output is out of order": ("texts and details", documents, "output", lambda text: text[::-1], "output is kept"),
    "notes are forgotten": ("projects", projects, "change", lambda _: None, "notes are kept"),
    "a query finds nothing": ("search", results, "keys", lambda _: [], "predicates find"),
    "labels are not kept": ("artifacts", artifact_versions, "aliases", lambda _: [], "its labels are changed"),
    "files have another step": (
        "assets and models",
        asset_routes,
        "listed",
        lambda row: {**row, "step": 9},
        "a file comes back",
    ),
    "lineage is lost": ("artifacts", lineage, "inputs", lambda _: [], "who reads a version"),
    "a status is not set": ("model registry", registry_items, "tags", lambda _: ["t"], "a tag is added"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_in_one_place_is_caught(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    group, owner, name, change, check = LIES[lie]
    if lie == "notes are forgotten":
        # The write says OK and does nothing.
        monkeypatch.setattr(owner, name, lambda *_, **__: None)
    else:
        changed(monkeypatch, owner, name, change)
    needed = {
        "search": ("metrics", "parameters, others, tags", "search"),
        "model registry": ("assets and models", group),
    }
    report = run(local_server, monkeypatch, *needed.get(group, (group,)))
    assert not report.held
    caught = [outcome for outcome in report.outcomes if outcome.name.startswith(check)]
    assert {outcome.result for outcome in caught} == {"differed"}
    assert "expected" in caught[0].detail
    assert "got" in caught[0].detail
    # The others are not drawn in.
    assert [outcome for outcome in report.outcomes if outcome.group != group and outcome.result != "held"] == []
    assert scratch_projects(local_server) == []


def test_files_that_come_back_changed_are_caught_and_the_table_says_so(
    typed: Typed, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = asset_routes.download

    def flipped(files: Any, row: Any) -> Any:
        response = honest(files, row)
        changed = bytearray(Path(response.path).read_bytes())
        changed[len(changed) // 2] ^= 1
        other = files.temporary()
        other.write_bytes(changed)
        response.path = other
        return response

    monkeypatch.setattr(asset_routes, "download", flipped)
    monkeypatch.setattr(running, "GROUPS", tuple(group for group in GROUPS if group.name == "assets and models"))
    done = typed("verify")
    assert done.exit_code == 1
    told = [line.split("\t") for line in done.stdout.splitlines()]
    lines = {(line[1], line[2]): line[3:] for line in told}
    assert lines["a file comes back byte by byte", "rest"][0] == "differed"
    assert lines["a file comes back byte by byte, under our id", "batch"][0] == "differed"
    assert lines["a link is kept as it is", "rest"][0] == "held"
    assert scratch_projects(local_server) == []


def test_a_server_that_refuses_is_told_in_its_words_without_the_key(
    typed: Typed, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: Any, **__: Any) -> Any:
        host = local_server.url.removeprefix("http://")
        raise RequestError(f"No tags for {KEY} of canary team at {local_server.url}, {host}/canary%20team.", status=403)

    monkeypatch.setattr(facts, "tags", refusing)
    # What is told is cut off, here within the key.
    told = f"{KEY} {'x' * 80} {KEY}"
    changed(monkeypatch, facts, "others", lambda rows: [_Row(row, told) for row in rows])
    monkeypatch.setattr(running, "GROUPS", tuple(group for group in GROUPS if group.name.startswith("parameters")))
    done = typed("verify", "--json", "--workspace", "canary team")
    report = json.loads(done.stdout)
    results = {check["name"]: check for check in report["checks"]}
    assert results["tags are added and taken away"]["result"] == "refused"
    assert "No tags for" in results["tags are added and taken away"]["detail"]
    assert results["others are kept"]["result"] == "differed"
    assert "<key>..." in results["others are kept"]["detail"]
    assert KEY[:6] not in done.output
    assert "canary" not in done.stdout
    assert local_server.url.removeprefix("http://") not in done.stdout


class _Row:
    """A row of the server with another value."""

    def __init__(self, row: Any, value: str) -> None:
        self.name, self.value, self.millis = row.name, value, row.millis


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_project_is_deleted_also_when_it_is_interrupted(
    typed: Typed, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    group = Group("interrupted")
    seen: list[str] = []

    @group.check("a project is there", "none")
    def _there(scratch: Any) -> None:
        assert scratch.rest
        seen.extend(scratch_projects(local_server))
        os.kill(os.getpid(), number)
        # Python handles a signal between two of its steps, and not always between the next two.
        for _ in range(10_000):
            time.sleep(0.001)

    monkeypatch.setattr(running, "GROUPS", (group, group))
    done = typed("verify", "--json")
    report = json.loads(done.stdout)
    assert len(seen) == 1
    assert (done.exit_code, report["interrupted"], report["held"], report["checks"]) == (1, True, False, [])
    assert scratch_projects(local_server) == []


def test_what_goes_wrong_in_a_check_is_one_line_and_the_project_is_deleted(
    local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "tags", lambda *_: [None])
    report = run(local_server, monkeypatch, "projects", "parameters, others, tags", limits=Limits(requests=30))
    assert {outcome.result for outcome in report.outcomes} == {"held", "left out"}
    assert "the 30 requests for all checks are used up" in [outcome.detail for outcome in report.outcomes]
    assert not report.held
    # What is still needed to clear up is sent.
    assert report.requests < 36
    assert scratch_projects(local_server) == []


def test_it_ends_in_time(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run(local_server, monkeypatch, "projects", limits=Limits(seconds=-1))
    assert {outcome.result for outcome in report.outcomes} == {"left out"}
    assert report.requests < 8


def test_a_server_that_is_not_local_is_not_written_to_without_a_yes(
    typed: Typed, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "is_local", lambda _: False)
    monkeypatch.setattr(running, "GROUPS", GROUPS[:1])
    done = typed("verify", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--yes" in done.stderr
    assert "Comet cannot delete it" in done.stderr
    assert scratch_projects(local_server) == []
    allowed = typed("verify", "--json", "--yes", "--no-artifacts")
    assert (allowed.exit_code, json.loads(allowed.stdout)["server"]) == (0, "other")


def test_without_artifacts_none_is_left_behind(local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run(local_server, monkeypatch, "artifacts", artifacts=False)
    assert (report.outcomes, report.left_behind) == ([], [])
    report = run(local_server, monkeypatch, "artifacts")
    assert report.held
    assert report.left_behind == ["artifact zenml-comet-verify: Comet has no call to delete an artifact"]
