"""What an experiment counts, and what it says of what is left."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.stats import DeliveryReport, Stats

Make = Callable[..., Experiment]
NOWHERE = "http://127.0.0.1:9"


def test_what_the_server_refuses_is_counted_by_reason(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    comet.answer_with("/experiment/metric", Answer(400, body={"msg": "no such thing"}))
    comet.answer_with("/log-other", Answer(422, body={"msg": "no such name"}))
    experiment.log_metrics({"a": 1, "b": 2})
    experiment.log_other("c", 3)
    experiment.log_parameter("d", 4)
    report = experiment.end()
    assert report.stats.refused == {"status 400 no such thing": 2, "status 422 no such name": 1}
    assert (report.stats.accepted, report.stats.sent, report.stats.pending) == (4, 1, 0)
    assert (report.delivered, report.values_left, report.command) == (False, 0, None)
    assert "3 refused" in str(report)


def test_bytes_and_throttled_seconds_are_counted(comet: ScriptedComet, make: Make, tmp_path: Path) -> None:
    experiment = make()
    assert experiment.wait_for_url(10)
    comet.answer_with("/experiment/metric", Answer(429, headers={"Retry-After": "0.3"}), times=1)
    experiment.log_metric("m", 1)
    path = tmp_path / "file.bin"
    path.write_bytes(b"x" * 10_000)
    experiment.log_asset(path)
    stats = experiment.end().stats
    (batch,) = {asked.body for asked in comet.requests("/experiment/metric")}
    assert 10_000 < stats.bytes_sent <= 10_000 + sum(len(asked.body) for asked in comet.asked)
    assert len(batch) < 1_000
    assert 0.2 < stats.throttled_seconds < 60


def test_a_report_says_what_is_left_and_what_to_do(journals: Path, caplog: pytest.LogCaptureFixture) -> None:
    experiment = Experiment(api_key="k", url=NOWHERE, journal_folder=journals / "a folder")
    experiment.log_metrics({"a": 1, "b": 2})
    assert experiment.flush(30) is False
    said = next(record.message for record in caplog.records if "keeps" in record.message)
    assert experiment.id in said
    report = experiment.end(timeout=30)
    (journal,) = (journals / "a folder").iterdir()
    assert (report.values_left, report.journal, report.waiting) == (2, journal, True)
    assert report.bytes_left == sum(path.stat().st_size for path in journal.rglob("*") if path.is_file())
    assert shlex.split(report.command or "") == ["zenml-comet", "sync", str(journal)]
    for line in (said, str(report)):
        assert "\n" not in line
        for part in ("2 waiting", "Connection refused", str(report.command)):
            assert part in line


def test_nothing_is_promised_where_no_journal_keeps_it() -> None:
    report = DeliveryReport(False, Stats(accepted=3, pending=3), None, "the server is away", waiting=True)
    assert report.command is None
    assert "No journal keeps them" in str(report)


def test_counts_of_two_journals_add_up() -> None:
    first = Stats(5, 3, 1, {"a": 1}, {"x": 2}, 10, 0.5)
    second = Stats(2, 2, 0, {"a": 1, "b": 1}, {}, 5, 1.0)
    assert first + second == Stats(7, 5, 1, {"a": 2, "b": 1}, {"x": 2}, 15, 1.5)


def test_every_caller_of_the_end_is_back_in_time(comet: ScriptedComet, make: Make) -> None:
    """A server that takes connections and never answers; `flush`, several ends, and one more behind them."""
    release = threading.Event()
    comet.rules.append(lambda asked: release.wait(60) and None)
    experiment = make()
    experiment.log_metric("m", 1)
    took: list[float] = []

    def timed(call: Callable[..., Any]) -> None:
        start = time.monotonic()
        call(timeout=0.5)
        took.append(time.monotonic() - start)

    try:
        threads = [threading.Thread(target=timed, args=(call,)) for call in (experiment.flush, *[experiment.end] * 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        timed(experiment.end)
    finally:
        release.set()
    assert len(took) == 5
    assert max(took) < 1.5


def test_where_no_thread_can_be_started_the_journal_keeps_everything(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.12 starts none once the program is at its end: nobody waits for what cannot come."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    experiment = make()
    experiment.log_metric("m", 1)
    start_of_end = time.monotonic()
    report = experiment.end(timeout=60)
    assert time.monotonic() - start_of_end < 30
    assert (report.values_left, "Python is ending" in str(report)) == (1, True)
    assert report.journal is not None
    assert "1.0" in (report.journal / "metrics.0000000000000001.jsonl").read_text()


def test_what_is_counted_adds_up_at_every_moment(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    over = threading.Event()

    def log() -> None:
        while not over.is_set():
            experiment.log_metric("m", 1.0)

    thread = threading.Thread(target=log)
    thread.start()
    counts = [experiment.stats() for _ in range(2000)]
    over.set()
    thread.join()
    assert all(s.accepted == s.sent + s.pending + sum(s.refused.values()) for s in counts)
    assert counts[-1].accepted > counts[0].accepted
