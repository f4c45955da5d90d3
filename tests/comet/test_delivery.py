"""Delivery turn by turn, with a clock that the test turns: no thread, no waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.delivery.backoff import ANSWERS_AGAIN_SECONDS
from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST, End, Header
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources import metrics, parameters
from zenml_comet_tracker.comet.transport import Transport, TransportOptions

KEY = "k" * 32
API_KEY = "canary-93b1"


class Bench:
    """A journal, its courier and a clock."""

    def __init__(self, comet: ScriptedComet, folder: Path, **header: Any) -> None:
        self.comet = comet
        self.now = 1000.0
        self.writer = JournalWriter(folder, Header(KEY, comet.root, "abc", **header))
        self.courier = self.new_courier()

    def new_courier(self) -> Courier:
        return Courier(
            JournalReader(self.writer.folder),
            API_KEY,
            lambda: Transport(self.comet.root, API_KEY, TransportOptions(read_timeout=5)),
            clock=lambda: self.now,
            wall_millis=lambda: 42,
        )

    def metrics(self, start: int, count: int) -> None:
        for i in range(start, start + count):
            self.writer.append(METRICS, [metrics.row("m", float(i), 1, i)])

    def rest(self, **row: Any) -> None:
        self.writer.append(REST, [{"t": 1, **row}])

    def file(self, kept: dict[str, Any], asset_id: str, name: str) -> None:
        asset = {"asset_id": asset_id, "file_name": name}
        self.writer.append(FILES, [{"k": "asset", "t": 1, "file": kept, "asset": asset}])

    def turn(self, advance: float = 0.0) -> float | None:
        self.now += advance
        wait = self.courier.deliver_records()
        self.courier.deliver_files()
        self.courier.beat()
        return wait

    def turns(self, count: int, advance: float) -> None:
        for _ in range(count):
            self.turn(advance)

    def finish(self, error: str | None = None) -> None:
        end = End(77, self.writer.header.attempt, error)
        self.writer.end(end)
        self.writer.close()
        self.courier.finish(end)
        self.turn()


@pytest.fixture
def bench(comet: ScriptedComet, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(comet, tmp_path)
    yield made
    made.courier.stop()
    made.writer.close()


def steps(comet: ScriptedComet) -> list[int]:
    return [value["step"] for value in comet.metric_values()]


def test_a_start_takes_two_requests_and_metrics_go_in_batches_of_a_thousand(bench: Bench) -> None:
    bench.turn()
    assert [asked.path for asked in bench.comet.asked] == [
        "/clientlib/logger/add/run",
        "/clientlib/status-report/update",
    ]
    bench.metrics(0, 2500)
    bench.turn()
    batches = bench.comet.requests("/experiment/metric")
    assert [len(batch.json["values"]) for batch in batches] == [1000, 1000, 500]
    assert steps(bench.comet) == list(range(2500))
    assert [batch.headers["x-comet-lane"].split("/", 1)[1] for batch in batches] == [
        "metrics/1",
        "metrics/1001",
        "metrics/2001",
    ]


def test_lane_headers_go_only_to_a_server_that_knows_them(bench: Bench) -> None:
    bench.comet.lanes = False
    bench.metrics(0, 1)
    bench.turn()
    assert "x-comet-lane" not in bench.comet.requests("/experiment/metric")[0].headers


def test_every_kind_of_record_reaches_its_endpoint(bench: Bench, tmp_path: Path) -> None:
    bench.writer.append(PARAMETERS, [parameters.row("lr", 0.1, 5, 3), parameters.row("opt", "adam", 5, 3)])
    bench.rest(k="other", name="note", value="hi")
    bench.rest(k="tags", tags=["a", "b"])
    bench.rest(k="html", html="<b>", clear=True)
    bench.rest(k="file_path", path="/a/b.py")
    bench.file(bench.writer.files.keep_bytes(b"bytes of the asset", "a1"), "a1", "x.bin")
    bench.turns(2, 0)

    (batch,) = bench.comet.requests("/experiment/parameter")
    assert [(v["parameterName"], v["parameterValue"], v["step"]) for v in batch.json["values"]] == [
        ("lr", 0.1, 3),
        ("opt", "adam", 3),
    ]
    assert batch.headers["x-comet-lane"].endswith("parameters/1")
    (other,) = bench.comet.requests("/log-other")
    assert (other.json["key"], other.json["value"]) == ("note", "hi")
    (tags,) = bench.comet.requests("/add-tags-to-experiment")
    assert tags.json["addedTags"] == ["a", "b"]
    (html,) = bench.comet.requests("/html")
    assert (html.json["html"], html.json["override"]) == ("<b>", True)
    assert bench.comet.requests("/file-path")[0].json["filePath"] == "/a/b.py"
    (upload,) = bench.comet.requests("/asset/upload")
    assert upload.query["assetId"] == "a1"
    assert b"bytes of the asset" in upload.body
    assert list((bench.writer.folder / "files").iterdir()) == []


@pytest.mark.parametrize(
    "fault",
    [
        Answer(drop=True),
        Answer(cut=True),
        Answer(500),
        Answer(502, body=b"<html>"),
        Answer(503),
        Answer(429, headers={"Retry-After-Custom": "3"}),
        Answer(body=b"<html>sign in</html>"),
        Answer(401),
        Answer(403),
    ],
    ids=["dropped", "cut", "500", "502", "503", "429", "html", "401", "403"],
)
def test_a_fault_that_passes_loses_nothing_and_repeats_nothing(bench: Bench, fault: Answer) -> None:
    bench.turn()
    bench.metrics(0, 30)
    bench.comet.answer_with("/experiment/metric", fault, times=3)
    bench.turns(8, 70)
    stored = [
        value["step"] for asked in bench.comet.requests("/experiment/metric")[3:] for value in asked.json["values"]
    ]
    assert stored == list(range(30))
    assert bench.courier.delivered == 30
    assert bench.courier.refused == 0


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status) for status in (401, 402, 403, 404, 405, 407, 408, 425)),
        Answer(302, headers={"Location": "/elsewhere"}),
        Answer(400, body=b"<html>a gateway</html>"),
        Answer(400, body={"msg": "no such key", "sdk_error_code": 90212}),
    ],
    ids=lambda answer: str(answer.status),
)
def test_what_is_about_the_key_or_the_way_costs_nothing_that_was_logged(bench: Bench, answer: Answer) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", answer, times=2)
    bench.turns(3, 70)
    assert (bench.courier.delivered, bench.courier.refused) == (1, 0)


def test_a_lane_that_is_refused_for_its_key_says_so_to_whoever_waits(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(403, body={"msg": "not yours"}))
    bench.turn()
    progress = bench.courier.progress()
    assert progress.refused
    assert "not yours" in (progress.reason or "")
    bench.comet.rules.clear()
    bench.courier.hurry()
    assert not bench.courier.progress().refused
    bench.turn()
    assert bench.courier.delivered == 1


def test_three_lost_connections_in_a_row_are_an_outage_and_one_is_not(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(drop=True), times=3)
    seen = []
    for _ in range(4):
        bench.turn(70)
        seen.append(bench.courier.progress().unreachable)
    assert seen == [False, False, True, False]
    assert bench.courier.delivered == 1


def test_a_lane_that_set_something_aside_is_at_rest(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(400, body={"msg": "never"}))
    bench.comet.answer_with("/experiment/metric", Answer(503), times=1)
    assert bench.turn() != 0.0
    bench.turn(70)
    assert bench.courier.refused == 1
    assert bench.turn(70) is None


def test_the_servers_waiting_time_binds_even_those_in_a_hurry(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(429, headers={"Retry-After": "30"}), times=1)
    bench.turn()
    bench.courier.hurry()
    bench.turn(1)
    assert len(bench.comet.requests("/experiment/metric")) == 1


@pytest.mark.parametrize(
    "silence", [Answer(drop=True), Answer(504, body=b"<html>a gateway</html>")], ids=["drop", "504"]
)
def test_what_got_no_answer_is_tried_again_soon_once_the_server_answers_another(
    bench: Bench, tmp_path: Path, comet: ScriptedComet, silence: Answer
) -> None:
    """Else what an outage left waits for up to a minute behind a process that delivers."""
    (tmp_path / "other").mkdir()
    other = Bench(comet, tmp_path / "other")
    heard: list[float] = []
    other.courier.when_answered = lambda: heard.append(bench.now) or bench.courier.answers_again()  # type: ignore[func-returns-value]
    bench.metrics(0, 1)
    comet.answer_with("/logger/add/run", silence, times=10)
    bench.turns(10, 70)
    assert (bench.turn() or 0.0) > ANSWERS_AGAIN_SECONDS

    other.turn()
    assert (bench.turn() or 0.0) <= ANSWERS_AGAIN_SECONDS
    bench.turn(ANSWERS_AGAIN_SECONDS)
    assert bench.courier.delivered == 1

    # Only what changes says anything: not each answer to one, of a server that leaves the other without any.
    other.metrics(0, 1)
    other.turns(5, 70)
    assert len(heard) == 1
    comet.answer_with("/experiment/metric", Answer(drop=True), times=3)
    other.metrics(1, 1)
    other.turns(5, 70)
    assert len(heard) == 2
    other.courier.stop()
    other.writer.close()


@pytest.mark.parametrize(
    "fault", [Answer(429, headers={"Retry-After-Custom": "600"}), Answer(403), Answer(500)], ids=["429", "403", "500"]
)
def test_an_answer_to_another_says_nothing_to_what_was_answered(bench: Bench, fault: Answer) -> None:
    bench.comet.answer_with("/logger/add/run", fault, times=12)
    bench.turns(12, 70 if fault.status == 500 else 600)
    asked, wait = len(bench.comet.asked), bench.turn()
    assert not bench.courier.answers_again()
    bench.turn(ANSWERS_AGAIN_SECONDS)
    assert (len(bench.comet.asked), wait is not None and wait > ANSWERS_AGAIN_SECONDS) == (asked, True)


def test_a_heartbeat_tells_how_often_to_measure(bench: Bench) -> None:
    assert bench.courier.monitor_seconds is None
    bench.turn()
    assert bench.courier.monitor_seconds == 60
    body = {"cpu_monitor_interval_millis": 20_000, "gpu_monitor_interval_millis": 30_000}
    bench.comet.answer_with("/status-report/update", Answer(body=body))
    bench.turn(11)
    assert bench.courier.monitor_seconds == 20


def test_no_heartbeat_follows_the_end(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(503), times=2)
    bench.metrics(0, 3)
    bench.turn(11)
    bench.courier.finish(End(77, 1))
    for _ in range(4):
        bench.turn(70)
    alive = [asked.json["is_alive"] for asked in bench.comet.requests("/status-report/update")]
    assert alive == [True, True, False]


def test_a_turn_that_stumbles_is_taken_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.turn()
    bench.metrics(0, 1)
    wait = bench.courier.broke(RuntimeError("nobody foresaw this"))
    progress = bench.courier.progress()
    assert (wait > 0, progress.finished) == (True, False)
    assert "nobody foresaw this" in (progress.reason or "")
    bench.courier.hurry()
    bench.turn()
    assert bench.courier.delivered == 1


def test_a_message_of_the_server_that_quotes_the_key_is_not_passed_on(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(400, body={"msg": f"bad value sent by {API_KEY}"}))
    bench.turn()
    text = (bench.writer.folder / "metrics.refused.jsonl").read_text()
    assert "bad value sent by ***" in text
    assert API_KEY not in text


def test_the_servers_own_waiting_time_is_kept(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 1)
    bench.comet.answer_with("/experiment/metric", Answer(429, headers={"Retry-After-Custom": "30"}), times=1)
    bench.turn()
    bench.turn(29)
    assert len(bench.comet.requests("/experiment/metric")) == 1
    bench.turn(2)
    assert len(bench.comet.requests("/experiment/metric")) == 2


def test_a_failing_lane_holds_no_other_and_no_heartbeat(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(503))
    bench.metrics(0, 1)
    bench.rest(k="tags", tags=["through"])
    bench.turns(3, 11)
    assert bench.comet.requests("/add-tags-to-experiment")[0].json["addedTags"] == ["through"]
    assert len(bench.comet.requests("/status-report/update")) == 4


def test_one_bad_value_is_found_and_set_aside_and_the_rest_of_its_batch_arrives(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 100)

    def refuse_the_63rd(asked: Any) -> Answer | None:
        if asked.path.endswith("/experiment/metric") and any(v["step"] == 63 for v in asked.json["values"]):
            return Answer(400, body={"msg": "bad value"})
        return None

    bench.comet.rules.append(refuse_the_63rd)
    bench.turns(3, 0)
    stored = sorted(set(steps(bench.comet)) - {63})
    assert stored == [step for step in range(100) if step != 63]
    assert (bench.courier.delivered, bench.courier.refused) == (99, 1)
    (line,) = (bench.writer.folder / "metrics.refused.jsonl").read_text().splitlines()
    assert json.loads(line)["row"]["step"] == 63


def test_a_refused_experiment_keeps_everything_and_says_why(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.comet.answer_with("logger/add/run", Answer(400, body={"msg": "no such key", "sdk_error_code": 90212}))
    bench.metrics(0, 5)
    bench.turns(3, 1)
    progress = bench.courier.progress()
    assert progress.refused is True
    assert "no such key" in (progress.reason or "")
    assert "no such key" in caplog.text
    assert len(bench.comet.asked) == 1
    assert drained(bench.writer.folder) == 5


def drained(folder: Path) -> int:
    return (folder / "metrics.0000000000000001.jsonl").read_bytes().count(b"\n")


def test_create_refuses_an_experiment_that_exists_unless_its_answer_was_lost(
    comet: ScriptedComet, tmp_path: Path
) -> None:
    exists = Answer(400, body={"msg": "exists", "sdk_error_code": 90999})
    taken = Bench(comet, tmp_path / "")
    comet.answer_with("logger/add/run", exists)
    taken.turns(3, 400)
    assert taken.courier.progress().refused
    assert len(comet.requests("logger/add/run")) == 3
    assert comet.requests("logger/get/run") == []
    taken.courier.stop()

    joining = Bench(comet, tmp_path, mode="get_or_create")
    joining.turn()
    assert joining.courier.handshake is not None
    joining.courier.stop()

    lost = Bench(comet, tmp_path)
    comet.answer_with("logger/add/run", Answer(drop=True), times=1)
    lost.turn()
    lost.turn(5)
    assert lost.courier.handshake is not None
    lost.courier.stop()


def test_the_end_comes_last_and_the_journal_goes(bench: Bench) -> None:
    bench.turn()
    bench.metrics(0, 3)
    bench.finish()
    assert [asked.path.rsplit("/", 1)[-1] for asked in bench.comet.asked[-2:]] == ["metric", "update"]
    end = bench.comet.asked[-1].json
    assert (end["is_alive"], end["local_timestamp"], end["attempt"]) == (False, 77, 1)
    assert bench.courier.progress().finished
    assert not bench.writer.folder.exists()


def test_a_failure_is_told_before_the_end(bench: Bench) -> None:
    bench.turn()
    bench.finish("Traceback: it broke")
    failure, end = bench.comet.asked[-2:]
    assert failure.path.endswith("write/experiment/update-status")
    assert failure.json["hasCrashed"] is True
    assert failure.json["error"] == "Traceback: it broke"
    assert end.json["is_alive"] is False


def test_only_the_primary_writer_has_a_heartbeat_and_an_end(comet: ScriptedComet, tmp_path: Path) -> None:
    second = Bench(comet, tmp_path, primary=False, mode="get_or_create")
    second.metrics(0, 2)
    second.turn()
    second.finish("broke")
    assert steps(comet) == [0, 1]
    assert [a for a in comet.asked if "status" in a.path] == []
    assert second.courier.progress().finished


def test_a_stuck_lane_does_not_hold_the_end_but_keeps_the_journal(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(503))
    bench.metrics(0, 3)
    bench.turn()
    bench.finish()
    assert bench.comet.asked[-1].json["is_alive"] is False
    assert bench.writer.folder.exists()
    bench.comet.rules.clear()
    bench.turn(60)
    assert steps(bench.comet)[-3:] == [0, 1, 2]
    assert not bench.writer.folder.exists()
    ends = [a for a in bench.comet.requests("/status-report/update") if not a.json["is_alive"]]
    assert len(ends) == 1


def test_a_journal_with_something_set_aside_is_kept_for_its_owner(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(400, body={"msg": "never"}))
    bench.metrics(0, 1)
    bench.finish()
    assert bench.courier.progress().finished
    assert "never" in (bench.writer.folder / "metrics.refused.jsonl").read_text()


def test_another_process_delivers_what_a_dead_one_left(bench: Bench) -> None:
    bench.comet.answer_with("logger/add/run", Answer(drop=True))
    bench.metrics(0, 3)
    bench.turn()
    bench.courier.stop()
    bench.comet.rules.clear()
    bench.courier = bench.new_courier()
    bench.finish()
    assert steps(bench.comet) == [0, 1, 2]


def test_a_file_that_is_gone_is_set_aside_and_the_next_one_goes(bench: Bench) -> None:
    bench.turn()
    lost = bench.writer.files.keep_bytes(b"lost", "a1")
    (bench.writer.folder / "files" / "a1").unlink()
    kept = bench.writer.files.keep_bytes(b"kept", "a2")
    for content, asset_id in ((lost, "a1"), (kept, "a2")):
        bench.file(content, asset_id, "x")
    bench.turns(2, 0)
    assert [asked.query["assetId"] for asked in bench.comet.requests("/asset/upload")] == ["a2"]
    assert bench.courier.refused == 1


def test_one_warning_a_minute_for_a_lasting_fault(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.comet.answer_with("logger/add/run", Answer(503))
    bench.turns(59, 1)
    assert len(caplog.records) == 1
    bench.turns(60, 1)
    assert len(caplog.records) == 2


def test_an_experiment_whose_opening_was_cut_short_is_joined_by_the_next_deliverer(bench: Bench) -> None:
    """The server made the experiment and the process died before it heard of that."""
    asked: list[bool] = []

    def die_in_the_middle(request: Any) -> Answer | None:
        if request.path.endswith("logger/add/run"):
            asked.append(bench.courier.journal.marked("opened"))
        return None

    bench.comet.rules.append(die_in_the_middle)
    bench.turn()
    assert asked == [True]


def test_a_server_that_is_back_is_asked_before_it_is_called_away(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(drop=True), times=3)
    bench.metrics(0, 1)
    bench.turns(3, 100)
    assert bench.courier.progress().unreachable
    bench.courier.hurry()
    assert not bench.courier.progress().unreachable
    bench.turn()
    assert steps(bench.comet)[-1] == 0
    assert bench.courier.progress().drained


def test_a_server_that_is_still_away_is_called_so_after_one_more_attempt(bench: Bench) -> None:
    bench.comet.answer_with("logger/add/run", Answer(drop=True))
    bench.turns(3, 100)
    bench.courier.hurry()
    assert not bench.courier.progress().unreachable
    bench.turn()
    assert bench.courier.progress().unreachable


def test_what_is_logged_while_a_request_is_under_way_gathers_for_the_next_turn(bench: Bench) -> None:
    """Else a loop that logs without a pause would be followed point by point, and pay for each request."""
    bench.turn()

    def log_another(asked: Any) -> Answer | None:
        if asked.path.endswith("/experiment/metric"):
            bench.metrics(asked.json["values"][-1]["step"] + 1, 1)
        return None

    bench.comet.rules.append(log_another)
    bench.metrics(0, 1)
    wait = bench.turn()
    assert steps(bench.comet) == [0]
    assert wait == 1.0
    bench.comet.rules.remove(log_another)
    bench.turn()
    assert steps(bench.comet) == [0, 1]


def test_a_damaged_line_keeps_no_other_from_a_server_that_stumbles_over_it(bench: Bench) -> None:
    def stumble(asked: Any) -> Answer | None:
        damaged = asked.path.endswith("/experiment/metric") and b"\0" in asked.body
        return Answer(500) if damaged else None

    bench.comet.rules.append(stumble)
    bench.metrics(0, 5)
    (segment,) = bench.writer.folder.glob("metrics.0*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([*lines[:2], b"\0" * (len(lines[2]) - 1) + b"\n", *lines[3:]]))
    bench.turns(4, 100)
    parsed = [asked for asked in bench.comet.requests("/experiment/metric") if b"\0" not in asked.body]
    assert [value["step"] for asked in parsed for value in asked.json["values"]] == [0, 1, 3, 4]
    assert bench.courier.lost == 1
    assert bench.courier.progress().drained


def test_what_is_too_small_to_be_too_large_waits_for_the_server_to_change_its_mind(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/experiment/metric", Answer(413), times=3)
    bench.comet.answer_with("/asset/upload", Answer(413), times=3)
    bench.metrics(0, 5)
    bench.file(bench.writer.files.keep_bytes(b"small", "a1"), "a1", "x")
    bench.turns(5, 60)
    assert sorted(set(steps(bench.comet))) == [0, 1, 2, 3, 4]
    assert bench.courier.progress().drained
    assert (bench.courier.delivered, bench.courier.refused) == (6, 0)


def test_what_stays_too_large_is_set_aside_at_last_and_what_follows_goes(bench: Bench) -> None:
    bench.turn()

    def refuse_the_first(asked: Any) -> Answer | None:
        first = asked.path.endswith("/experiment/metric") and asked.json["values"][0]["step"] == 0
        return Answer(413) if first else None

    bench.comet.rules.append(refuse_the_first)
    bench.metrics(0, 2)
    bench.turns(9, 60)
    assert bench.courier.refused == 0
    bench.turns(4, 60)
    assert bench.courier.refused == 1
    assert steps(bench.comet)[-1] == 1
    assert bench.courier.progress().drained


def test_a_file_that_is_large_is_taken_at_the_servers_word(bench: Bench) -> None:
    bench.turn()
    bench.comet.answer_with("/asset/upload", Answer(413))
    bench.file(bench.writer.files.keep_bytes(b"x" * 70_000, "a1"), "a1", "x")
    bench.turn()
    assert bench.courier.refused == 1


def test_a_failure_told_while_the_end_is_under_way_is_told_too(bench: Bench) -> None:
    bench.turn()

    def fail_meanwhile(asked: Any) -> Answer | None:
        if asked.path.endswith("status-report/update") and asked.json["is_alive"] is False:
            bench.comet.rules.remove(fail_meanwhile)
            bench.courier.finish(End(78, 1, "it failed after all"))
        return None

    bench.comet.rules.append(fail_meanwhile)
    bench.finish()
    bench.turns(3, 1)
    assert [asked.json["error"] for asked in bench.comet.requests("/update-status")] == ["it failed after all"]
    assert bench.courier.progress().finished


def test_a_server_that_knows_no_attempts_gets_those_after_the_first_in_contexts(
    comet: ScriptedComet, tmp_path: Path
) -> None:
    bench = Bench(comet, tmp_path, attempt=2)
    bench.writer.append(METRICS, [metrics.row("loss", 1.0, 1, 0), metrics.row("loss", 2.0, 1, 0, None, "train")])
    bench.writer.append(METRICS, [metrics.row("sys.load.avg", 1.0, 1), metrics.row("rank_1.sys.load.avg", 1.0, 1)])
    bench.courier.finish(End(7, 2))
    bench.turns(4, advance=1)
    (asked,) = comet.requests("/experiment/metric")
    assert comet.requests("logger/add/run")[0].headers["x-comet-attempt"] == "2"
    # Of the machine a server knows by its names.
    assert [row.get("context") for row in asked.json["values"]] == ["attempt_2", "attempt_2_train", None, None]
    # An earlier attempt may have been called a failure there.
    (told,) = comet.requests("/update-status")
    assert (told.json["isAlive"], told.json["hasCrashed"]) == (False, False)


def test_an_attempt_that_another_one_follows_ends_nothing(comet: ScriptedComet, tmp_path: Path) -> None:
    bench = Bench(comet, tmp_path)
    bench.courier.finish(End(7, 1, "Traceback", ended_as="retrying"))
    bench.turns(4, advance=1)
    (told,) = comet.requests("/update-status")
    assert (told.json["isAlive"], told.json["hasCrashed"], told.json["endedAs"]) == (True, False, "retrying")
    assert all(asked.json["is_alive"] for asked in comet.requests("/status-report/update"))
