"""All points of a metric as a zipped CSV file, read back by Python's own csv and zipfile."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from typing import Any

import pytest

from tests.fixtures.local_server import LocalServer, begin

GET_ASSET = "api/rest/v2/experiment/asset/get-asset"


def files(server: LocalServer, key: str) -> dict[str, dict[str, Any]]:
    found = server.get("experiment/asset/list", experimentKey=key, type="ASSET_TYPE_FULL_METRIC")["assets"]
    return {asset["fileName"]: asset for asset in found}


def table(content: bytes) -> list[dict[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = archive.namelist()
        return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_every_point_stands_in_the_file_as_it_was_logged(local_server: LocalServer, key: str) -> None:
    values: list[dict[str, Any]] = [
        {
            "metricName": "loss/a b",
            "metricValue": 0.1 * n,
            "step": n,
            "epoch": n / 4,
            "timestamp": 1_700_000_000_123 + n,
        }
        for n in range(25_000)
    ]
    odd: list[Any] = ["NaN", "Infinity", "-Infinity", 5e-324]
    values += [{"metricName": "odd", "metricValue": value, "timestamp": 1} for value in odd]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    found = files(local_server, key)
    assert set(found) == {"loss_a_b_0.csv.zip", "odd_0.csv.zip"}
    link = found["loss_a_b_0.csv.zip"]["link"].removeprefix(f"{local_server.url}/")
    rows = table(local_server.call("GET", link).content)
    assert [(float(row["value"]), int(row["step"]), float(row["epoch"])) for row in rows] == [
        (value["metricValue"], value["step"], value["epoch"]) for value in values[:25_000]
    ]
    times = [round(float(row["timestamp"]) * 1_000) for row in rows]
    assert times == [value["timestamp"] for value in values[:25_000]]
    query = {"assetId": found["odd_0.csv.zip"]["assetId"], "experimentKey": key}
    rows = table(local_server.call("GET", GET_ASSET, params=query).content)
    assert [(row["value"], row["step"], row["epoch"]) for row in rows] == [
        (value, "", "") for value in ("nan", "inf", "-inf", "5e-324")
    ]


def test_names_that_the_sdk_could_not_tell_apart_have_no_file(local_server: LocalServer, key: str) -> None:
    values = [{"metricName": name, "metricValue": 1} for name in ("a/b", "a b", "c")]
    local_server.sdk("batch/logger/experiment/metric", experimentKey=key, values=values)
    assert set(files(local_server, key)) == {"c_0.csv.zip"}


def test_the_files_are_no_assets_of_the_experiment(local_server: LocalServer, key: str) -> None:
    local_server.post("write/experiment/metric", experimentKey=key, metricName="m", metricValue=1)
    (file,) = files(local_server, key).values()
    assert local_server.get("experiment/asset/list", experimentKey=key) == {"assets": []}
    for query in ({"experimentKey": begin(local_server)}, {"experimentKey": "0" * 32}):
        answer = local_server.call("GET", GET_ASSET, params={"assetId": file["assetId"], **query})
        assert answer.status_code == 404
    assert local_server.call("GET", GET_ASSET, params={"assetId": file["assetId"]}).status_code == 400


@pytest.mark.parametrize(("part", "status"), [("bytes=0-9", 206), ("bytes=999999-", 416), ("bytes=x-y", 400)])
def test_a_file_that_was_made_for_an_answer_is_gone_behind_it(
    clocked_server: LocalServer, part: str, status: int
) -> None:
    key = begin(clocked_server)
    clocked_server.post("write/experiment/metric", experimentKey=key, metricName="m", metricValue=1)
    (file,) = files(clocked_server, key).values()
    query = {"experimentKey": key, "assetId": file["assetId"]}
    assert clocked_server.call("GET", GET_ASSET, params=query, headers={"Range": part}).status_code == status
    incoming, deadline = clocked_server.data / "files" / "incoming", time.monotonic() + 20
    while list(incoming.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(incoming.iterdir()) == []
