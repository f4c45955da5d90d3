"""What a tracker made of the pipelines that it was put to, as ZenML and a local Comet tell it."""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client
from zenml.enums import StackComponentType as Type
from zenml.stack import StackComponent

from tests.fixtures.gate import gate_to
from tests.fixtures.local_server import LocalServer
from tests.parity import pipelines
from tests.parity.subjects import WORKSPACE, Subject
from tests.tracker.conftest import Readback

USERS_OWN_KEY = "the-key-of-the-users-other-account"


@dataclass
class Found:
    """What is left of one run: the text of its exception, what its steps saw, ZenML's steps, Comet's experiments.

    `environment` is that after the run, `said` the warnings and errors that were logged.
    """

    error: str
    seen: dict[str, Any]
    environment: dict[str, str]
    steps: dict[str, Any]
    run_metadata: dict[str, Any]
    seconds: float
    said: list[str]
    server: Readback = field(repr=False)
    project: str = ""

    def status(self, step: str) -> str:
        """ZenML's word on a step; `missing` when it never began."""
        return str(self.steps[step].status) if step in self.steps else "missing"

    def why(self, step: str) -> str:
        """What ZenML said of a step that failed; of the run where it said nothing of the step."""
        mark = f"Failed to run step `{step}`"
        return next((line for line in self.said if line.startswith(mark)), self.error)

    def url(self, step: str) -> str | None:
        """Where ZenML says that a step's experiment is, now."""
        known = Client().get_run_step(self.steps[step].id).run_metadata
        return None if (url := known.get("experiment_tracker_url")) is None else str(url)

    def keys(self, step: str, project: str | None = None) -> list[str]:
        """The experiments that are called after a step, in any attempt."""
        try:
            keys = self.server.keys(WORKSPACE, project or self.project)
        except AssertionError:
            # No such project.
            return []
        return sorted(key for key in keys if self.server.metadata(key)["experimentName"].endswith(f"_{step}"))

    def key(self, step: str) -> str:
        """Of the only experiment of a step."""
        keys = self.keys(step)
        assert len(keys) == 1, f"{len(keys)} experiments of {step}"
        return keys[0]


class _Said(logging.Handler):
    """The warnings and errors of everybody."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the text."""
        self.lines.append(record.getMessage())

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """To the root, and to the SDK, which hands nothing on."""
        loggers = [logging.getLogger(), logging.getLogger("comet_ml")]
        for logger in loggers:
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(self)


