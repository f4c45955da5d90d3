"""`zenml-comet sync`: what a dead or an offline process left is delivered by whoever may, else kept and explained."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

from tests.comet.offline import log, offline_writer
from tests.comet.scripted import Answer, Asked, Rule, ScriptedComet
from tests.comet.test_leftovers import die
from zenml_comet_tracker.cli.credentials import Keys
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.cli.rounds import Bar, Round, Rounds
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.record import End

VALUES = 301


def sync(journals: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["sync", str(journals), *options])


@pytest.fixture
def own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has the key that the journals of `die` were written with."""
    monkeypatch.setenv("COMET_API_KEY", "k")


@pytest.mark.usefixtures("own_key")
def test_what_a_dead_process_left_is_delivered_and_deleted(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (left,) = journals.iterdir()

    delivered, nothing = sync(journals), sync(journals)

    assert (delivered.exit_code, nothing.exit_code) == (0, 0), delivered.output
    assert f"done: {VALUES} values sent" in delivered.stdout
    assert f"{comet.root}/ws/proj/{left.name.partition('.')[0]}" in delivered.stdout
    assert "Nothing waits" in nothing.stdout
    assert [value["step"] for value in comet.metric_values()] == list(range(300))
    assert list(journals.iterdir()) == []


@pytest.mark.usefixtures("own_key")
def test_what_cannot_be_delivered_stays_and_is_told(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("logger/add/run", Answer(503))

    result = sync(journals)

    assert result.exit_code == 1
    assert "left: 0 values sent" in result.stdout
    assert "503" in result.stdout
    assert "is not open" not in result.stderr, "told once, on the other stream"
    assert len(list(journals.iterdir())) == 1


def test_another_key_than_the_journals_is_not_used_unless_it_is_given(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(comet, journals)
    monkeypatch.setenv("COMET_API_KEY", "another")

    found = sync(journals)
    asked = list(comet.asked)
    given = sync(journals, "--api-key", "another")

    assert found.exit_code == 1
    assert "--api-key" in found.stdout
    assert asked == []
    assert given.exit_code == 0, given.output
    assert {request.headers["authorization"] for request in comet.requests("/experiment/metric")} == {"another"}
    assert list(journals.iterdir()) == []


@pytest.mark.usefixtures("own_key")
def test_a_journal_whose_process_lives_is_left_to_it(comet: ScriptedComet, journals: Path) -> None:
    experiment = Experiment("k", url=comet.root, journal_folder=journals)
    experiment.log_metric("m", 1)

    result = sync(journals)

    assert experiment.end().delivered
    assert result.exit_code == 0
    assert "its process is running" in result.stdout


@pytest.mark.usefixtures("own_key")
def test_the_json_says_all_of_it_also_what_cannot_be_read(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (left,) = journals.iterdir()
    broken = journals / "x.y"
    broken.mkdir()
    (broken / "header.json").write_text("{")

    result = sync(journals, "--json")

    told = json.loads(result.stdout)
    key = left.name.partition(".")[0]
    assert result.exit_code == 1
    assert told["journals"] == [
        {
            "experiment": key,
            "server": comet.root,
            "journal": str(left),
            "sent": VALUES,
            "set_aside": 0,
            "left": False,
            "complete": True,
            "reason": None,
            "url": f"{comet.root}/ws/proj/{key}",
        }
    ]
    (problem,) = told["unreadable"]
    assert problem["journal"] == str(broken)
    assert str(broken) in sync(journals).stderr


@pytest.mark.usefixtures("own_key")
def test_a_run_that_goes_on_is_synced_ten_times_and_only_what_is_new_is_sent(
    comet: ScriptedComet, journals: Path
) -> None:
    with offline_writer(journals, comet.root) as writer:
        folder = writer.folder
        written, received, asked = [], [], []
        for turn in range(10):
            log(writer, range(turn * 500, turn * 500 + 500))
            before = len(comet.asked)
            result = sync(journals)
            assert (result.exit_code, "500 values sent" in result.stdout) == (0, True), result.output
            new = comet.asked[before:]
            written.append(sum(len(line) for line in segment(folder).splitlines()[-500:]))
            received.append(sum(len(request.body) for request in new))
            asked.append(len(new))
            assert folder.exists()
        assert [value["step"] for value in comet.metric_values()] == list(range(5000))
        # A handshake, a batch and a sign of life; what frames the lines in the journal is not sent.
        assert max(asked) <= 4
        assert all(0.8 * new < sent < 1.05 * new + 2_000 for new, sent in zip(written, received, strict=True))
        assert False not in [request.json["is_alive"] for request in comet.requests("status-report/update")]
        writer.end(End(9_000, 1))
    last = sync(journals)
    assert (last.exit_code, list(journals.iterdir())) == (0, []), last.output
    assert comet.requests("status-report/update")[-1].json["is_alive"] is False
    assert len(comet.metric_values()) == 5000


def test_an_offline_run_counts_what_a_sync_has_delivered_while_it_goes_on(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", comet.root)
    experiment = Experiment(url="offline", journal_folder=journals)
    experiment.log_metric("m", 1)
    without, before = experiment.flush(0), experiment.stats()
    synced = sync(journals, "--api-key", "any")
    within, after = experiment.flush(0), experiment.stats()
    experiment.log_metric("m", 2)
    ended = experiment.end().stats
    assert synced.exit_code == 0, synced.output
    assert "so far: 1 value sent" in synced.stdout
    assert (without, before.sent, before.pending) == (False, 0, 1)
    assert (within, after.sent, after.pending) == (True, 1, 0)
    assert (ended.sent, ended.pending) == (1, 1)
    assert "done: 1 value sent" in sync(journals, "--api-key", "any").stdout
    assert [value["metricValue"] for value in comet.metric_values()] == [1, 2]


def segment(folder: Path) -> bytes:
    return (folder / "metrics.0000000000000001.jsonl").read_bytes()


def exists(request: Asked) -> Answer | None:
    """What a server says to a second opening: the experiment is there."""
    return Answer(400, body={"msg": "exists", "sdk_error_code": 90999}) if request.path.endswith("add/run") else None


@pytest.mark.usefixtures("own_key")
def test_a_record_that_the_server_refuses_is_kept_with_its_reason_and_the_rest_goes_on(
    comet: ScriptedComet, journals: Path
) -> None:
    def refuse(request: Asked) -> Answer | None:
        bad = request.path.endswith("experiment/metric") and b'"step":7}' in request.body
        return Answer(400, body={"msg": "step 7 is cursed"}) if bad else None

    comet.rules.append(refuse)
    with offline_writer(journals, comet.root) as writer:
        log(writer, range(20))
        writer.end(End(9_000, 1))

    first, second = sync(journals), sync(journals, "--json")

    assert (first.exit_code, second.exit_code) == (1, 1)
    assert "19 values sent, 1 value that the server refused is kept" in first.stdout
    accepted = [step for step in range(20) if step != 7]
    taken = {value["step"] for value in comet.metric_values()} - {7}
    assert taken == set(accepted)
    (row,) = json.loads(second.stdout)["journals"]
    assert (row["sent"], row["set_aside"], row["left"]) == (0, 1, True)
    (refused,) = writer.folder.glob("*.refused.jsonl")
    assert "step 7 is cursed" in refused.read_text()


@pytest.mark.usefixtures("own_key")
def test_fifty_jobs_that_share_a_folder_are_delivered_once_each_and_a_dead_server_is_asked_seldom(
    comet: ScriptedComet, journals: Path
) -> None:
    for job in range(50):
        with offline_writer(journals, comet.root, key=f"{job:032d}") as writer:
            log(writer, range(10))
            writer.end(End(9_000, 1))
    comet.answer_with("logger/add/run", Answer(503))
    away = sync(journals, "--json")
    attempts = {request.json["experimentKey"] for request in comet.requests("logger/add/run")}
    comet.rules.clear()
    comet.asked.clear()

    back = sync(journals)

    reasons = [row["reason"] for row in json.loads(away.stdout)["journals"]]
    assert (away.exit_code, len(attempts)) == (1, 3)
    assert all("503" in reason for reason in reasons)
    assert [reason.startswith("not tried: ") for reason in reasons] == [False] * 3 + [True] * 47
    assert back.exit_code == 0, back.output
    assert back.stdout.count("done: 10 values sent") == 50
    assert len(comet.metric_values()) == 500
    assert list(journals.iterdir()) == []


def fails_for(key: str) -> Rule:
    """A server that always fails at one experiment, from its opening on."""
    return lambda asked: Answer(500) if key.encode() in asked.body else None


@pytest.mark.usefixtures("own_key")
def test_an_experiment_that_the_server_always_fails_at_keeps_no_other(comet: ScriptedComet, journals: Path) -> None:
    for job in range(4):
        with offline_writer(journals, comet.root, key=f"{job:032d}", started_millis=job) as writer:
            log(writer, range(10))
            writer.end(End(9_000, 1))
    comet.rules.append(fails_for(f"{0:032d}"))

    result = sync(journals, "--json")

    rows = json.loads(result.stdout)["journals"]
    assert result.exit_code == 1
    assert [(row["sent"], row["complete"]) for row in rows] == [(0, False)] + [(10, True)] * 3
    assert "500" in rows[0]["reason"]
    assert [row["reason"] for row in rows[1:]] == [None] * 3


@pytest.mark.usefixtures("own_key")
def test_a_server_that_throttles_is_left_alone_by_the_other_journals(comet: ScriptedComet, journals: Path) -> None:
    for job in range(3):
        with offline_writer(journals, comet.root, key=f"{job:032d}", started_millis=job) as writer:
            log(writer, range(10))
    comet.answer_with("experiment/metric", Answer(429, headers={"Retry-After": "60"}))

    rows = json.loads(sync(journals, "--json").stdout)["journals"]

    assert len(comet.requests("logger/add/run")) == 1
    assert [row["reason"].startswith("not tried: ") for row in rows] == [False, True, True]


class Watch:
    """A watcher whose time passes only when it sleeps; `meanwhile` happens then, one call a sleep."""

    def __init__(self, journals: Path) -> None:
        self.now = 0.0
        self.meanwhile: list[Callable[[], object]] = []
        self.rounds: list[Round] = []
        self._rounds = Rounds(journals, Keys("k"), clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()
        else:
            self._rounds.stop()

    def run(self, *meanwhile: Callable[[], object]) -> list[tuple[int, bool, bool]]:
        """Sent, left and complete of the journals in every round that brought news, until nothing happens any more."""
        self.meanwhile = list(meanwhile)
        self.rounds += self._rounds.watch()
        self._rounds.close()
        return [(row.sent, row.left, row.complete) for outcome in self.rounds for row in outcome.rows]


def test_a_watcher_delivers_what_is_new_over_one_handshake_and_the_end_when_it_comes(
    comet: ScriptedComet, journals: Path
) -> None:
    with offline_writer(journals, comet.root) as writer:
        log(writer, range(5))

        def end() -> None:
            writer.end(End(9_000, 1))
            writer.close()

        told = Watch(journals).run(lambda: log(writer, range(5, 8)), lambda: None, end)
    assert told == [(5, False, False), (3, False, False), (0, False, True)]
    assert [value["step"] for value in comet.metric_values()] == list(range(8))
    assert len(comet.requests("logger/add/run")) == 2
    assert list(journals.iterdir()) == []


def test_a_watcher_leaves_a_server_alone_that_is_away_and_comes_back_to_it(
    comet: ScriptedComet, journals: Path
) -> None:
    comet.answer_with("logger/add/run", Answer(503))
    with offline_writer(journals, comet.root) as writer:
        log(writer, range(5))
        writer.end(End(9_000, 1))
    watch = Watch(journals)
    told = watch.run(*[lambda: None] * 200, comet.rules.clear, *[lambda: None] * 60)
    openings = comet.requests("logger/add/run")
    assert told == [(0, True, False), (5, False, True)]
    assert len(openings) < 100


def test_a_watcher_leaves_a_journal_alone_that_the_server_fails_at(comet: ScriptedComet, journals: Path) -> None:
    for job in range(2):
        with offline_writer(journals, comet.root, key=f"{job:032d}", started_millis=job) as writer:
            log(writer, range(5))
            writer.end(End(9_000, 1))
    comet.rules.append(fails_for(f"{0:032d}"))
    told = Watch(journals).run(*[lambda: None] * 200)
    failures = [asked for asked in comet.requests("logger/add/run") if f"{0:032d}".encode() in asked.body]
    assert told == [(0, True, False), (5, False, True)]
    assert len(failures) < 100


def test_a_watcher_ends_well_when_it_is_interrupted(comet: ScriptedComet, journals: Path) -> None:
    command = [sys.executable, "-m", "zenml_comet_tracker.cli.main", "sync", str(journals), "--watch", "--json"]
    with offline_writer(journals, comet.root) as writer:
        log(writer, range(5))
        watcher = subprocess.Popen(
            command, env={**os.environ, "COMET_API_KEY": "k"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 60
            while len(comet.metric_values()) < 5 and time.monotonic() < deadline:
                assert watcher.poll() is None
                time.sleep(0.02)
            watcher.send_signal(signal.SIGINT)
            output, errors = watcher.communicate(timeout=30)
        finally:
            watcher.kill()
    assert watcher.returncode == 0, errors
    assert [json.loads(line)["journals"][0]["sent"] for line in output.splitlines()] == [5]
    assert sync(journals, "--api-key", "k").exit_code == 0
    assert len(comet.metric_values()) == 5


def test_on_a_terminal_a_bar_shows_how_far_a_journal_is(comet: ScriptedComet, journals: Path) -> None:
    screen = io.StringIO()
    columns = (TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(*columns, console=Console(file=screen, force_terminal=True), auto_refresh=False) as progress:
        with offline_writer(journals, comet.root) as writer:
            log(writer, range(1_500))
        outcome = Rounds(journals, Keys("k"), Bar(progress)).once()
    assert [row.sent for row in outcome.rows] == [1_500]
    assert "1500/1500" in screen.getvalue()
