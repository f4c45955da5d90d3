"""What a dead process left behind is delivered once, and its experiment is closed; a living one's only goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comet.offline import log, offline_writer
from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.delivery.leftovers import DIED, Away, LeftoverDelivery, Outcome
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.survey import survey
from zenml_comet_tracker.comet.transport import Transport

SCRIPT = """
import os, sys
from zenml_comet_tracker import Experiment
experiment = Experiment(api_key="k", url=sys.argv[1], journal_folder=sys.argv[2])
for i in range(300):
    experiment.log_metric("m", i, step=i)
experiment.log_text("the text")
{ending}
"""


def die(comet: ScriptedComet, journals: Path, ending: str = "os.kill(os.getpid(), 9)") -> None:
    """Runs a process that logs 300 values to a server that is away, and dies."""
    comet.answer_with("logger/add/run", Answer(503))
    code = SCRIPT.format(ending=ending)
    subprocess.run([sys.executable, "-c", code, comet.root, str(journals)], check=False, timeout=60)
    comet.rules.clear()
    comet.asked.clear()


def run(delivery: LeftoverDelivery) -> Outcome:
    """As much as goes now, without patience."""
    try:
        for _ in delivery.turns():
            pass
        return delivery.outcome()
    finally:
        delivery.close()


def deliver(comet: ScriptedComet, journals: Path) -> list[Outcome]:
    return [
        run(LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"))) for found in survey(journals).journals
    ]


def test_everything_a_killed_process_logged_arrives_and_the_experiment_is_closed_as_failed(
    comet: ScriptedComet, journals: Path
) -> None:
    die(comet, journals)
    (journal,) = journals.iterdir()
    last = (journal / "metrics.0000000000000001.jsonl").read_bytes().splitlines()[-1]
    (outcome,) = deliver(comet, journals)
    assert (outcome.sent, outcome.set_aside, outcome.waiting) == (301, 0, False)
    assert [value["step"] for value in comet.metric_values()] == list(range(300))
    assert b"the text" in comet.requests("/asset/upload")[0].body
    (failure,) = comet.requests("/update-status")
    assert failure.json["error"] == DIED
    assert 0 <= failure.json["localTimestamp"] - json.loads(last)["timestamp"] < 1000
    assert [asked.json["is_alive"] for asked in comet.requests("/status-report/update")] == [False]
    assert list(journals.iterdir()) == []


def test_an_experiment_that_the_dead_process_had_opened_is_joined(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (journal,) = journals.iterdir()
    comet.answer_with("logger/add/run", Answer(400, body={"msg": "exists", "sdk_error_code": 90999}))
    (journal / "opened").unlink(missing_ok=True)
    (foreign,) = deliver(comet, journals)
    assert (foreign.sent, foreign.waiting, foreign.refused) == (0, True, True)
    assert comet.requests("logger/get/run") == []
    (journal / "opened").touch()
    (own,) = deliver(comet, journals)
    assert own.waiting is False
    assert len(comet.requests("logger/get/run")) == 1


def test_an_end_that_was_written_is_the_end_that_is_told(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals, "experiment.end(timeout=0.1)")
    deliver(comet, journals)
    assert comet.requests("/update-status") == []
    assert len(comet.requests("/status-report/update")) == 1


def test_a_server_that_is_still_away_changes_nothing(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("logger/add/run", Answer(503))
    (first,) = deliver(comet, journals)
    assert (first.sent, first.waiting, first.served) == (0, True, False)
    assert "503" in (first.reason or "")
    comet.rules.clear()
    (second,) = deliver(comet, journals)
    assert (second.sent, second.waiting, second.served) == (301, False, True)


@pytest.mark.parametrize(
    ("answer", "away"),
    [
        pytest.param(Answer(drop=True), True, id="lost"),
        pytest.param(Answer(429, headers={"Retry-After": "30"}), True, id="throttled"),
        pytest.param(Answer(500), False, id="faulty"),
        pytest.param(Answer(401, body={"msg": "no"}), False, id="refused"),
    ],
)
def test_only_a_server_that_does_not_answer_or_throttles_is_away_for_other_journals(
    answer: Answer, away: bool, comet: ScriptedComet, journals: Path
) -> None:
    with offline_writer(journals, comet.root, offline=False) as writer:
        log(writer, range(3))
    comet.answer_with("logger/add/run", answer)
    (found,) = survey(journals).journals
    now = [0.0]
    delivery = LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"), clock=lambda: now[0])
    for wait in delivery.turns():
        now[0] += wait
    outcome = delivery.outcome()
    delivery.close()
    assert (outcome.waiting, outcome.stalled) == (True, away)


def test_journals_in_a_row_that_a_server_fails_at_show_that_it_is_away() -> None:
    failed, taken = Outcome(0, 0, waiting=True), Outcome(1, 0, waiting=False, served=True)
    refused, opened = Outcome(0, 0, waiting=True, refused=True), Outcome(0, 0, waiting=True, served=True)
    away = Away()
    assert [away.by(outcome) for outcome in (failed, failed, taken, failed, failed, refused, failed, failed)] == [
        False
    ] * 8
    assert [away.by(outcome) for outcome in (opened, failed, failed, failed)] == [False, False, False, True]
    assert Away().by(Outcome(0, 0, waiting=True, stalled=True))


def test_a_lost_connection_is_no_outage(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("logger/add/run", Answer(drop=True), times=1)
    comet.answer_with("experiment/metric", Answer(503), times=1)
    (found,) = survey(journals).journals
    clock = [0.0]
    delivery = LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"), clock=lambda: clock[0])
    waits = []
    for wait in delivery.turns():
        waits.append(wait)
        clock[0] += wait
    outcome = delivery.outcome()
    delivery.close()
    assert (outcome.sent, outcome.waiting) == (301, False)
    assert len([wait for wait in waits if wait]) == 2


def test_a_journal_that_is_being_delivered_is_left_alone(
    make: Callable[..., Experiment], comet: ScriptedComet, journals: Path
) -> None:
    experiment = make()
    experiment.log_metric("m", 1)
    (found,) = survey(journals).journals
    assert (found.alive, found.delivers_itself) == (True, True)
    with pytest.raises(JournalError, match="another process"):
        LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"))
    assert experiment.end().delivered


def test_who_logs_to_the_experiment_now_tells_its_end(
    make: Callable[..., Experiment], comet: ScriptedComet, journals: Path
) -> None:
    die(comet, journals)
    (dead,) = survey(journals).journals
    heir = make(experiment_key=dead.header.experiment_key, mode="get_or_create")
    assert heir.flush(10)
    outcome = run(LeftoverDelivery(dead, "k", lambda: Transport(comet.root, "k")))
    assert (outcome.sent, outcome.waiting) == (301, False)
    assert comet.requests("/update-status") == []
    assert False not in [asked.json["is_alive"] for asked in comet.requests("/status-report/update")]
    assert heir.end().delivered
    assert [asked.json["is_alive"] for asked in comet.requests("/status-report/update")][-1] is False


def test_what_the_server_refused_is_kept_and_the_end_is_told_once(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    comet.answer_with("asset/upload", Answer(400, body={"msg": "no"}))
    (first,) = deliver(comet, journals)
    (again,) = deliver(comet, journals)
    assert (first.sent, first.set_aside, first.waiting) == (300, 1, False)
    assert (again.sent, again.set_aside, again.waiting) == (0, 1, False)
    assert len(comet.requests("/update-status")) == 1
    (journal,) = journals.iterdir()
    assert (journal / "files.refused.jsonl").exists()
    assert [path.read_bytes() for path in (journal / "files").iterdir()] == [b"the text"]


def test_a_cursor_that_cannot_be_read_keeps_the_journal_free_for_others(comet: ScriptedComet, journals: Path) -> None:
    die(comet, journals)
    (found,) = survey(journals).journals
    cursor = found.folder / "metrics.cursor"
    cursor.mkdir()
    with pytest.raises(JournalError, match=r"metrics\.cursor"):
        LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"))
    cursor.rmdir()
    assert run(LeftoverDelivery(found, "k", lambda: Transport(comet.root, "k"))).sent == 301
