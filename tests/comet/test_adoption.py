"""What dead processes left is delivered by living ones of their kind: once, in the background, whoever dies then."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.comet.offline import log, offline_writer
from tests.comet.scripted import Answer, Asked, ScriptedComet
from tests.comet.test_leftovers import die
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.delivery import adoption, fostering
from zenml_comet_tracker.comet.delivery.adoption import Adopter, Kin
from zenml_comet_tracker.comet.delivery.fostering import Adoption, Fostering
from zenml_comet_tracker.comet.delivery.leftovers import DIED
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import Header, fingerprint
from zenml_comet_tracker.comet.transport import Transport

POINTS = 40


def go_on(_: float) -> bool:
    return True


class Clock:
    """Time that passes only while somebody waits."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return True


def adopter(root: str, journals: Path, **options: Any) -> Adopter:
    kin = Kin(journals, root, fingerprint("k"))
    arguments = {"new_transport": lambda: Transport(root, "k"), "shared_by_network": lambda _: False, **options}
    return Adopter(kin, "k", **arguments)


def leave(journals: Path, root: str, points: int = POINTS, **header: Any) -> str:
    """The journal of a dead online writer; its experiment's key."""
    key = uuid.uuid4().hex
    with offline_writer(journals, root, **{"key": key, "offline": False, **header}) as writer:
        log(writer, range(points))
    return key


@pytest.fixture
def own_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[threading.Thread]]:
    """The adoption's threads that a test began: an experiment that an earlier one left open may have one too."""
    monkeypatch.setattr(fostering, "process_adoption", Adoption())
    earlier = set(threading.enumerate())
    names = ("zenml-comet-adoption", "zenml-comet-children")
    return lambda: [thread for thread in threading.enumerate() if thread.name in names and thread not in earlier]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_a_living_process_delivers_in_the_background_what_a_killed_one_left(
    make: Callable[..., Experiment],
    comet: ScriptedComet,
    journals: Path,
    own_threads: Callable[[], list[threading.Thread]],
) -> None:
    die(comet, journals)
    (left,) = journals.iterdir()
    experiment = make(api_key="k")
    until(lambda: not left.exists())
    adopted = left.name.partition(".")[0]
    values = [
        v["step"] for asked in comet.requests("/metric") if adopted in asked.body.decode() for v in asked.json["values"]
    ]
    (failure,) = comet.requests("/update-status")
    reports = [asked.json for asked in comet.requests("/status-report/update")]
    assert values == list(range(300))
    assert (failure.json["experimentKey"], failure.json["error"]) == (adopted, DIED)
    assert [report["is_alive"] for report in reports if report["experimentKey"] == adopted] == [False]
    assert experiment.end().delivered
    until(lambda: not own_threads())


@pytest.mark.parametrize(
    "other",
    [{"host": "elsewhere"}, {"root": "http://127.0.0.1:9"}, {"api_key": "another"}, {"offline": True}],
    ids=lambda other: next(iter(other)),
)
def test_what_is_not_of_its_kind_is_left_alone(comet: ScriptedComet, journals: Path, other: dict[str, Any]) -> None:
    leave(journals, **{"root": comet.root, **other})
    assert adopter(comet.root, journals).adopt(go_on) == 0
    assert comet.asked == []
    assert adopter(comet.root, journals).kin.claims(Header("k", comet.root, fingerprint("k"), boot_id="another"))


def test_nothing_of_a_living_writer_nor_on_a_network_file_system_is_adopted(
    comet: ScriptedComet, journals: Path
) -> None:
    with offline_writer(journals, comet.root, offline=False) as writer:
        log(writer, range(3))
        assert adopter(comet.root, journals).adopt(go_on) == 0
    assert adopter(comet.root, journals, shared_by_network=lambda _: True).adopt(go_on) == 0
    assert comet.asked == []
    assert adopter(comet.root, journals).adopt(go_on) == 1


def test_a_journal_in_other_hands_or_a_broken_one_keeps_none_of_the_others(
    comet: ScriptedComet, journals: Path
) -> None:
    keys = [leave(journals, comet.root, started_millis=number) for number in range(3)]
    other = JournalReader(next(journals.glob(f"{keys[0]}.*")))
    (next(journals.glob(f"{keys[1]}.*")) / "rest.cursor").mkdir()
    assert adopter(comet.root, journals).adopt(go_on) == 1
    other.close()
    assert {asked.json["experimentKey"] for asked in comet.requests("add/run")} == {keys[2]}