class World:
    """One tracker, one store of ZenML, one local Comet. Each run is made once, when something of it is asked for."""

    def __init__(self, subject: Subject, server: LocalServer, folder: Path) -> None:
        self.subject = subject
        self.server = Readback(server)
        self.folder = folder
        self._key = server.api_key
        self._stack = self._project = ""

    @cached_property
    def day(self) -> Found:
        """Untracked, tracked, untracked and failing steps, where the user has an API key of their own."""
        return self._run(pipelines.day, {"tags": ["of the component"]}, environment={"COMET_API_KEY": USERS_OWN_KEY})

    @cached_property
    def retried(self) -> Found:
        """A step that fails twice and then does not."""
        return self._run(pipelines.retried)

    @cached_property
    def concurrent(self) -> Found:
        """Steps at the same time."""
        return self._run(pipelines.concurrent)

    @cached_property
    def dead(self) -> Found:
        """A step while Comet is away; afterwards it is back, and what can be delivered is."""
        with gate_to(self.server.server.url) as gate:
            gate.shut.set()
            found = self._run(pipelines.one_step, url=gate.url)
            found.seen["url while away"] = found.url("only")
            gate.open()
            with self._environment({"COMET_URL_OVERRIDE": f"{gate.url}/clientlib/"}):
                self.subject.deliver(self._journals(found.project))
        return found

    @cached_property
    def elsewhere(self) -> Found:
        """A step whose own settings name another project."""
        other = f"other-{uuid.uuid4().hex[:8]}"
        found = self._run(lambda: pipelines.one_step_with(self.subject.in_project(other)))
        found.seen["project"] = other
        return found

    @cached_property
    def keyless(self) -> Found:
        """A step without any API key."""
        return self._run(pipelines.one_step, {"api_key": ""})

    @cached_property
    def key_of_the_environment(self) -> Found:
        """A component without an API key, where the environment has one."""
        return self._run(pipelines.one_step, {"api_key": None}, environment={"COMET_API_KEY": self._key})

    @cached_property
    def cached(self) -> Found:
        """A step whose outcome ZenML has already."""
        self._run(pipelines.cached)
        return self._run(pipelines.cached, again=True)

    @cached_property
    def unstored(self) -> Found:
        """A step whose output cannot be stored, and a step after it."""
        found = self._run(pipelines.unstored_output)
        self._run(pipelines.one_step, again=True)
        return found

    @cached_property
    def unreadable(self) -> Found:
        """A step that never begins because its input cannot be loaded, and a step after it."""
        found = self._run(pipelines.unreadable_input)
        self._run(pipelines.one_step, again=True)
        return found

    def component(self, **more: Any) -> Any:
        """The component itself, with this configuration besides."""
        name = self._register({**self._configuration(f"p-{uuid.uuid4().hex[:8]}"), **more})
        return StackComponent.from_model(Client().get_stack_component(Type.EXPERIMENT_TRACKER, name))

    def set_up(self, name: str) -> None:
        """What a user does to get a tracker of this name; raises when that fails."""
        with self._environment({}):
            before = Client().active_stack_model.id
            try:
                self.subject.set_up(name, self._configuration("set-up"))
            finally:
                Client().activate_stack(before)

    def _run(
        self,
        pipeline: Callable[[], Any],
        more: dict[str, Any] | None = None,
        *,
        environment: dict[str, str] | None = None,
        url: str | None = None,
        again: bool = False,
    ) -> Found:
        url = url or self.server.server.url
        if not again:
            self._project = f"p-{uuid.uuid4().hex[:8]}"
            given = {**self._configuration(self._project, url), **(more or {})}
            self._stack = self._register({name: value for name, value in given.items() if value is not None})
        pipelines.seen.clear()
        pipelines.meeting.reset()
        with self._environment({"COMET_URL_OVERRIDE": f"{url}/clientlib/", **(environment or {})}):
            error, began, said = "", time.monotonic(), _Said()
            with self._active(self._stack), said.listening():
                try:
                    pipeline()
                except (Exception, SystemExit) as failure:
                    error = f"{type(failure).__name__}: {failure}"
                seconds = time.monotonic() - began
                left = dict(os.environ)
                (run,) = Client().list_pipeline_runs(sort_by="desc:created", size=1).items
                run = Client().get_pipeline_run(run.id)
        return Found(
            error,
            dict(pipelines.seen),
            left,
            dict(run.steps),
            dict(run.run_metadata),
            seconds,
            said.lines,
            self.server,
            self._project,
        )

    def _configuration(self, project: str, url: str | None = None) -> dict[str, Any]:
        return self.subject.configuration(url or self.server.server.url, self._key, project, self._journals(project))

    def _journals(self, project: str) -> Path:
        return self.folder / project

    def _register(self, configuration: dict[str, Any]) -> str:
        name = f"tracker_{uuid.uuid4().hex[:8]}"
        client = Client()
        client.create_stack_component(name, self.subject.flavor, Type.EXPERIMENT_TRACKER, configuration)
        parts = {Type.ORCHESTRATOR: "default", Type.ARTIFACT_STORE: "default", Type.EXPERIMENT_TRACKER: name}
        client.create_stack(name, parts)
        return name

    @contextlib.contextmanager
    def _active(self, stack: str) -> Iterator[None]:
        before = Client().active_stack_model.id
        Client().activate_stack(stack)
        try:
            yield
        finally:
            Client().activate_stack(before)

    @contextlib.contextmanager
    def _environment(self, variables: dict[str, str]) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COMET_API_KEY", raising=False)
            for name, value in variables.items():
                patch.setenv(name, value)
            yield
