"""What a project's experiments have: the columns that a table of them can show and a search can name."""

from __future__ import annotations

from typing import Any

from zenml_comet_tracker.comet.resources import entries
from zenml_comet_tracker.comet.resources.projects import Place
from zenml_comet_tracker.comet.transport import REST, Transport


def of_project(transport: Transport, place: Place, *, archived: bool = False) -> list[dict[str, Any]]:
    """Every column: `name`, `id` (`<name>--<source>`), `type` and `source`. GET `project/column-names`.

    Types are string, double, boolean, datetime and timenumber (seconds); sources metadata, metrics, params, log_other,
    tag and env_details.
    """
    answer = transport.get_json(f"{REST}project/column-names", {**place, "archived": archived})
    return entries(answer, "columns", "name", "source", "type")
