"""HTTP as uvicorn speaks it, with our fixed headers also on what it answers before the application is asked."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from zenml_comet_tracker.local.headers import FIXED_HEADERS


class Protocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP request, and closes the connection."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close", **FIXED_HEADERS}
        refusal = h11.Response(status_code=400, headers=list(headers.items()), reason=b"Bad Request")
        for event in (refusal, h11.Data(data=msg.encode("ascii", "replace")), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
