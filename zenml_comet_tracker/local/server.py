"""The running server: it serves a listening socket until told to stop, or until nobody has asked for long."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from zenml_comet_tracker.local.protocol import Protocol

# Requests under way get this long to end after SIGTERM.
GRACE_SECONDS = 5
# Longer than the pause between two heartbeats, so that clients need not connect anew for each.
KEEP_ALIVE_SECONDS = 75


class _Activity:
    """The application, with the time of its last request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._last = time.monotonic()
        await self._app(scope, receive, send)

    def idle_seconds(self) -> float:
        return time.monotonic() - self._last


class Server(uvicorn.Server):
    """Serves `app` on `listener`. After `idle_seconds` without a request it stops by itself, unless `stays`
    says then that it was asked not to; None = never."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        idle_seconds: float | None,
        stays: Callable[[], bool] = lambda: False,
    ) -> None:
        self._activity = _Activity(app)
        self._listener = listener
        self._idle_limit = idle_seconds
        self._stays = stays
        super().__init__(
            uvicorn.Config(
                self._activity,
                http=Protocol,
                loop="asyncio",
                ws="none",
                lifespan="on",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                log_config=None,
                timeout_graceful_shutdown=GRACE_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
            )
        )

    def serve_until_stopped(self) -> None:
        """Serves; returns after SIGTERM, SIGINT or a long silence."""
        self.run(sockets=[self._listener])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes SIGTERM and SIGINT as wishes to stop, and leaves the end of the process to the caller.

        uvicorn's own would raise the signal again after serving, and the process would die before the store is closed.
        The handlers stay for the same reason: a second signal may come while the caller closes.
        """
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.handle_exit)
        yield

    async def on_tick(self, counter: int) -> bool:
        """Also stops after a long silence."""
        if self._idle_limit is not None and self._activity.idle_seconds() > self._idle_limit:
            if self._stays():
                self._idle_limit = None
            else:
                self.should_exit = True
        return await super().on_tick(counter)
