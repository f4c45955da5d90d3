"""Requests generated from the OpenAPI document: no server error, and every answer as the document says.

`python -m tests.local.schema 20000` sends about so many to a server of its own, and prints what went wrong.
"""

from __future__ import annotations

import collections
import contextlib
import random
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fixtures.local_server import LocalServer, serving

CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


@dataclass
class Findings:
    """What came of it: statuses by number, and a line for each kind of failure of each operation."""

    requests: int = 0
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    failures: dict[str, str] = field(default_factory=dict)


def explore(server: LocalServer, examples: int, seed: int = 0, every: int = 1) -> Findings:
    """Sends `examples` generated requests to each (or `every` so many-th) operation, half of them about things that are
    there."""
    document = server.call("GET", "openapi.json").json()
    # Wrong keys are tried for each call elsewhere; here every request is to get past the gate.
    del document["security"]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=server.url)
    found, known = Findings(), _things(server)
    # What takes things away comes last.
    operations = sorted(_operations(schema), key=lambda one: ("delete" in one.path, one.path, one.method))
    for operation in operations[::every]:
        _explore(server, operation, known, examples, seed, found)
    return found


def _operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        yield result.ok()


def _explore(
    server: LocalServer, operation: Any, known: dict[str, str], examples: int, seed: int, found: Findings
) -> None:
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of(operation.as_strategy(generation_mode=modes[0]), operation.as_strategy(generation_mode=modes[-1]))

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=HealthCheck,
        report_multiple_bugs=False,
    )  # fmt: skip
    @hypothesis.given(case=cases, about_known=st.booleans())
    def send(case: Any, about_known: bool) -> None:
        if about_known:
            _name_known(case, known)
        response = case.call(session=server.session, headers={"Authorization": server.api_key}, timeout=30)
        found.requests += 1
        found.statuses[response.status_code] += 1
        unsupported = response.status_code == 501 and "501" in operation.definition.raw["responses"]
        try:
            case.validate_response(response, checks=[*CHECKS, *([] if unsupported else [not_a_server_error])])
        except (Failure, FailureGroup) as failure:
            for each in getattr(failure, "exceptions", [failure]):
                told = f"{operation.label}: {type(each).__name__} {response.status_code}"
                found.failures.setdefault(
                    told, f"{each.message}\n{case.as_curl_command()[:2000]}\n{response.text[:500]}"
                )

    # There is no wrong way to call what takes nothing.
    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        send()


def _things(server: LocalServer) -> dict[str, str]:
    """Names and ids of what is there, by the fields that name it."""
    key = uuid.uuid4().hex
    server.sdk("logger/add/run", experimentKey=key, teamName="known", projectName="known")
    server.post("write/experiment/metric", experimentKey=key, metricName="loss", metricValue=1, step=1)
    uploaded = server.call(
        "POST", "clientlib/asset/upload", files={"file": ("w.bin", b"weights")},
        params={"experimentId": key, "type": "model-element", "groupingName": "model"},
    )  # fmt: skip
    assert uploaded.status_code == 200, uploaded.text
    (asset,) = server.get("experiment/asset/list", experimentKey=key)["assets"]
    made = server.post(
        "write/registry-model/item/create", experimentKey=key, experimentModelName="model", registryModelName=key
    )
    artifact = server.post("write/artifacts/upsert", experimentKey=key, artifactName=key, artifactType="dataset")
    project = server.get("project", workspaceName="known", projectName="known")["projectId"]
    return {
        "experimentKey": key, "experimentId": key, "key": key, "previousExperiment": key, "copiedExperimentKey": key,
        "projectId": project, "workspaceName": "known", "workspace": "known", "projectName": "known",
        "teamName": "known",
        "assetId": asset["assetId"], "asset_id": asset["assetId"], "metricName": "loss", "modelName": key,
        "registryModelName": key, "registryModelId": made["registryModelId"], "item_id": made["registryModelItemId"],
        "registryModelItemId": made["registryModelItemId"], "modelItemId": made["registryModelItemId"],
        "artifactId": artifact["artifactId"], "artifactVersionId": artifact["artifactVersionId"], "artifactName": key,
    }  # fmt: skip


def _name_known(case: Any, known: dict[str, str]) -> None:
    for members in (case.query, case.body, case.path_parameters):
        if isinstance(members, dict):
            members.update({name: known[name] for name in members if name in known})


def main(requests: int) -> int:
    """Sends about so many requests; the number of different failures is told and is the exit code's reason."""
    seed = random.SystemRandom().randrange(2**32)
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data") as server:
        operations = sum(map(len, server.call("GET", "openapi.json").json()["paths"].values()))
        found = explore(server, max(1, -(-requests // operations)), seed)
    print(
        f"seed {seed}: {found.requests:,} requests to {operations} operations, {dict(sorted(found.statuses.items()))}"
    )
    for told, example in found.failures.items():
        print(f"\n{told}\n{example}")
    print(f"{len(found.failures)} failures")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
