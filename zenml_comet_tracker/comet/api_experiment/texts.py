"""Texts of an experiment: page, code, output, model graph."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.writing import Writing, millis_of, text, texts
from zenml_comet_tracker.comet.errors import InvalidArgumentError, InvalidValueError
from zenml_comet_tracker.comet.graphs import graph_text
from zenml_comet_tracker.comet.keywords import also_named
from zenml_comet_tracker.comet.resources import code as code_resource
from zenml_comet_tracker.comet.resources import graph as graph_resource
from zenml_comet_tracker.comet.resources import html as html_resource
from zenml_comet_tracker.comet.resources import output as output_resource


class Texts(Writing):
    """Page, code, output and model graph, read and set."""

    def get_html(self) -> str | None:
        """The HTML page, "" when nothing was logged. GET `experiment/html`."""
        return html_resource.read(self._transport, self.key)

    def log_html(self, html: str, clear: bool = False, timestamp: Any = None) -> dict[str, Any]:
        """Appends to the HTML page, or replaces it with `clear`. POST `write/experiment/html`."""
        page, millis = text("html", html), millis_of(timestamp)
        return html_resource.write(self._transport, self.key, page, clear=bool(clear), millis=millis)

    def get_code(self) -> str | None:
        """The source code, None when none was logged. GET `experiment/code`."""
        return code_resource.read(self._transport, self.key)

    def set_code(self, code: str | None, filename: str | PathLike[str] | None = None) -> dict[str, Any]:
        """Sets the source code, given as text or, when that is None, as a file. POST `write/experiment/code`."""
        if (code is None) == (filename is None):
            raise InvalidArgumentError("set_code takes the source as `code`, or a file to read it from as `filename`")
        if filename is not None:
            path = Path(filename)
            if not path.is_file():
                raise InvalidValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; a file is expected")
            code = path.read_text(encoding="utf-8", errors="replace")
        return code_resource.write(self._transport, self.key, values.text_of(code))

    def get_output(self) -> str:
        """What the program printed, "" when there is nothing. GET `experiment/output`."""
        return output_resource.read(self._transport, self.key)

    @also_named(output="lines")
    def log_output(
        self, lines: Iterable[str] | str, context: str | None = None, stderr: bool = False, timestamp: Any = None
    ) -> dict[str, Any]:
        """Adds lines behind what the program printed so far; one text is added as it is.

        POST `clientlib/rest/v2/write/experiment/output`.
        """
        if isinstance(lines, str):
            printed = lines
        else:
            printed = "".join(line if line.endswith("\n") else f"{line}\n" for line in texts("lines", lines))
        # In one piece, which no other writer's pieces can come into.
        return output_resource.write(
            self._transport,
            self.key,
            [values.text_of(printed)],
            millis=millis_of(timestamp),
            stderr=bool(stderr),
            context=context,
        )

    def get_model_graph(self) -> str | None:
        """The model graph, None when none was logged. GET `experiment/graph`."""
        return graph_resource.read(self._transport, self.key)

    def set_model_graph(self, graph: Any) -> dict[str, Any]:
        """Sets the model graph: a text as it is, a model that can write itself as JSON so, a dictionary as JSON.

        POST `write/experiment/graph`.
        """
        return graph_resource.write(
            self._transport, self.key, text("graph", None if graph is None else graph_text(graph))
        )