def test_what_failed_is_left_alone_for_a_while_and_a_server_that_is_away_is_asked_once(
    comet: ScriptedComet, journals: Path
) -> None:
    for number in range(3):
        leave(journals, comet.root, started_millis=number)
    comet.answer_with("add/run", Answer(401, body={"msg": "no", "sdk_error_code": 90212}))
    clock = Clock()
    tired = adopter(comet.root, journals, clock=clock)
    assert (tired.adopt(clock.wait), len(comet.asked)) == (0, 3)
    clock.now += 200
    assert (tired.adopt(clock.wait), len(comet.asked)) == (0, 3)
    clock.now += 200
    comet.rules.clear()
    comet.answer_with("add/run", Answer(drop=True))
    assert tired.adopt(clock.wait) == 0
    assert len({asked.json["experimentKey"] for asked in comet.asked[3:]}) == 1
    clock.now += 200
    comet.rules.clear()
    assert tired.adopt(clock.wait) == 3


@pytest.mark.parametrize("path", ["add/run", "experiment/metric"])
def test_an_experiment_that_the_server_always_fails_at_keeps_no_other(
    path: str, comet: ScriptedComet, journals: Path
) -> None:
    cursed, *others = [leave(journals, comet.root, started_millis=number) for number in range(4)]

    def fail(asked: Asked) -> Answer | None:
        return Answer(500) if asked.path.endswith(path) and cursed.encode() in asked.body else None

    comet.rules.append(fail)
    clock = Clock()
    patient = adopter(comet.root, journals, clock=clock)
    assert patient.adopt(clock.wait) == 3
    assert [folder.name.partition(".")[0] for folder in journals.glob("?*.*")] == [cursed]
    late = leave(journals, comet.root, started_millis=9)
    clock.now += 200
    comet.asked.clear()
    assert patient.adopt(clock.wait) == 1
    opened = [asked.json["experimentKey"] for asked in comet.requests("/run")]
    assert opened[0] == late, "what failed before comes last"
    assert len(others) == 3


def test_what_the_server_refused_is_not_offered_again(comet: ScriptedComet, journals: Path) -> None:
    leave(journals, comet.root, points=1)
    comet.answer_with("experiment/metric", Answer(400, body={"msg": "no"}))
    clock = Clock()
    patient = adopter(comet.root, journals, clock=clock)
    assert patient.adopt(go_on) == 1
    comet.asked.clear()
    clock.now += 10_000
    assert patient.adopt(go_on) == 0
    assert comet.asked == []
    assert len(list(journals.glob("*/metrics.refused.jsonl"))) == 1


def test_children_and_theirs_are_told_from_strangers(comet: ScriptedComet, journals: Path) -> None:
    own = uuid.uuid4().hex
    child = leave(journals, comet.root, writer="child", parent_writer=own, primary=False)
    # Of a child whose own journal is gone: it delivered that itself, or another did.
    of_gone = {"parent_writer": "gone", "earlier_writers": (own,), "primary": False}
    grandchild = leave(journals, comet.root, writer="grandchild", **of_gone)
    leave(journals, comet.root, writer="stranger", parent_writer="somebody", primary=False)
    leave(journals, comet.root)
    assert adopter(comet.root, journals).adopt_children(own, go_on) == 2
    assert {asked.json["experimentKey"] for asked in comet.requests("add/run")} == {child, grandchild}
    assert comet.requests("/update-status") == []


def test_neither_an_end_nor_the_draining_of_children_waits_for_an_answer(
    comet: ScriptedComet, journals: Path, own_threads: Callable[[], list[threading.Thread]]
) -> None:
    leave(journals, comet.root, parent_writer="own")
    asked, answer = threading.Event(), threading.Event()

    def new_transport() -> Transport:
        asked.set()
        assert answer.wait(30)
        raise OSError("too late")

    adoption = Adoption()
    share = Fostering(adopter(comet.root, journals, new_transport=new_transport), adoption)
    began = time.monotonic()
    share.drain_children("own", 0.2)
    assert asked.wait(20)
    asked.clear()
    share.begin()
    share.end()
    share.begin()
    assert time.monotonic() - began < 20
    answer.set()
    until(lambda: not own_threads())
    assert comet.asked == []


def test_two_of_a_kind_adopt_as_one(
    comet: ScriptedComet, journals: Path, own_threads: Callable[[], list[threading.Thread]]
) -> None:
    adoption = Adoption()
    first, second = (Fostering(adopter(comet.root, journals), adoption) for _ in range(2))
    first.begin()
    second.begin()
    threads = own_threads()
    first.end()
    leave(journals, comet.root)
    third = Fostering(adopter(comet.root, journals), adoption)
    third.begin()
    until(lambda: list(journals.iterdir()) == [])
    assert len(threads) == 1
    second.end()
    third.end()
    until(lambda: not own_threads())
    assert len(comet.metric_values()) == POINTS


class KilledError(BaseException):
    """Ends a delivery where it is, as a kill does: nothing is caught, nothing saved."""


