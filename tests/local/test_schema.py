"""No generated request is a server error or answered otherwise than the OpenAPI document says: the short form.

`make contract` is the long one.
"""

from __future__ import annotations

import pytest

from tests.fixtures.local_server import LocalServer


@pytest.mark.long
def test_generated_requests_are_answered_as_documented(clocked_server: LocalServer) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis needs Python 3.11")
    from tests.local.schema import explore

    # To make ready for an operation takes longer than a request: a few operations, more requests.
    found = explore(clocked_server, examples=6, every=5)
    assert found.failures == {}
    assert found.requests > 100
    assert {200, 400, 404} <= set(found.statuses)
