"""The project that is made for the checks, and what they share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.connection import Connection
from zenml_comet_tracker.comet.resources import experiments, projects
from zenml_comet_tracker.comet.resources.experiments import Handshake, Opening
from zenml_comet_tracker.comet.transport import Transport, is_loopback
from zenml_comet_tracker.comet.verify.outcome import DifferenceError, LeftOutError

P = ParamSpec("P")
T = TypeVar("T")

# A service takes a moment until what was written can be read; a server in this machine takes none.
_POLLS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
_LONGEST_THROTTLE_SECONDS = 60.0
# Away from this machine, so that nobody else's requests have to wait for ours.
_PACE_SECONDS = 0.05


@dataclass(frozen=True)
class Limits:
    """How long all checks may take together, how many requests they may send."""

    seconds: float = 300.0
    requests: int = 1_000


@dataclass
class Scratch:
    """A connection, a project of a random name, and one experiment for each protocol, made when first asked for."""

    connection: Connection
    workspace: str
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    artifacts: bool = True

    def __post_init__(self) -> None:
        token = uuid.uuid4().hex[:8]
        self.project = f"zenml-comet-verify-{token}"
        self.other_project = f"{self.project}-2"
        self.model = f"zenml-comet-verify-{token}"
        # Comet has no call to delete an artifact, so that one name is used again and again.
        self.artifact = "zenml-comet-verify"
        self.millis = time.time_ns() // 1_000_000
        self.memory: dict[str, Any] = {}
        self.interrupted = False
        self._began = self.clock()
        self._local = is_loopback(self.connection.root)
        self._handshakes: dict[str, Handshake] = {}

    @property
    def place(self) -> projects.Place:
        """The project, as calls name it."""
        return projects.named(self.workspace, self.project)

    @property
    def project_id(self) -> str:
        """The project's id; asked for once."""
        if "project_id" not in self.memory:
            self.memory["project_id"] = str(self.ask(projects.find, self.place)["projectId"])
        return str(self.memory["project_id"])

    @property
    def rest(self) -> str:
        """The key of the experiment that is written to by documented REST."""
        return self.handshake("rest").experiment_key

    @property
    def batch(self) -> str:
        """The key of the experiment that is written to as the official SDK does."""
        return self.handshake("batch").experiment_key

    def handshake(self, protocol: str) -> Handshake:
        """What the server said of the experiment of a protocol when it was opened."""
        if protocol not in self._handshakes:
            self._handshakes[protocol] = self._open() if protocol == "batch" else self._create()
        return self._handshakes[protocol]

    def _open(self) -> Handshake:
        opening = Opening(uuid.uuid4().hex, self.workspace, self.project, self.millis, join=False)
        return self.ask(experiments.open_experiment, self.connection.settings.api_key, opening)

    def _create(self) -> Handshake:
        return self.ask(experiments.join, self.ask(experiments.create, self.workspace, self.project))

    def ask(self, call: Callable[Concatenate[Transport, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call answers; waits once when the server asks for it. Raises `LeftOutError` behind the limits."""
        self.require_room()
        try:
            return call(self.connection.transport, *args, **kwargs)
        except errors.ThrottledError as error:
            if error.retry_after > _LONGEST_THROTTLE_SECONDS:
                raise
            self.sleep(error.retry_after)
            return call(self.connection.transport, *args, **kwargs)
        finally:
            if not self._local:
                self.sleep(_PACE_SECONDS)

    def require_room(self) -> None:
        """Raises `LeftOutError` when time or requests are used up."""
        if self.clock() - self._began > self.limits.seconds:
            raise LeftOutError(f"the {self.limits.seconds:.0f} s for all checks are over")
        if self.connection.requests >= self.limits.requests:
            raise LeftOutError(f"the {self.limits.requests} requests for all checks are used up")

    def expect(
        self, expected: object, call: Callable[Concatenate[Transport, P], Any], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Raises `DifferenceError` unless the call answers so, now or within some seconds."""
        self.eventually(lambda: self.ask(call, *args, **kwargs), lambda got: bool(got == expected), expected)

    def eventually(self, read: Callable[[], T], good: Callable[[T], bool], expected: object) -> T:
        """What is read once it is good; `DifferenceError` when it is not within some seconds."""
        polls = _POLLS[:1] if self._local else _POLLS
        problem: errors.StatusError | None = None
        got: Any = None
        for pause in polls:
            self.sleep(pause) if pause else None
            try:
                got, problem = read(), None
            except errors.StatusError as error:
                # What was made a moment ago may not be found yet.
                problem = error
                continue
            if good(got):
                return got  # type: ignore[no-any-return]
        if problem is not None:
            raise problem
        raise DifferenceError(expected, got)


def same(expected: object, got: object) -> None:
    """Raises `DifferenceError` unless both are equal."""
    if expected != got:
        raise DifferenceError(expected, got)
