"""One way to one Comet: what it shares, what it counts, and that a reading one writes nothing."""

from __future__ import annotations

import os
import pickle

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.connection import Connection, connect
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST


def _connection(server: LocalServer, *, read_only: bool = False) -> Connection:
    return connect(server.api_key, url=server.url, read_only=read_only)


def test_making_one_sends_nothing_and_each_request_is_counted(local_server: LocalServer) -> None:
    with _connection(local_server) as connection:
        assert connection.requests == 0
        connection.transport.get_json(f"{REST}workspaces")
        connection.transport.get_json(f"{REST}workspaces")
        assert connection.requests == 2
        assert connection.transport is connection.transport


def test_without_a_key_it_says_where_to_set_one() -> None:
    with pytest.raises(errors.ConfigurationError, match="COMET_API_KEY"):
        connect(url="http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["offline", None])
def test_nothing_is_sent_offline(url: str | None, local_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)
    if url is None:
        monkeypatch.setenv("COMET_START_ONLINE", "false")
    connection = connect(local_server.api_key, url=url)
    with pytest.raises(errors.ConfigurationError, match="The settings say offline"):
        connection.transport.get_json(f"{REST}workspaces")
    assert connection.requests == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{REST}write/project/create", {"workspaceName": "ws", "projectName": "read-only"}),
        (f"{CLIENTLIB}rest/v2/write/experiment/system-details", {}),
        (f"{CLIENTLIB}logger/add/run", {}),
    ],
)
def test_a_reading_one_refuses_to_write(local_server: LocalServer, path: str, body: dict[str, str]) -> None:
    with _connection(local_server, read_only=True) as connection:
        with pytest.raises(errors.ReadOnlyError, match="only be read"):
            connection.transport.post_json(path, body)
        assert connection.requests == 0
    wanted = {"workspaceName": "ws", "projectName": "read-only"}
    assert local_server.call("GET", "api/rest/v2/project", params=wanted).status_code == 404


def test_a_reading_one_refuses_a_write_that_is_a_get(local_server: LocalServer, key: str) -> None:
    with _connection(local_server, read_only=True) as connection, pytest.raises(errors.ReadOnlyError):
        connection.transport.get_json(f"{REST}write/experiment/archive", {"experimentKey": key})
    assert local_server.get("experiment/metadata", experimentKey=key)["archived"] is False


def test_a_reading_one_reads_by_post_too(local_server: LocalServer, key: str) -> None:
    with _connection(local_server, read_only=True) as connection:
        body = {"targetedExperiments": [key], "metrics": [], "params": [], "independentMetrics": True}
        assert "experiments" in connection.transport.post_json(f"{REST}experiments/multi-metric-chart", body)


def test_it_travels_and_shows_no_key(local_server: LocalServer) -> None:
    connection = _connection(local_server, read_only=True)
    there = pickle.loads(pickle.dumps(connection))
    assert (there.root, there.read_only) == (local_server.url, True)
    assert local_server.api_key not in repr(connection)
    assert there.transport.get_json(f"{REST}workspaces")["workspaceNames"]


def test_a_forked_child_has_a_transport_of_its_own(monkeypatch: pytest.MonkeyPatch, local_server: LocalServer) -> None:
    connection = _connection(local_server)
    ours = connection.transport
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert connection.transport is not ours
