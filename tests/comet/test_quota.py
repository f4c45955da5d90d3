"""The allowance of REST requests, with a clock that the test turns."""

from __future__ import annotations

import multiprocessing
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from zenml_comet_tracker.comet.delivery import quota
from zenml_comet_tracker.comet.delivery.quota import LIMITS, REQUESTS, VALUES, Limit, Quota, shared_quota

HOUR = 3_600


class Turned:
    """A clock and one process's view of the allowance."""

    def __init__(self, path: Path, limits: dict[str, Limit] | None = None) -> None:
        self.now = 5_000.0
        self.quota = Quota(path, limits or dict(LIMITS), clock=lambda: self.now)

    def spend(self, values: int = 0) -> int:
        """Takes until there is no room; how many requests that were."""
        taken = 0
        while self.quota.take(values) == 0.0:
            taken += 1
        return taken


@pytest.fixture
def turned(tmp_path: Path) -> Iterator[Turned]:
    yield Turned(tmp_path / "quota" / "q.json", {REQUESTS: Limit(100, HOUR), VALUES: Limit(20, 60)})
    quota._unshared.clear()


def test_what_comet_publishes_is_what_is_kept() -> None:
    assert {name: (limit.count, limit.seconds) for name, limit in LIMITS.items()} == {
        "requests": (15_000, 3_600),
        "values": (12_000, 60),
    }


def test_no_hour_sees_more_than_its_number(turned: Turned) -> None:
    taken: list[float] = []
    for _ in range(4 * 60):
        taken += [turned.now] * turned.spend()
        turned.now += 60
    busiest = max(sum(start <= moment < start + HOUR for moment in taken) for start in taken)
    assert 90 <= busiest <= 100
    assert len(taken) > 200


def test_the_wait_that_is_told_is_enough_and_not_too_long(turned: Turned) -> None:
    turned.spend()
    wait = turned.quota.take()
    assert wait == pytest.approx(HOUR / 50)
    turned.now += wait - 0.5
    assert turned.quota.take() > 0
    turned.now += 0.6
    assert turned.quota.take() == 0.0


def test_values_have_a_limit_of_their_own(turned: Turned) -> None:
    assert turned.spend(values=1) == 10
    assert turned.quota.take() == 0.0
    turned.now += 6
    assert turned.spend(values=1) == 1


def test_a_heartbeat_goes_in_any_case_and_the_others_pay(turned: Turned) -> None:
    turned.spend()
    assert turned.quota.take(must=True) == 0.0
    assert turned.quota.take() == pytest.approx(2 * HOUR / 50)


def test_a_machine_that_was_started_anew_goes_on_with_what_was_left(turned: Turned, tmp_path: Path) -> None:
    turned.spend()
    turned.now = 3.0
    assert turned.quota.take() > 0
    turned.now += HOUR / 50 + 0.1
    assert turned.quota.take() == 0.0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"requests": "many"}'])
def test_a_file_that_says_nothing_is_a_full_allowance(turned: Turned, content: bytes) -> None:
    turned.quota._path.parent.mkdir()
    turned.quota._path.write_bytes(content)
    assert turned.spend() == 50


def test_no_usable_file_is_said_once_and_counts_for_the_process(
    turned: Turned, caplog: pytest.LogCaptureFixture
) -> None:
    turned.quota._path.parent.write_text("a file where the folder should be")
    assert turned.spend() + Turned(turned.quota._path, dict(turned.quota._limits)).spend() == 50
    assert len(caplog.records) == 1


def _spend_all(path: str, start: int, answers: object) -> None:
    view = Turned(Path(path), {REQUESTS: Limit(100, HOUR), VALUES: Limit(20, 60)})
    answers.put(view.spend())  # type: ignore[attr-defined]


def test_processes_share_one_bucket(turned: Turned) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=_spend_all, args=(turned.quota._path, i, answers)) for i in range(2)]
    for child in children:
        child.start()
    taken = [answers.get(timeout=30) for _ in children]
    for child in children:
        child.join(30)
    assert sum(taken) == 50
    assert turned.quota.take() > 0


def test_a_fork_in_the_middle_leaves_no_lock_behind(turned: Turned, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that inherits the descriptor of a held lock, and lives on, holds up nobody."""
    reader, writer = os.pipe()
    real, children = os.pread, []

    def fork_while_held(*arguments: int) -> bytes:
        if not children:
            children.append(os.fork())
            if children[0] == 0:
                select.select([reader], [], [], 10)
                os._exit(0)
        return real(*arguments)

    monkeypatch.setattr(os, "pread", fork_while_held)
    assert turned.quota.take() == 0.0
    assert turned.quota.take() == 0.0
    assert os.waitpid(children[0], os.WNOHANG) == (0, 0)
    os.write(writer, b"x")
    os.waitpid(children[0], 0)
    os.close(reader)
    os.close(writer)


def test_each_server_and_each_key_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    same = [shared_quota("https://a", "f1", None)._path for _ in range(2)]
    others = [shared_quota("https://b", "f1", None)._path, shared_quota("https://a", "f2", None)._path]
    assert len({*same, *others}) == 3
    assert all(path.is_relative_to(tmp_path / "zenml-comet") for path in same)
