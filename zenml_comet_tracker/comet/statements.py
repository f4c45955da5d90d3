"""What is said of an experiment as a whole -> journal records; the last of most kinds counts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.journal.record import METRICS, REST
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.names import Names
from zenml_comet_tracker.comet.resources import metrics
from zenml_comet_tracker.comet.scalars import number_of, wire_number
from zenml_comet_tracker.comet.texts import divided

# Of one record, which is sent in one request.
MAX_OUTPUT_CHARACTERS = 64 << 10


class Statements:
    """Writes records of the REST lane, one a statement. May be called by any thread."""

    def __init__(self, live: Live, names: Names) -> None:
        self._live = live
        self._names = names
        # Of how many lines; where servers ask for the place of each.
        self._printed = 0
        # What the user says takes the place of what is found out in the background, also where that comes later.
        self._told: set[str] = set()

    def tags(self, tags: Iterable[Any]) -> None:
        """Records tags; empty ones are left out."""
        wanted = [self._names[name] for tag in tags if (name := values.name_of(tag))]
        if wanted:
            self._say("tags", tags=wanted)

    def html(self, html: Any, *, clear: bool) -> None:
        """Records a piece of HTML, or with `clear` the whole of it."""
        self._say("html", html=values.text_of(html), clear=clear)

    def output(self, text: str, *, stderr: bool = False, context: str | None = None) -> None:
        """Records what was printed, with the newlines it has."""
        for piece in divided(values.text_of(text), MAX_OUTPUT_CHARACTERS):
            place = self._printed
            self._printed += piece.removesuffix("\n").count("\n") + 1
            context_here = self._live.ranks.context_in(context)
            self._say("output", text=piece, stderr=bool(stderr), offset=place, context=context_here)

    def file_path(self, path: str) -> None:
        """Records which file the program is."""
        self._say("file_path", path=values.text_of(path))

    def graph(self, graph: str) -> None:
        """Records the model graph."""
        self._say("graph", graph=values.text_of(graph))

    def source(self, text: str) -> None:
        """Records the program's source."""
        self._say("code", code=values.text_of(text))

    def git(self, metadata: Mapping[str, str | None], *, by_user: bool = False) -> None:
        """Records user, root, branch, parent and origin; what was found out only unless the user said it."""
        if by_user:
            self._told.add("git")
        elif "git" in self._told:
            return
        self._say("git", git={name: None if said is None else values.text_of(said) for name, said in metadata.items()})

    def system_details(self, details: Mapping[str, Any], *, by_user: bool = False) -> None:
        """Records details of machine and process, by the names of the wire; what is None stays as it is.

        What was found out is recorded only where the user said nothing.
        """
        given = {name: said for name, said in details.items() if said is not None}
        if by_user:
            self._told.update(given)
        else:
            given = {name: said for name, said in given.items() if name not in self._told}
        if given:
            self._say("system", details=given)

    def dependencies(self, versions: Mapping[str, str | None]) -> None:
        """Records packages with their versions."""
        self._say("dependencies", versions=dict(versions))

    def times(self, start_millis: int | None, end_millis: int | None) -> None:
        """Records when the experiment began and ended; None leaves it open."""
        self._say("times", start=start_millis, end=end_millis)

    def notification(self, message: Mapping[str, Any]) -> None:
        """Records a message to those who watch the experiment."""
        self._say("notification", message=dict(message))

    def system_metrics(self, samples: Mapping[str, float]) -> None:
        """Records what the machine does: metrics of their own names, in no context and at no step."""
        millis = _now()
        numbers = ((name, number_of(value)) for name, value in samples.items())
        rows = [
            metrics.row(self._machine_name(name), wire_number(number), millis)
            for name, number in numbers
            if number is not None
        ]
        if rows:
            self._live.append(METRICS, rows)

    def _machine_name(self, name: str) -> str:
        # As Comet's own client names those of another node.
        own = self._live.ranks.context
        return name if own is None else f"{own}.{name}"

    def _say(self, kind: str, **members: Any) -> None:
        self._live.append(REST, [{"k": kind, "t": _now(), **members}])


def _now() -> int:
    return time.time_ns() // 1_000_000
