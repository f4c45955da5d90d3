"""What the server holds of the experiment, as it answers: delivered first, then read."""

from __future__ import annotations

import time
from typing import Any

from zenml_comet_tracker.comet.errors import ConfigurationError, ConnectionFailedError
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT
from zenml_comet_tracker.comet.resources import (
    assets,
    code,
    experiments,
    git,
    graph,
    html,
    metrics,
    others,
    output,
    parameters,
    system_details,
    tags,
)
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.transport import Transport


class Readings(Surface):
    """Every method delivers what was logged before, for at most 30 seconds, and then asks the server.

    All raise what the server's answer means (`UnauthorizedError`, `NotFoundError`, ...), `ConnectionFailedError` when
    there is none, and `ConfigurationError` when offline.
    """

    def _server(self, what: str) -> tuple[Transport, str]:
        """The way to the server and the key that it knows the experiment by, once it has what was logged."""
        if self._settings.offline:
            raise ConfigurationError(
                f"{what} asks the server, and the experiment is offline: deliver it first, with `zenml-comet sync`"
            )
        deadline = time.monotonic() + FINISH_TIMEOUT
        self._live.flush(FINISH_TIMEOUT)
        # Where nothing was logged, nothing waited for the server to know the experiment at all.
        handshake = self._live.wait_for_handshake(max(0.0, deadline - time.monotonic()))
        if handshake is None and time.monotonic() >= deadline:
            # To ask, and to ask again, would only wait for minutes more.
            raise ConnectionFailedError(
                f"{self._settings.root} has not opened the experiment in {FINISH_TIMEOUT:.0f} s"
            )
        key = handshake.experiment_key if handshake is not None else self._live.header.experiment_key
        return self._connection.transport, key

    def get_metadata(self) -> dict[str, Any]:
        """Name, project, workspace, times (milliseconds), `archived`, `running`... GET `experiment/metadata`."""
        return experiments.metadata(*self._server("get_metadata"))

    def get_metric(self, name: str) -> dict[str, Any]:
        """`{"metrics": [...]}`: every value of a metric, in order. GET `experiment/metrics/get-metric`.

        Of each `metricName`, `metricValue` (a text), `timestamp` (milliseconds), `step`, `epoch` and `runContext`.
        """
        return {"metrics": metrics.points(*self._server("get_metric"), name)}

    def get_metrics_summary(self) -> dict[str, Any]:
        """`{"values": [...]}`: of every metric `name`, the last, least and greatest value (texts), each with time and
        step. GET `experiment/metrics/summary`."""
        return {"values": metrics.summary(*self._server("get_metrics_summary"))}

    def get_parameters(self) -> dict[str, Any]:
        """`{"values": [...]}`: of every parameter `name` and `valueCurrent`, a text. GET `experiment/parameters`."""
        return {"values": parameters.summary(*self._server("get_parameters"))}

    def get_parameter(self, name: str) -> str | None:
        """The value of one parameter, as text; of the current context first. None when there is none.

        GET `experiment/parameters`.
        """
        context = self._record.stand.context
        return _value_of(parameters.summary(*self._server("get_parameter")), name, context)

    def get_other(self, name: str | None = None) -> Any:
        """`{"values": [...]}`: of every other `name` and `valueCurrent`, a text; or the value of the one called `name`.

        GET `experiment/log-other`.
        """
        found = others.summary(*self._server("get_other"))
        return {"values": found} if name is None else _value_of(found, name, None)

    def get_name(self) -> str | None:
        """The experiment's name. GET `experiment/metadata`; the one last set here when offline."""
        if self._settings.offline:
            return self._name
        name = experiments.metadata(*self._server("get_name")).get("experimentName")
        return None if name is None else str(name)

    def get_tags(self) -> dict[str, Any]:
        """`{"tags": [...]}`. GET `experiment/tags`."""
        return {"tags": tags.of_experiment(*self._server("get_tags"))}

    def get_html(self) -> dict[str, Any]:
        """`{"html": ...}`. GET `experiment/html`."""
        return {"html": html.read(*self._server("get_html"))}

    def get_graph(self) -> dict[str, Any]:
        """`{"graph": ...}`, None for no graph. GET `experiment/graph`."""
        return {"graph": graph.read(*self._server("get_graph"))}

    def get_code(self) -> dict[str, Any]:
        """`{"code": ...}`, None for no code. GET `experiment/code`."""
        return {"code": code.read(*self._server("get_code"))}

    def get_output(self) -> dict[str, Any]:
        """`{"output": ...}`: all that was printed, as one text. GET `experiment/output`."""
        return {"output": output.read(*self._server("get_output"))}

    def get_asset_list(self, type: str | None = None) -> dict[str, Any]:  # noqa: A002
        """`{"assets": [...]}`: of every asset, or those of one type, `assetId`, `fileName`, `type`, `step`, `metadata`
        (JSON text) and others. GET `experiment/asset/list`."""
        return {"assets": assets.of_experiment(*self._server("get_asset_list"), type)}

    def get_asset(self, assetId: str) -> bytes:  # noqa: N803
        """The bytes of an asset, whole in memory. GET `experiment/asset/get-asset`."""
        return assets.read(*self._server("get_asset"), assetId)

    def get_git_metadata(self) -> dict[str, Any]:
        """`user`, `root`, `branch`, `parent` and `origin`, None where unknown. GET `experiment/git/metadata`."""
        return git.read_metadata(*self._server("get_git_metadata"))

    def get_git_patch(self) -> bytes | None:
        """The patch as it was logged, a diff or a zip that holds one; None without one. GET `experiment/git/patch`."""
        return git.read_patch(*self._server("get_git_patch"))

    def get_system_details(self) -> dict[str, Any]:
        """Every detail by the name that the wire has for it (`pythonVersion`, `installedPackages`, ...); None, or an
        empty list, where nothing was logged. GET `experiment/system-details`."""
        return system_details.read(*self._server("get_system_details"))


def _value_of(summaries: list[dict[str, Any]], name: str, context: str | None) -> str | None:
    values = {summary.get("name"): summary.get("valueCurrent") for summary in summaries}
    names = [name] if context is None else [f"{context}_{name}", name]
    return next((str(values[found]) for found in names if values.get(found) is not None), None)