class Dying(Transport):
    """Dies at one of its requests, before or after the server has heard it."""

    life = 0
    answered = False

    def _send(self, *args: Any, **kwargs: Any) -> Any:
        Dying.life -= 1
        if Dying.life == 0 and not Dying.answered:
            raise KilledError
        answer = super()._send(*args, **kwargs)
        if Dying.life == 0:
            raise KilledError
        return answer


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
def test_an_adopter_that_is_killed_at_any_request_loses_and_repeats_nothing(
    local_server: LocalServer, tmp_path: Path, answered: bool
) -> None:
    points = 1_100
    for life in range(1, 20):
        journals = tmp_path / str(life)
        key = leave(journals, local_server.url, points, api_key=local_server.api_key)
        kin = Kin(journals, local_server.url, fingerprint(local_server.api_key))

        def adopt(kind: type[Transport], kin: Kin = kin) -> int:
            new_transport = lambda: kind(local_server.url, local_server.api_key)  # noqa: E731
            return Adopter(kin, local_server.api_key, new_transport, shared_by_network=lambda _: False).adopt(go_on)

        Dying.life, Dying.answered = life, answered
        try:
            adopt(Dying)
            survived = True
        except KilledError:
            survived = False
            adopt(Transport)
        assert steps(local_server, key) == list(range(points))
        assert local_server.get("experiment/metadata", experimentKey=key)["hasCrashed"] is True
        assert list(journals.iterdir()) == []
        if survived:
            break
    assert life > 5, "it did die on the way"
    assert survived


def steps(server: LocalServer, key: str) -> list[int]:
    answer = server.get("experiment/metrics/get-metric", experimentKey=key, metricName="loss")
    return [int(point["step"]) for point in answer["metrics"]]


def test_two_adopters_at_once_share_the_work_without_repeating_it(local_server: LocalServer, journals: Path) -> None:
    key = local_server.api_key
    left = [leave(journals, local_server.url, started_millis=number, api_key=key) for number in range(12)]
    kin = Kin(journals, local_server.url, fingerprint(key))
    both = [
        Adopter(kin, key, lambda: Transport(local_server.url, key), shared_by_network=lambda _: False) for _ in range(2)
    ]
    done: list[int] = []
    threads = [threading.Thread(target=lambda one=one: done.append(one.adopt(go_on))) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(done) == 12
    assert {tuple(steps(local_server, key)) for key in left} == {tuple(range(POINTS))}
    assert list(journals.iterdir()) == []


def test_a_late_death_of_an_early_attempt_changes_neither_the_end_nor_newer_values(
    local_server: LocalServer, journals: Path
) -> None:
    api_key, now = local_server.api_key, time.time_ns() // 1_000_000
    early = {"attempt": 1, "mode": "get_or_create", "started_millis": now}
    key = leave(journals, local_server.url, points=5, api_key=api_key, **early)
    with Experiment(
        api_key,
        url=local_server.url,
        experiment_key=key,
        mode="get_or_create",
        attempt=2,
        journal_folder=journals.with_name("newer"),
    ) as newer:
        newer.log_metric("loss", 77, step=1)
    before = local_server.get("experiment/metadata", experimentKey=key)
    kin = replace(adopter(local_server.url, journals).kin, key_fingerprint=fingerprint(api_key))
    late = Adopter(kin, api_key, lambda: Transport(local_server.url, api_key), shared_by_network=lambda _: False).adopt(
        go_on
    )
    after = local_server.get("experiment/metadata", experimentKey=key)
    summary = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    kept = local_server.get("experiment/metrics/get-all", experimentKey=key)["metrics"]
    assert late == 1
    assert steps(local_server, key) == [1]
    assert [point["step"] for point in kept if point["metricName"] == "attempt_1_loss"] == [0, 1, 2, 3, 4]
    assert (after["hasCrashed"], after["endTimeMillis"]) == (False, before["endTimeMillis"])
    assert [float(row["valueCurrent"]) for row in summary if row["name"] == "loss"] == [77]


def test_a_fork_waits_only_so_long_for_a_journal_that_is_being_taken(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its child, and a fork in the middle of a fork as a signal handler may make it, can fork and adopt in turn."""
    monkeypatch.setattr(adoption, "FORK_SECONDS", 0.1)
    leave(journals, comet.root)
    hanging, go_on_now = threading.Event(), threading.Event()

    def hang() -> Transport:
        hanging.set()
        go_on_now.wait(60)
        return Transport(comet.root, "k")

    thread = threading.Thread(target=adopter(comet.root, journals, new_transport=hang).adopt, args=(go_on,))
    thread.start()
    hanging.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        with contextlib.suppress(BaseException):
            grandchild = os.fork()
            if grandchild == 0:
                os._exit(0 if adopter(comet.root, journals).adopt(go_on) == 0 else 1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    go_on_now.set()
    thread.join()
    assert code == 0
    adoption._before_fork()
    adoption._before_fork()
    adoption._in_parent()
    assert adoption._between_forks.locked()
    adoption._in_parent()
    assert not adoption._between_forks.locked()
