"""The machine and its packages over the wire, and back."""

from __future__ import annotations

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.local.store import documents, experiments


def test_details_replace_only_what_they_name(local_server: LocalServer, key: str) -> None:
    write = "rest/v2/write/experiment/system-details"
    local_server.sdk(write, experimentKey=key, user="first", pid=1, osPackages=["a=1"])
    local_server.sdk(write, experimentKey=key, user="second", logAdditionalSystemInfoList=[{"key": "k", "value": "1"}])
    local_server.sdk(write, experimentKey=key, env=None, logAdditionalSystemInfoList=[{"key": "k", "value": "2"}])
    details = local_server.get("experiment/system-details", experimentKey=key)
    assert (details["user"], details["pid"], details["osPackages"]) == ("second", 1, ["a=1"])
    assert [entry["value"] for entry in details["logAdditionalSystemInfoList"]] == ["1", "2"]
    assert (details["hostname"], details["installedPackages"], details["totalRam"]) == (None, [], None)


def test_details_name_the_system_metrics(local_server: LocalServer, key: str) -> None:
    values = [{"metricName": name, "metricValue": 2048} for name in ("sys.ram.total", "loss")]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    gpus = [{"gpuIndex": 0, "name": "g", "uuid": "u", "totalMemory": 7, "powerLimit": 2}]
    local_server.post("write/experiment/system-details", experimentKey=key, gpuStaticInfoList=gpus)
    details = local_server.get("experiment/system-details", experimentKey=key)
    assert (details["systemMetricNames"], details["totalRam"]) == (["sys.ram.total"], 2048)
    assert (details["gpuStaticInfoList"], details["maxTotalMemory"]) == (gpus, 7)


def test_dependencies_and_cloud_details_are_kept(local_server: LocalServer, key: str) -> None:
    for name, version in (("numpy", "1"), ("numpy", "2"), ("torch", None)):
        body = {"experimentKey": key, "timestamp": 1, "logDependencies": [{"name": name, "version": version}]}
        answer = local_server.call("PUT", "api/rest/v2/write/experiment/dependencies", json=body)
        assert answer.status_code == 200
    local_server.post("write/experiment/cloud-details", experimentKey=key, provider="AWS", metadata={"zone": "a"})
    with local_server.store.read() as connection:
        experiment = experiments.require(connection, key)
        kept = documents.get_json(connection, experiment.id, "dependencies")
        cloud = documents.get_json(connection, experiment.id, "cloud")
    assert kept == {"numpy": "2", "torch": None}
    assert cloud == {"provider": "AWS", "metadata": {"zone": "a"}}
