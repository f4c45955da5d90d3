"""The machine and the packages: system details, dependencies, cloud."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer
from zenml_comet_tracker.local.routes.calls import Change, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.values import whole_json
from zenml_comet_tracker.local.store import documents, experiments, metrics
from zenml_comet_tracker.local.store.store import Target

rest = APIRouter()

_GPU_MEMORY = re.compile(r"sys\.gpu\.[0-9]+\.total_memory")

_ADDED_TO = "logAdditionalSystemInfoList"
_LISTS = ("gpuStaticInfoList", _ADDED_TO, "installedPackages", "osPackages")
_TEXTS = ("networkInterfaceIps", "command", "installedPackages", "osPackages")
_DETAILS = (
    *("user", "pythonVersion", "pythonVersionVerbose", "pid", "osType", "os", "osRelease", "machine", "processor"),
    *("ip", "hostname", "networkInterfaceIps", "command", "executable", "env"),
    *_LISTS,
)


@rest.post("/write/experiment/system-details")
def set_details(call: JsonCall) -> Response:
    """Sets the details given and leaves the others; additional system info is added to what is there."""
    return call.write(setting(call.fields))


def setting(fields: Fields) -> Change:
    """What `set_details` does with these fields."""
    given = {name: fields.optional_value(name) for name in _DETAILS if fields.raw(name) is not None}
    # R writes a list of one text as the text.
    given.update((name, [given[name]]) for name in _TEXTS if isinstance(given.get(name), str))
    for name in _LISTS:
        if not isinstance(given.get(name, []), list):
            raise fields.error(name, "a list")
    return lambda target: _merge_details(target, given)


@rest.get("/experiment/system-details")
def details(call: QueryCall) -> Response:
    """Every detail; null, or [] for a list, where nothing was logged."""
    with call.store.read() as connection:
        experiment = experiments.require(connection, call.fields.text("experimentKey"))
        known = documents.get_json(connection, experiment.id, "system")
        summaries = metrics.summaries(connection, experiment.id)
    system_metrics = {row.name: row.last_value for row in summaries if row.name.startswith("sys.")}
    total_ram = system_metrics.get("sys.ram.total")
    gpus = [gpu for gpu in known.get("gpuStaticInfoList", ()) if isinstance(gpu, dict)]
    memories = [gpu["totalMemory"] for gpu in gpus if isinstance(gpu.get("totalMemory"), int | float)]
    logged = (value for name, value in system_metrics.items() if _GPU_MEMORY.fullmatch(name))
    memories += [whole for value in logged if value is not None and (whole := whole_json(value)) is not None]
    return answer(
        {
            "experimentKey": experiment.key,
            **{name: known.get(name, [] if name in _LISTS else None) for name in _DETAILS},
            "systemMetricNames": list(system_metrics),
            "maxTotalMemory": max(memories, default=None),
            "totalRam": None if total_ram is None else whole_json(total_ram),
        }
    )


@rest.put("/write/experiment/dependencies")
def set_dependencies(call: JsonCall) -> Response:
    """Adds `logDependencies`: name and version of each."""
    found = {fields.text("name"): fields.optional_text("version") for fields in call.fields.objects("logDependencies")}

    def change(target: Target) -> None:
        known = documents.get_json(target.connection, target.experiment.id, "dependencies")
        documents.put_json(target.transaction, target.experiment.id, "dependencies", {**known, **found})

    return call.write(change)


@rest.post("/write/experiment/cloud-details")
def set_cloud(call: JsonCall) -> Response:
    """Sets the cloud `provider` and its `metadata`."""
    cloud = {"provider": call.fields.text("provider"), "metadata": call.fields.optional_value("metadata")}
    return call.write(lambda target: documents.put_json(target.transaction, target.experiment.id, "cloud", cloud))


def _merge_details(target: Target, given: dict[str, Any]) -> None:
    known = dict(documents.get_json(target.connection, target.experiment.id, "system"))
    added = [*known.get(_ADDED_TO, []), *given.get(_ADDED_TO, [])]
    merged = {**known, **given, **({_ADDED_TO: added} if added else {})}
    documents.put_json(target.transaction, target.experiment.id, "system", merged)
