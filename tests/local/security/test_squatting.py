"""A stranger at our port gets no key: the server proves that it knows it, on each connection, before it is sent."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner

from tests.fixtures.local_server import KEY, LocalServer
from tests.local.security.test_keys import added
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet import proof
from zenml_comet_tracker.comet.errors import ConnectionFailedError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.transport import Transport
from zenml_comet_tracker.local import folder, launch
from zenml_comet_tracker.local.gate import Gate

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Squatter:
    """Listens where a server was, answers whatever it is asked, and keeps all that it hears."""

    def __init__(self, port: int = 0, answer: Callable[[bytes], bytes] = lambda _: PLAIN) -> None:
        self.heard = b""
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def close(self) -> None:
        """Leaves the port: closing alone would leave it to a thread that waits for a connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._server.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._listen, args=(connection,), daemon=True).start()

    def _listen(self, connection: socket.socket) -> None:
        with connection:
            while piece := connection.recv(1 << 16):
                self.heard += piece
                connection.sendall(self._answer(piece))


@pytest.fixture
def squat() -> Iterator[Callable[..., Squatter]]:
    squatters: list[Squatter] = []

    def take(*arguments: object) -> Squatter:
        squatters.append(Squatter(*arguments))  # type: ignore[arg-type]
        return squatters[-1]

    yield take
    for squatter in squatters:
        squatter.close()


def named(server: LocalServer) -> str:
    return added(server, uuid.uuid4().hex)


def relay(server: LocalServer) -> Callable[[bytes], bytes]:
    """Passes what it hears on to the real server, as if it had been sent to that one, and its answers back."""
    host, port = urlsplit(server.url).hostname or "", urlsplit(server.url).port or 0

    def ask(request: bytes) -> bytes:
        lines = [line for line in request.split(b"\r\n") if not line.lower().startswith(b"host:")]
        lines[1:1] = [f"Host: {host}:{port}".encode(), b"Connection: close"]
        with socket.create_connection((host, port)) as connection:
            connection.sendall(b"\r\n".join(lines))
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    return ask


def test_the_server_proves_that_it_knows_each_good_key(local_server: LocalServer) -> None:
    key = named(local_server)
    with_key = Transport(local_server.url, key)
    assert with_key.get_json("api/rest/v2/workspaces")["workspaceNames"]
    assert proof.is_provable(key)


@pytest.mark.parametrize("method", ["post", "upload"])
def test_a_stranger_hears_no_key(squat: Callable[..., Squatter], method: str) -> None:
    squatter, key = squat(), folder.new_key()
    transport = Transport(f"http://127.0.0.1:{squatter.port}", key)
    calls: dict[str, Callable[[], object]] = {
        "post": lambda: transport.post_json("x", {"secret": "payload"}),
        "upload": lambda: transport.upload("x", {}, io.BytesIO(b"x"), file_name="payload"),
    }
    with pytest.raises(ConnectionFailedError, match="does not prove that it knows the API key"):
        calls[method]()
    assert b"X-Comet-Challenge" in squatter.heard
    assert key.encode() not in squatter.heard
    assert b"payload" not in squatter.heard


def test_a_stranger_who_asks_the_real_server_hears_no_key(
    squat: Callable[..., Squatter], local_server: LocalServer
) -> None:
    key = named(local_server)
    squatter = squat(0, relay(local_server))
    with pytest.raises(ConnectionFailedError, match="does not prove"):
        Transport(f"http://127.0.0.1:{squatter.port}", key).post_json("clientlib/notification/experiment", {})
    assert key.encode() not in squatter.heard


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Comet-Proof: \xe9\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Comet-Proof: " + b"0" * 64 + b"\r\nContent-Length: 0\r\n\r\n",
        b"x" * (1 << 17),
    ],
)
def test_no_answer_but_the_proof_will_do(squat: Callable[..., Squatter], answer: bytes) -> None:
    key = folder.new_key()
    connection, other = socket.socketpair()
    with connection, other:
        threading.Thread(target=lambda: (other.recv(1 << 16), other.sendall(answer), other.close())).start()
        with pytest.raises(OSError):  # noqa: PT011
            proof.require(connection, "127.0.0.1", 1, key, 20)


def test_an_old_answer_is_no_proof(local_server: LocalServer) -> None:
    gate, key = Gate(local_server.store, folder.new_key(), 5), named(local_server)
    beginning = proof.hashlib.sha256(key.encode()).hexdigest()[:16]
    first, second = gate.proof(f"{beginning}.{'0' * 32}"), gate.proof(f"{beginning}.{'1' * 32}")
    assert first is not None
    assert second is not None
    assert first != second
    nonce = "0" * 32
    for odd in ("", "x", f"{beginning}.", f"{beginning}.{nonce[:31]}", f"{'%' * 16}.{nonce}", f"{'f' * 16}.{nonce}"):
        assert gate.proof(odd) is None, odd
    answer = requests.get(f"{local_server.url}/health", headers={"X-Comet-Challenge": "x"}, timeout=20)
    assert answer.json() == {"status": "ok"}
    assert "X-Comet-Proof" not in answer.headers


def test_a_living_client_whose_server_was_replaced_by_a_stranger_keeps_its_key(
    squat: Callable[..., Squatter], daemon: launch.RunningServer, daemon_folder: Path
) -> None:
    experiment = Experiment(api_key=daemon.api_key, url=daemon.url, project_name="p")
    experiment.log_metric("loss", 1.0)
    assert experiment.flush(30)
    launch.stop(daemon_folder)
    squatter = squat(urlsplit(daemon.url).port)
    experiment.log_metric("loss", 2.0)
    deadline = time.monotonic() + 30
    while b"X-Comet-Challenge" not in squatter.heard:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    squatter.close()
    again = launch.ensure(daemon_folder)
    assert again.url == daemon.url
    experiment.end()
    assert daemon.api_key.encode() not in squatter.heard
    assert b"loss" not in squatter.heard
    query = {"experimentKey": experiment.get_key(), "metricName": "loss"}
    points = Transport(again.url, again.api_key).get_json("api/rest/v2/experiment/metrics/get-metric", query)["metrics"]
    assert [point["metricValue"] for point in points] == ["1.0", "2.0"]


def test_a_killed_servers_commands_give_its_key_to_no_stranger(
    squat: Callable[..., Squatter], daemon_folder: Path, daemon: launch.RunningServer
) -> None:
    launch.stop(daemon_folder)
    squatter = squat(urlsplit(daemon.url).port)
    for words in (["open", "--print"], ["status"], ["up"], ["local", "keys", "list"]):
        CliRunner().invoke(main, [*words, "--data", str(daemon_folder)])
    assert daemon.api_key.encode() not in squatter.heard


def test_a_redirect_to_another_port_gets_no_key(squat: Callable[..., Squatter]) -> None:
    target = squat()
    away = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{target.port}/x\r\nContent-Length: 0\r\n\r\n".encode()
    first = squat(0, lambda _: away)
    # Not one of ours, so that it is sent at all.
    transport = Transport(f"http://127.0.0.1:{first.port}", KEY)
    assert transport.get_bytes("x") == b"{}"
    assert KEY.encode() in first.heard
    assert b"GET /x" in target.heard
    assert KEY.encode() not in target.heard


def test_other_servers_of_the_loopback_need_no_proof(squat: Callable[..., Squatter]) -> None:
    """A tunnel to a self-hosted Comet: its keys do not begin as ours do."""
    squatter = squat()
    assert Transport(f"http://127.0.0.1:{squatter.port}", "an-ordinary-key").get_bytes("x") == b"{}"
    assert b"X-Comet-Challenge" not in squatter.heard
