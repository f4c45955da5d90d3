"""One way to one Comet, for calls that read and act at once: the settings in force and a transport."""

from __future__ import annotations

import os
from types import TracebackType

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.settings import ResolvedSettings, resolve
from zenml_comet_tracker.comet.transport import Transport, open_transport


class Connection:
    """Settings and one transport, shared by everything that was reached through it. Making it uses no network.

    Any number of threads may use it. A forked child, and whoever unpickles it, gets a transport of its own. With
    `read_only` every request that would write raises `ReadOnlyError` and is not sent.
    """

    def __init__(self, settings: ResolvedSettings, *, read_only: bool = False) -> None:
        self.settings = settings
        self.read_only = read_only
        self._lock = forks.Lock()
        self._owner = 0
        self._transport: Transport | None = None

    def __repr__(self) -> str:
        return f"Connection({self.root!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _arrive, (self.settings, self.read_only)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def root(self) -> str:
        """The server's address, without a slash at its end."""
        return self.settings.root

    @property
    def transport(self) -> Transport:
        """The transport of this process. Raises `ConfigurationError` when nothing is to be sent."""
        if self.settings.offline:
            raise ConfigurationError(
                "The settings say offline, and this asks a server. Unset COMET_START_ONLINE, or put an address in the "
                "place of url='offline' or COMET_URL_OVERRIDE=offline; what was logged offline is sent by "
                "`zenml-comet sync`."
            )
        if self._transport is None or self._owner != os.getpid():
            with self._lock:
                if self._transport is None or self._owner != os.getpid():
                    self._transport, self._owner = open_transport(self.settings, read_only=self.read_only), os.getpid()
        return self._transport

    @property
    def requests(self) -> int:
        """How many requests were sent through it in this process."""
        return 0 if self._transport is None else self._transport.requests

    def close(self) -> None:
        """Closes the pooled connections; a later call opens new ones."""
        if self._transport is not None:
            self._transport.close()


def connect(
    api_key: str | None = None,
    workspace: str | None = None,
    project_name: str | None = None,
    url: str | None = None,
    *,
    read_only: bool = False,
) -> Connection:
    """A connection as arguments, environment and files say (`comet.settings`); `ConfigurationError` without a key.

    >>> connect("key", url="http://127.0.0.1:5000/").root
    'http://127.0.0.1:5000'
    """
    settings = resolve(api_key=api_key, workspace=workspace, project_name=project_name, url=url)
    return Connection(settings, read_only=read_only)


def _arrive(settings: ResolvedSettings, read_only: bool) -> Connection:
    return Connection(settings, read_only=read_only)
