"""Names and connections, tried on the machine's own network."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.comet.wires import give_names
from zenml_comet_tracker.comet import reach


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_name_leads_to_addresses_and_one_of_them_takes_the_connection(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listening.getsockname()[1]
    give_names(monkeypatch, {"comet.test": "127.0.0.1"})
    addresses = reach.look_up("comet.test", port, 5)
    assert addresses == [(socket.AF_INET, ("127.0.0.1", port))]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = (socket.AF_INET, closed.getsockname())
        unknown = (socket.AddressFamily.AF_UNSPEC, ("::1", port))
        assert reach.connect([unknown, refusing, *addresses], 5) == "127.0.0.1"
        with pytest.raises(OSError, match=r"127\.0\.0\.1: Connection refused"):
            reach.connect([refusing], 5)


@pytest.mark.parametrize("host", ["nobody.invalid", "x" * 70 + ".test", "a..b"], ids=["unknown", "long", "empty label"])
def test_what_is_no_name_has_no_address(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        reach.look_up(host, 80, 20)


def test_addresses_need_no_name_server() -> None:
    assert [reach.is_address(host) for host in ("127.0.0.1", "::1", "localhost")] == [True, True, False]
