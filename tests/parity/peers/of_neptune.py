"""Neptune: its service has ended, so what its SDK would have sent is recorded, in mode `debug`."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.parity.peers.guard import NOBODY
from tests.parity.peers.stores import Kept, Peer

_TOKEN = base64.b64encode(json.dumps({"api_address": f"http://127.0.0.1:{NOBODY}"}).encode()).decode()


class Neptune(Peer):
    """Runs of one `custom_run_id` count as one, as they did for the service."""

    flavor = "neptune"
    key, key_variable = "api_token", "NEPTUNE_API_TOKEN"
    configuration = {"project": "team/parity"}
    away = {key: _TOKEN}, {"NEPTUNE_MODE": "async"}
    helpers = ("zenml.integrations.neptune.experiment_trackers.run_state:get_neptune_run",)

    def begin(self) -> None:
        """Records what goes to the SDK's stand-in for the service."""
        from neptune.internal.backends.neptune_backend_mock import NeptuneBackendMock

        self._runs: dict[str, Kept] = {}
        self._by_container: dict[str, Kept] = {}
        create, execute = NeptuneBackendMock.create_run, NeptuneBackendMock._execute_operation

        def create_run(backend: Any, *arguments: Any, **named: Any) -> Any:
            created = create(backend, *arguments, **named)
            name = named.get("custom_run_id") or created.id
            self._by_container[created.id] = self._runs.setdefault(name, Kept(name, name, "active"))
            return created

        def execute_operation(backend: Any, container: Any, kind: Any, operation: Any, storage: Any) -> None:
            if container in self._by_container:
                _apply(operation.to_dict(), self._by_container[container])
            execute(backend, container, kind, operation, storage)

        NeptuneBackendMock.create_run, NeptuneBackendMock._execute_operation = create_run, execute_operation

    def log(self, values: dict[str, float]) -> None:
        from zenml.integrations.neptune.experiment_trackers.run_state import get_neptune_run

        run = get_neptune_run()
        for name, value in values.items():
            run[name].append(value)

    def kept(self) -> list[Kept]:
        return list(self._runs.values())


def _apply(operation: dict[str, Any], kept: Kept) -> None:
    path = "/".join(operation["path"])
    if operation["type"] == "LogFloats" and not path.startswith("monitoring"):
        kept.values.setdefault(path, []).extend(point["value"] for point in operation["values"])
    elif path == "sys/tags":
        kept.tags |= set(operation.get("values", ()))
    elif "value" in operation:
        kept.about[path] = str(operation["value"])
        if path == "sys/failed" and operation["value"] is True:
            kept.status = "failed"
