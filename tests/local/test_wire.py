"""Every call of Comet's protocol has somebody who answers it, and says what was wrong with one that says nothing."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.fixtures.local_server import LocalServer
from tests.local import wire


def empty_call(server: LocalServer, method: str, path: str, **arguments: Any) -> requests.Response:
    """The answer to a call with neither parameters nor members."""
    body: dict[str, Any] = {} if method == "GET" else {"json": {}}
    return server.call(method, path.replace("{}", "0" * 32), allow_redirects=False, **body, **arguments)


@pytest.mark.parametrize(("method", "path"), wire.ALL, ids=str)
def test_a_call_is_answered(local_server: LocalServer, method: str, path: str) -> None:
    answered = empty_call(local_server, method, path)
    assert answered.headers["Content-Type"] == "application/json"
    said = answered.json()
    assert "There is nothing to" not in said.get("msg", ""), said
    assert answered.status_code in (200, 400, 404, 415, 501), said
    if answered.status_code >= 400:
        assert said["code"] == answered.status_code
        assert {"msg", "code", "data", "sdk_error_code"} <= set(said)


@pytest.mark.parametrize(("method", "path"), wire.calls(wire.UNSUPPORTED), ids=str)
def test_what_is_not_supported_says_so(local_server: LocalServer, method: str, path: str) -> None:
    answered = empty_call(local_server, method, path)
    assert answered.status_code == 501
    assert answered.json()["code"] == 501


@pytest.mark.parametrize(("method", "path"), wire.ALL, ids=str)
def test_a_wrong_key_is_refused(local_server: LocalServer, method: str, path: str) -> None:
    answered = empty_call(local_server, method, path, headers={"Authorization": "wrong"})
    # The SDK knows a wrong key by the number; of a handshake it expects the status 400 beside it.
    status = 400 if path.startswith("clientlib/logger/") else 401
    assert (answered.status_code, answered.json()["sdk_error_code"]) == (status, 90212)


def test_a_path_that_is_no_call_is_said_to_be_none(local_server: LocalServer) -> None:
    answered = local_server.call("GET", "api/rest/v2/experiment/no-such-call")
    assert answered.status_code == 404
    assert "There is nothing to GET" in answered.json()["msg"]
