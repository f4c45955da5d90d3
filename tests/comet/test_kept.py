"""Connections that outlive an experiment, for the next one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.settings import ResolvedSettings
from zenml_comet_tracker.comet.transport import Transport, kept
from zenml_comet_tracker.comet.transport.kept import KeptTransports


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [1_000.0]
    mine = KeptTransports(lambda: now[0])
    monkeypatch.setattr(kept, "kept_transports", mine)
    yield now
    mine.close()


def ports(comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The client's port of each request that comes."""
    found = list[int]()
    server = comet._server
    plain = server.finish_request

    def finish(request: socket.socket, address: tuple[str, int]) -> None:
        found.append(address[1])
        plain(request, address)

    monkeypatch.setattr(server, "finish_request", finish)
    return found


def test_the_next_experiment_goes_on_with_the_connections_of_the_last(
    comet: ScriptedComet, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = ports(comet, monkeypatch)
    settings = ResolvedSettings("key", comet.root)

    def use(settings: ResolvedSettings) -> Transport:
        transport = kept.kept_transports.take(settings)
        transport.get_json("anything")
        transport.release()
        return transport

    first = use(settings)
    assert use(settings) is first
    assert len(connections) == 1
    clock[0] += kept.SECONDS + 1
    # The server, or what stands before it, may have closed them by now.
    second = use(settings)
    assert (second is first, len(connections)) == (False, 2)
    assert use(ResolvedSettings("another key", comet.root)) is not second
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:8080")
    assert use(settings) is not second


def test_the_key_is_not_to_be_read_in_what_is_kept(clock: list[float]) -> None:
    """Rich tracebacks print the variables of every frame."""
    settings = ResolvedSettings("canary-93b1", "http://127.0.0.1:9", extra_headers={"Proxy-Key": "canary-93b1"})
    transport = kept.kept_transports.take(settings)
    transport.release()
    assert "canary" not in f"{transport.release!r} {vars(kept.kept_transports)!r}"


def test_one_that_is_in_use_is_nobody_elses(comet: ScriptedComet, clock: list[float]) -> None:
    settings = ResolvedSettings("key", comet.root)
    first, second = (kept.kept_transports.take(settings) for _ in range(2))
    assert first is not second
    first.release()
    second.release()
    assert kept.kept_transports.take(settings) is second


def test_a_forked_child_makes_connections_of_its_own(comet: ScriptedComet) -> None:
    settings = ResolvedSettings("key", comet.root)
    transport = kept.kept_transports.take(settings)
    transport.release()
    child = os.fork()
    if child == 0:
        os._exit(int(kept.kept_transports.take(settings) is transport))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept.kept_transports.take(settings) is transport


def test_what_was_closed_by_the_server_meanwhile_is_made_anew(comet: ScriptedComet, clock: list[float]) -> None:
    settings = ResolvedSettings("key", comet.root)
    transport = kept.kept_transports.take(settings)
    comet.answer_with("anything", Answer(headers={"Connection": "close"}), times=1)
    transport.get_json("anything")
    transport.release()
    again = kept.kept_transports.take(settings)
    assert again is transport
    assert again.get_json("anything") == {"msg": "ok", "code": 200}


def test_an_experiment_opens_on_a_connection_of_the_one_before(
    comet: ScriptedComet, journals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = ports(comet, monkeypatch)
    counts = list[int]()
    opening = {"runId": "r1", "focusUrl": f"{comet.root}/w/p/"}
    comet.answer_with("logger/add/run", Answer(body=opening, first=lambda: counts.append(len(connections))))
    for _ in range(2):
        with Experiment("key", url=comet.root, journal_folder=journals) as experiment:
            experiment.log_metric("loss", 1.0)
        counts.append(len(connections))
    opened, ended, opened_again, _ = counts
    assert (opened, opened_again) == (1, ended)
