"""What the machine was doing, sent by REST, read back as metrics."""

from __future__ import annotations

from typing import Any

from tests.fixtures.local_server import LocalServer


def values(server: LocalServer, key: str) -> dict[str, str]:
    rows = server.get("experiment/metrics/summary", experimentKey=key)["values"]
    return {row["name"]: row["valueCurrent"] for row in rows}


def test_each_becomes_metrics_under_the_sdks_names(local_server: LocalServer, key: str) -> None:
    place = {"experimentKey": key, "context": "train", "step": 1, "epoch": 2, "timestamp": 123}
    local_server.post("write/experiment/cpu-metrics", **place, cpuPercentUtilization=[1, 2.5])
    local_server.post("write/experiment/ram-metrics", **place, totalRam=1024, usedRam=12)
    local_server.post("write/experiment/load-metrics", **place, loadAverage=1.5)
    gpu = {"freeMemory": 1, "usedMemory": 2, "gpuUtilization": 3, "totalMemory": 4}
    local_server.post("write/experiment/gpu-metrics", experimentKey=key, gpus=[{"gpuId": 1, **gpu}])
    expected = {
        "sys.cpu.percent.01": "1.0",
        "sys.cpu.percent.02": "2.5",
        "sys.cpu.percent.avg": "1.75",
        "sys.ram.total": "1024.0",
        "sys.ram.used": "12.0",
        "sys.load.avg": "1.5",
        "sys.gpu.1.free_memory": "1.0",
        "sys.gpu.1.used_memory": "2.0",
        "sys.gpu.1.gpu_utilization": "3.0",
        "sys.gpu.1.total_memory": "4.0",
    }
    assert values(local_server, key) == expected
    details = local_server.get("experiment/system-details", experimentKey=key)
    assert sorted(details["systemMetricNames"]) == sorted(expected)
    assert (details["totalRam"], details["maxTotalMemory"]) == (1024, 4)
    (point,) = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName="sys.load.avg")[
        "metrics"
    ]
    assert (point["step"], point["epoch"], point["timestamp"]) == (1, 2, 123)


def test_what_is_no_number_is_refused_and_nothing_is_kept(local_server: LocalServer, key: str) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("cpu", {"cpuPercentUtilization": [1, "x"]}),
        ("cpu", {"cpuPercentUtilization": 1}),
        ("gpu", {"gpus": [{"gpuId": 0, "freeMemory": 1}, {"freeMemory": 1}]}),
        ("gpu", {"gpus": [{"gpuId": "NaN"}]}),
        ("ram", {"totalRam": 1}),
        ("load", {"loadAverage": {}}),
    ]
    for kind, body in wrong:
        path = f"api/rest/v2/write/experiment/{kind}-metrics"
        answer = local_server.call("POST", path, json={"experimentKey": key, **body})
        assert (answer.status_code, "expected" in answer.json()["msg"]) == (400, True)
    assert values(local_server, key) == {}


def test_a_machine_without_any_has_none(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/cpu-metrics", experimentKey=key, cpuPercentUtilization=[])
    local_server.post("write/experiment/gpu-metrics", experimentKey=key, gpus=[{"gpuId": 0}])
    assert values(local_server, key) == {}
