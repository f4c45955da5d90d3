"""Journals that are damaged, late, or name files that have changed: what they hold arrives, and tells no lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.comet.scripted import ScriptedComet
from tests.faults.cell import arranged, run_forked, settled
from tests.faults.plan import Plan
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.experiment import Experiment

KEY = "canary-key-8f2c1d"
PLAN = Plan("", "", "", "", story="leaves", rate=10.0, points=30)


def deliver(journals: Path) -> int:
    """Runs the command that delivers what was left; its exit code."""
    return CliRunner().invoke(main, ["sync", str(journals), "--api-key", KEY, "--json"]).exit_code


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The journal of a process that died while its server was away, for a server of the test's own."""
    folder = tmp_path_factory.mktemp("left")
    server = LocalServer("http://127.0.0.1:9", KEY, folder, None)
    with arranged(server, folder / "cell", PLAN) as (gate, ready):
        gate.board["fault"] = 1
        assert run_forked(ready, 60).exit_code == 7
    (journal,) = ready.journals.iterdir()

    def copied(root: str) -> Path:
        copy = folder / root.rsplit(":", 1)[1] / journal.name
        shutil.copytree(journal, copy)
        header = json.loads((copy / "header.json").read_text())
        (copy / "header.json").write_text(json.dumps(header | {"root": root}))
        return copy

    return copied


def test_a_journal_cut_at_any_byte_delivers_every_whole_record(
    comet: ScriptedComet, left_behind: Callable[[str], Path]
) -> None:
    """Each cut makes one line shorter by some bytes, so that 30 cuts try every place in a line."""
    journal = left_behind(comet.root)
    (segment,) = journal.glob("metrics.*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    assert len(lines) == 30
    for whole, line in enumerate(lines):
        copy = journal.parent.with_name(f"{journal.parent.name}-{whole}") / journal.name
        shutil.copytree(journal, copy)
        cut = len(line) * (whole + 1) // 31
        (copy / segment.name).write_bytes(b"".join(lines[:whole]) + line[:cut])
        comet.asked.clear()
        assert deliver(copy) in (0, 1)
        assert [value["step"] for value in comet.metric_values()] == list(range(whole))


def test_a_file_overwritten_in_place_arrives_with_the_bytes_of_the_call(
    comet: ScriptedComet, journals: Path, tmp_path: Path
) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(b"as it was when it was logged")
    with Experiment(api_key=KEY, url=comet.root, journal_folder=journals) as experiment:
        experiment.log_asset(file)
        with file.open("r+b") as stream:
            stream.write(b"REWRITTEN IN PLACE")
    (upload,) = comet.requests("/asset/upload")
    assert b"as it was when it was logged" in upload.body


def test_a_journal_of_an_earlier_attempt_changes_neither_the_status_nor_newer_values(
    local_server: LocalServer, tmp_path: Path
) -> None:
    with arranged(local_server, tmp_path / "cell", replace(PLAN, points=6)) as (gate, ready):
        gate.board["fault"] = 1
        first = run_forked(ready, 60)
        gate.board["fault"] = 0
        with Experiment(
            api_key=local_server.api_key,
            url=local_server.url,
            experiment_key=ready.experiment_key,
            mode="get_or_create",
            attempt=2,
            journal_folder=tmp_path / "second",
        ) as second:
            second.log_metric("m0", 100.0, step=200)
            second.log_parameter("p0.0", "newer")
        before = local_server.get("experiment/metadata", experimentKey=second.id)
        settled(local_server, gate, ready, first)

    after = local_server.get("experiment/metadata", experimentKey=second.id)
    summaries = local_server.get("experiment/metrics/summary", experimentKey=second.id)["values"]
    metrics = {summary["name"]: summary for summary in summaries}
    parameters = local_server.get("experiment/parameters", experimentKey=second.id)["values"]
    assert first.exit_code == 7
    assert (after["running"], after["hasCrashed"]) == (before["running"], before["hasCrashed"]) == (False, False)
    assert after["endTimeMillis"] == before["endTimeMillis"]
    # The newest attempt has the name, and what came late is kept apart.
    assert (float(metrics["m0"]["valueMin"]), float(metrics["m0"]["valueCurrent"])) == (100.0, 100.0)
    assert float(metrics["attempt_1_m0"]["valueMin"]) == 0.0
    assert {p["name"]: p["valueCurrent"] for p in parameters}["p0.0"] == "newer"
