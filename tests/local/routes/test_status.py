"""How an experiment stands: running, ended, failed, lost; told by reports that may come late or twice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, TurnedClock, begin


@pytest.fixture
def key(clocked_server: LocalServer, clock: TurnedClock) -> str:
    return begin(clocked_server, local_timestamp=clock.now)


def state(server: LocalServer, key: str) -> str:
    meta = server.get("experiment/metadata", experimentKey=key)
    return "running" if meta["running"] else "crashed" if meta["hasCrashed"] else "finished"


def report(server: LocalServer, key: str, alive: bool, **more: Any) -> dict[str, Any]:
    return server.sdk("status-report/update", experimentKey=key, is_alive=alive, **more)


def fail(server: LocalServer, key: str, error: str = "Traceback", **more: Any) -> None:
    server.post(
        "write/experiment/update-status", experimentKey=key, isAlive=False, error=error, hasCrashed=True, **more
    )


def test_a_report_is_answered_with_the_next_ones_time(clocked_server: LocalServer, key: str) -> None:
    answer = report(clocked_server, key, True)
    assert answer["is_alive_beat_duration_millis"] == 10_000
    assert {"gpu_monitor_interval_millis", "cpu_monitor_interval_millis", "pending_rpcs"} <= set(answer)


def test_a_normal_end_has_the_time_of_its_message(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    start = clock.now
    clock.turn(3600)
    report(clocked_server, key, False, local_timestamp=start + 5_000)
    meta = clocked_server.get("experiment/metadata", experimentKey=key)
    assert (state(clocked_server, key), meta["endTimeMillis"], meta["durationMillis"]) == (
        "finished",
        start + 5_000,
        5_000,
    )


def test_an_end_without_time_has_the_servers(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    clock.turn(7)
    report(clocked_server, key, False)
    assert clocked_server.get("experiment/metadata", experimentKey=key)["durationMillis"] == 7_000


def test_a_failure_keeps_its_traceback_and_outlives_the_end(clocked_server: LocalServer, key: str) -> None:
    fail(clocked_server, key, "Traceback: boom")
    report(clocked_server, key, False)
    assert state(clocked_server, key) == "crashed"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["error"] == "Traceback: boom"


def test_a_state_set_by_hand_takes_a_failure_back(clocked_server: LocalServer, key: str) -> None:
    fail(clocked_server, key)
    clocked_server.post(
        "write/experiment/update-status", experimentKey=key, isAlive=False, error=None, hasCrashed=False
    )
    assert state(clocked_server, key) == "finished"


def test_an_error_told_on_the_way_does_not_end_the_experiment(clocked_server: LocalServer, key: str) -> None:
    clocked_server.post("write/experiment/update-status", experimentKey=key, isAlive=True, error="x", hasCrashed=False)
    assert state(clocked_server, key) == "running"


@pytest.mark.parametrize(("silent", "expected"), [(30.0, "running"), (30.001, "crashed")])
def test_three_missed_beats_mean_lost(
    clocked_server: LocalServer, key: str, clock: TurnedClock, silent: float, expected: str
) -> None:
    clock.turn(100)
    report(clocked_server, key, True)
    clock.turn(silent)
    assert state(clocked_server, key) == expected


def test_a_lost_one_ended_at_its_last_beat_and_comes_back_with_the_next(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    clock.turn(20)
    clocked_server.get("write/experiment/set-status", experimentKey=key)
    clock.turn(1000)
    assert clocked_server.get("experiment/metadata", experimentKey=key)["durationMillis"] == 20_000
    report(clocked_server, key, True)
    assert state(clocked_server, key) == "running"


def test_what_comes_late_does_not_change_what_is_newer(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    start = clock.now
    report(clocked_server, key, False, attempt=2, local_timestamp=start + 100)
    fail(clocked_server, key, attempt=1, localTimestamp=start + 9_000)
    report(clocked_server, key, True, attempt=2, local_timestamp=start + 50)
    assert state(clocked_server, key) == "finished"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["endTimeMillis"] == start + 100


def test_a_new_attempt_starts_with_a_clean_slate(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    start = clock.now
    fail(clocked_server, key, attempt=1, localTimestamp=start + 10)
    report(clocked_server, key, True, attempt=2, local_timestamp=start + 20)
    assert state(clocked_server, key) == "running"
    report(clocked_server, key, False, attempt=2, local_timestamp=start + 30)
    assert state(clocked_server, key) == "finished"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["error"] is None


def test_within_an_attempt_an_end_stands_against_beats_of_any_time(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    start = clock.now
    clock.turn(100)
    report(clocked_server, key, True, attempt=1, local_timestamp=start + 50_000)
    fail(clocked_server, key, attempt=1, localTimestamp=start + 10_000)
    assert state(clocked_server, key) == "crashed"
    report(clocked_server, key, True, attempt=1, local_timestamp=start + 90_000)
    assert state(clocked_server, key) == "crashed"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["endTimeMillis"] == start + 10_000


def test_a_writer_that_began_after_the_end_takes_the_experiment_up_again(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    start = clock.now
    clock.turn(100)
    fail(clocked_server, key, attempt=1, localTimestamp=start + 10_000, writerStartMillis=start)
    report(clocked_server, key, True, attempt=1, local_timestamp=start + 20_000, writerStartMillis=start + 10_000)
    assert state(clocked_server, key) == "crashed"
    report(clocked_server, key, True, attempt=1, local_timestamp=start + 20_000, writerStartMillis=start + 10_001)
    assert state(clocked_server, key) == "running"
    report(clocked_server, key, False, attempt=1, local_timestamp=start + 30_000, writerStartMillis=start + 10_001)
    assert state(clocked_server, key) == "finished"


def test_the_end_of_a_later_writer_takes_a_failure_back_that_is_told_late(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    """The journal of a process that died is delivered by the next one, whose signs of life were already taken."""
    start = clock.now
    clock.turn(100)
    report(clocked_server, key, True, attempt=1, local_timestamp=start + 20_000, writerStartMillis=start + 15_000)
    fail(clocked_server, key, attempt=1, localTimestamp=start + 10_000, writerStartMillis=start)
    report(clocked_server, key, False, attempt=1, local_timestamp=start + 30_000, writerStartMillis=start + 15_000)
    assert state(clocked_server, key) == "finished"


def test_a_stopped_experiment_is_neither_finished_nor_crashed(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    _end_as(clocked_server, key, "stopped", alive=False, localTimestamp=clock.now)
    report(clocked_server, key, False, attempt=1, local_timestamp=clock.now)
    assert (state(clocked_server, key), _status(clocked_server, key)) == ("finished", "stopped")
    clock.turn(1)
    report(clocked_server, key, True, attempt=2, local_timestamp=clock.now)
    assert _status(clocked_server, key) == "running"
    report(clocked_server, key, False, attempt=2, local_timestamp=clock.now)
    assert _status(clocked_server, key) == "finished"


def test_between_two_attempts_an_experiment_is_lost_only_when_none_follows_for_an_hour(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    report(clocked_server, key, True, attempt=1, local_timestamp=clock.now)
    _end_as(clocked_server, key, "retrying", alive=True, localTimestamp=clock.now)
    clock.turn(3600)
    assert (state(clocked_server, key), _status(clocked_server, key)) == ("running", "retrying")
    clock.turn(1)
    assert _status(clocked_server, key) == "lost"
    report(clocked_server, key, True, attempt=2, local_timestamp=clock.now)
    assert _status(clocked_server, key) == "running"
    # The first attempt's journal, delivered late.
    _end_as(clocked_server, key, "retrying", alive=True, localTimestamp=clock.now - 1)
    assert _status(clocked_server, key) == "running"
    clock.turn(3600)
    assert _status(clocked_server, key) == "lost"


def test_a_guest_ends_nothing_that_its_owner_goes_on_with(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    """The official SDK joins the experiment of a step, and is through with it before the step is."""
    report(clocked_server, key, True, attempt=1, local_timestamp=clock.now)
    clocked_server.sdk("logger/get/run", previousExperiment=key)
    clock.turn(5)
    report(clocked_server, key, True, local_timestamp=clock.now)
    report(clocked_server, key, False, local_timestamp=clock.now)
    assert state(clocked_server, key) == "running"
    # Whose owner is not heard any more has nobody else to say how it ended.
    clock.turn(31)
    report(clocked_server, key, False, local_timestamp=clock.now)
    assert state(clocked_server, key) == "finished"


def test_an_owner_whose_clock_is_slow_is_heard_all_the_same(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    clock.turn(60)
    report(clocked_server, key, True, attempt=1, local_timestamp=clock.now - 50_000)
    report(clocked_server, key, True, local_timestamp=clock.now)
    clock.turn(40)
    report(clocked_server, key, True, attempt=1, local_timestamp=clock.now - 50_000)
    report(clocked_server, key, False, local_timestamp=clock.now)
    assert state(clocked_server, key) == "running"


def test_a_guest_changes_nothing_of_an_end_unless_it_joined_later(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    report(clocked_server, key, True, attempt=1, local_timestamp=clock.now)
    clocked_server.sdk("logger/get/run", previousExperiment=key)
    clock.turn(1)
    fail(clocked_server, key, attempt=1, localTimestamp=clock.now)
    ended = clocked_server.get("experiment/metadata", experimentKey=key)
    clock.turn(5)
    for alive in (True, False):
        report(clocked_server, key, alive, local_timestamp=clock.now)
        assert clocked_server.get("experiment/metadata", experimentKey=key) == ended
    # Not even when the owner comes back with what was late.
    body, headers = {"previousExperiment": key}, {"X-Comet-Attempt": "1"}
    assert clocked_server.call("POST", "clientlib/logger/get/run", json=body, headers=headers).status_code == 200
    report(clocked_server, key, True, local_timestamp=clock.now)
    assert clocked_server.get("experiment/metadata", experimentKey=key) == ended
    clocked_server.sdk("logger/get/run", previousExperiment=key)
    report(clocked_server, key, True, local_timestamp=clock.now)
    assert state(clocked_server, key) == "running"
    report(clocked_server, key, False, local_timestamp=clock.now)
    assert state(clocked_server, key) == "finished"


def _end_as(server: LocalServer, key: str, how: str, *, alive: bool, **more: Any) -> None:
    told = {"isAlive": alive, "hasCrashed": False, "error": None, "endedAs": how, "attempt": 1}
    server.post("write/experiment/update-status", experimentKey=key, **told, **more)


def _status(server: LocalServer, key: str) -> str:
    return str(server.get("experiment/metadata", experimentKey=key)["status"])


def test_what_failed_and_runs_again_may_end_well(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    fail(clocked_server, key)
    for alive in (True, False):
        clock.turn(1)
        report(clocked_server, key, alive)
    assert state(clocked_server, key) == "finished"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["error"] is None


def test_a_crash_told_while_alive_as_the_sdk_does_stays_through_beats_and_end(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    clocked_server.post("write/experiment/update-status", experimentKey=key, isAlive=True, error="x", hasCrashed=True)
    for alive in (True, False):
        clock.turn(1)
        report(clocked_server, key, alive)
    assert state(clocked_server, key) == "crashed"
    assert clocked_server.get("experiment/metadata", experimentKey=key)["error"] == "x"


def test_a_clock_that_ran_ahead_silences_nobody(clocked_server: LocalServer, clock: TurnedClock) -> None:
    hour = 3_600_000
    key = begin(clocked_server, local_timestamp=clock.now + hour)
    report(clocked_server, key, True, local_timestamp=clock.now + hour)
    for _ in range(8):
        clock.turn(10)
        report(clocked_server, key, True, local_timestamp=clock.now - hour)
    assert state(clocked_server, key) == "running"
    report(clocked_server, key, False)
    assert state(clocked_server, key) == "finished"


@pytest.mark.parametrize(
    ("path", "name"),
    [("clientlib/status-report/update", "is_alive"), ("api/rest/v2/write/experiment/update-status", "isAlive")],
)
def test_a_report_has_to_say_whether_it_lives(clocked_server: LocalServer, key: str, path: str, name: str) -> None:
    answer = clocked_server.call("POST", path, json={"experimentKey": key})
    assert (answer.status_code, name in answer.json()["msg"]) == (400, True)
    assert state(clocked_server, key) == "running"


def test_a_bare_beat_is_no_change(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    def cursor() -> str:
        return str(clocked_server.call("GET", f"page-data/experiments/{key}/changes").json()["cursor"])

    before = cursor()
    clock.turn(5)
    report(clocked_server, key, True)
    assert cursor() == before
    report(clocked_server, key, False)
    assert cursor() != before


def test_joining_is_no_sign_of_life(clocked_server: LocalServer, key: str) -> None:
    report(clocked_server, key, False)
    clocked_server.sdk("logger/get/run", previousExperiment=key)
    assert state(clocked_server, key) == "finished"


def test_a_beat_for_what_ended_means_it_goes_on(clocked_server: LocalServer, key: str, clock: TurnedClock) -> None:
    report(clocked_server, key, False)
    clock.turn(1)
    report(clocked_server, key, True)
    assert state(clocked_server, key) == "running"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"startTimeMillis": 5_000, "endTimeMillis": 9_000}, (5_000, 9_000)),
        ({"endTimeMillis": 9_000}, (8_000, 9_000)),
    ],
)
def test_times_can_be_set(
    clocked_server: LocalServer, key: str, given: dict[str, int], expected: tuple[int, int]
) -> None:
    report(clocked_server, key, False)
    clocked_server.post("write/experiment/set-start-end-time", experimentKey=key, **given)
    meta = clocked_server.get("experiment/metadata", experimentKey=key)
    assert (meta["startTimeMillis"], meta["endTimeMillis"]) == expected


def test_an_offline_run_brings_its_times(clocked_server: LocalServer, key: str) -> None:
    report(clocked_server, key, False)
    clocked_server.sdk("status-report/offline-metadata", experimentKey=key, startTimestamp=1_000, endTimestamp=3_000)
    assert clocked_server.get("experiment/metadata", experimentKey=key)["durationMillis"] == 2_000


def test_a_heartbeat_over_rest_says_which_attempt_it_is_of(
    clocked_server: LocalServer, key: str, clock: TurnedClock
) -> None:
    report(clocked_server, key, True, attempt=2)
    report(clocked_server, key, False, attempt=2)
    answer = clocked_server.get("write/experiment/set-status", experimentKey=key, attempt=1, localTimestamp=clock.now)
    assert answer["isAliveBeatDurationMillis"] == 10_000
    assert state(clocked_server, key) == "finished"
    clocked_server.get("write/experiment/set-status", experimentKey=key, attempt=3, localTimestamp=clock.now)
    assert state(clocked_server, key) == "running"


def test_nobody_is_throttled(clocked_server: LocalServer, key: str) -> None:
    clocked_server.post(f"write/experiment/{key}/mark-not-throttled")
    assert clocked_server.get("experiment/metadata", experimentKey=key)["throttle"] is False


def test_a_stopped_experiment_ended_when_it_was_stopped(clocked_server: LocalServer, clock: TurnedClock) -> None:
    key = begin(clocked_server)
    clock.turn(5)
    for _ in range(2):
        clocked_server.get("write/experiment/stop", experimentKey=key)
        meta = clocked_server.get("experiment/metadata", experimentKey=key)
        assert (meta["running"], meta["hasCrashed"], meta["durationMillis"]) == (False, False, 5_000)
        clock.turn(60)


def test_stopping_a_lost_experiment_does_not_make_it_longer(clocked_server: LocalServer, clock: TurnedClock) -> None:
    key = begin(clocked_server)
    clock.turn(600)
    clocked_server.get("write/experiment/stop", experimentKey=key)
    meta = clocked_server.get("experiment/metadata", experimentKey=key)
    assert (meta["running"], meta["durationMillis"]) == (False, 0)


def test_a_stopped_experiment_runs_again_when_its_program_says_so(
    clocked_server: LocalServer, clock: TurnedClock
) -> None:
    key = begin(clocked_server)
    clocked_server.get("write/experiment/stop", experimentKey=key)
    clock.turn(1)
    clocked_server.sdk("status-report/update", experimentKey=key, is_alive=True)
    assert clocked_server.get("experiment/metadata", experimentKey=key)["running"] is True


def test_stopping_what_ended_does_not_outrank_what_is_told_of_its_end(
    clocked_server: LocalServer, clock: TurnedClock
) -> None:
    key = begin(clocked_server)
    end = clock()
    clocked_server.sdk("status-report/update", experimentKey=key, is_alive=False, local_timestamp=end)
    clock.turn(60)
    clocked_server.get("write/experiment/stop", experimentKey=key)
    late = {"isAlive": False, "hasCrashed": True, "localTimestamp": end + 1}
    clocked_server.post("write/experiment/update-status", experimentKey=key, **late)
    assert clocked_server.get("experiment/metadata", experimentKey=key)["hasCrashed"] is True
