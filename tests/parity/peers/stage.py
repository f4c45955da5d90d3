"""What a tracker made of the pipelines that it was put to, as ZenML and the tracker's own store tell it."""

from __future__ import annotations

import contextlib
import copy
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zenml.client import Client
from zenml.enums import StackComponentType as Type

from tests.parity import pipelines as shared
from tests.parity.peers import pipelines
from tests.parity.peers.stores import Kept, Peer

PLAIN_KEY = "a-plain-key-0123456789abcdef01234567890ab"
USERS_OWN_KEY = "the-key-of-the-users-other-account"


@dataclass
class Found:
    """What is left of one run: what its steps saw, ZenML's steps and metadata, and what is new in the tracker's store.

    `environment` is that before and after the run.
    """

    seen: dict[str, Any]
    environment: tuple[dict[str, str], dict[str, str]]
    steps: dict[str, Any]
    run_metadata: dict[str, Any]
    error: str
    seconds: float
    kept: list[Kept]

    def status(self, step: str) -> str:
        """ZenML's word on a step."""
        return str(self.steps[step].status) if step in self.steps else "missing"

    def metadata(self, step: str) -> dict[str, Any]:
        """What ZenML has of a step."""
        return {name: str(value) for name, value in self.steps[step].run_metadata.items()}

    def holding(self, metric: str) -> Kept:
        """The run that a value is in."""
        (kept,) = (one for one in self.kept if metric in one.values)
        return kept


class Stage:
    """One tracker and one store of ZenML. Each run is made once, when something of it is asked for."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.begin()
        shared.log = peer.log

    @cached_property
    def day(self) -> Found:
        """Two tracked steps, where the component has a key and the user another one in the environment."""
        own = {} if self.peer.with_key else {self.peer.key: PLAIN_KEY}
        return self._run(pipelines.day, own, {self.peer.key_variable: USERS_OWN_KEY})

    @cached_property
    def tagged(self) -> Found:
        """One step with tags of three levels."""
        component, of_pipeline, step = (
            {"tags": self.peer.tags(f"of the {level}")} for level in ("component", "pipeline", "step")
        )
        run = pipelines.tagged.with_options(settings={"experiment_tracker": of_pipeline})
        # Neptune's components have no tags.
        return self._run(lambda: run(step), component if self.takes("tags") else {})

    @cached_property
    def untracked(self) -> Found:
        """Untracked steps that log, before and after a tracked one."""
        return self._run(pipelines.untracked, settle=False)

    @cached_property
    def failing(self) -> Found:
        """A step that fails after one that went well."""
        return self._run(pipelines.failing)

    @cached_property
    def failing_first(self) -> Found:
        """A step that goes well after one that failed."""
        return self._run(pipelines.failing_first)

    def retried(self, **settings: Any) -> Found:
        """A step that fails twice and then does not."""
        return self._run(shared.retried, settings)

    @cached_property
    def concurrent(self) -> Found:
        """Steps at the same time."""
        return self._run(shared.concurrent)

    @cached_property
    def cached(self) -> Found:
        """A step whose outcome ZenML has already."""
        self._run(shared.cached)
        return self._run(shared.cached)

    @cached_property
    def unreadable(self) -> tuple[Found, Found]:
        """A step that never begins because its input cannot be loaded, and the next run of the process."""
        return self._run(pipelines.unreadable_input, settle=False), self._run(shared.one_step)

    @cached_property
    def unstored(self) -> Found:
        """A step whose output cannot be stored."""
        return self._run(pipelines.unstored_output)

    @cached_property
    def away(self) -> Found:
        """A step while the server is away."""
        assert self.peer.away is not None
        more, variables = self.peer.away
        return self._run(shared.one_step, more, variables)

    def run_once(self, more: dict[str, Any], variables: dict[str, str]) -> Found:
        """A step of a component with this configuration."""
        return self._run(shared.one_step, more, variables)

    def takes(self, name: str) -> bool:
        """Whether components have a setting."""
        return name in type(self.component().config).model_fields

    def component(self, **more: Any) -> Any:
        """The component itself, with this configuration besides."""
        from zenml.stack import StackComponent

        name = self.register(more)
        return StackComponent.from_model(Client().get_stack_component(Type.EXPERIMENT_TRACKER, name))

    def register(self, more: dict[str, Any], name: str = "") -> str:
        """As `zenml experiment-tracker register` does; the component's name."""
        name = name or f"tracker_{uuid.uuid4().hex[:8]}"
        given = {**self.peer.configuration, **more}
        given = {field: value for field, value in given.items() if value is not None}
        Client().create_stack_component(name, self.peer.flavor, Type.EXPERIMENT_TRACKER, given)
        return name

    def _run(
        self,
        pipeline: Callable[[], Any],
        more: dict[str, Any] | None = None,
        variables: dict[str, str] | None = None,
        *,
        settle: bool = True,
    ) -> Found:
        name = self.register(more or {})
        parts = {Type.ORCHESTRATOR: "default", Type.ARTIFACT_STORE: "default", Type.EXPERIMENT_TRACKER: name}
        Client().create_stack(f"{name}_stack", parts)
        Client().activate_stack(f"{name}_stack")
        shared.seen.clear()
        shared.meeting.reset()
        old = {kept.id: copy.deepcopy(kept) for kept in self.peer.kept()}
        with _environment(variables or {}):
            before, error, began = dict(os.environ), "", time.monotonic()
            try:
                pipeline()
            except (Exception, SystemExit) as failure:
                error = f"{type(failure).__name__}: {failure}"
            seconds, left = time.monotonic() - began, dict(os.environ)
        (run,) = Client().list_pipeline_runs(sort_by="desc:created", size=1).items
        run = Client().get_pipeline_run(run.id)
        kept = self._new(old)
        if settle:
            self.peer.settle()
        return Found(dict(shared.seen), (before, left), dict(run.steps), dict(run.run_metadata), error, seconds, kept)

    def _new(self, old: dict[str, Kept]) -> list[Kept]:
        # A store may be written by a process of its own.
        end = time.monotonic() + 5
        while True:
            found = [copy.deepcopy(one) for one in self.peer.kept() if one != old.get(one.id)]
            if all(one.status != "running" for one in found or [Kept("", "", "running")]) or time.monotonic() > end:
                return found
            time.sleep(0.1)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
