"""What our client writes in documented REST, read back from our server by what is neither: as written in batches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.forgetful_proxy import ForgetfulProxy
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.experiment import Experiment


@pytest.fixture
def proxied(local_server: LocalServer) -> Iterator[Callable[..., ForgetfulProxy]]:
    """Makes proxies in front of the server."""
    made: list[ForgetfulProxy] = []

    def build(**arguments: Any) -> ForgetfulProxy:
        made.append(ForgetfulProxy(local_server.url, **arguments))
        return made[-1]

    yield build
    for proxy in made:
        proxy.close()


def log_something_of_everything(experiment: Experiment, folder: Path) -> None:
    model = folder / "model.bin"
    model.write_bytes(bytes(range(256)) * 500)
    for step in range(20):
        experiment.log_metric("loss", 1 / (step + 1), step=step, epoch=step / 10)
    experiment.log_metrics({"odd": math.nan, "big": math.inf, "low": -math.inf, "small": 1e-300, "int": 7}, step=3)
    experiment.log_metrics({"nested": {"a": 1, "b": {"c": 2}}}, prefix="p")
    experiment.log_parameters({"lr": 0.1, "opt": {"name": "adam", "on": True}, "list": [1, 2], "none": None}, step=2)
    experiment.log_others({"note": "größer 🚀", "count": 3})
    experiment.set_name("named")
    experiment.add_tags(["one", "two"])
    experiment.log_html("<b>bold</b>")
    experiment.log_html("<i>more</i>")
    experiment.log_model("net", model)
    experiment.log_asset_data({"a": 1}, name="data.json", step=4, metadata={"kind": "test"})
    experiment.log_text("some text")
    experiment.log_image(_png(), name="picture.png", step=1)


def _png() -> Any:
    numpy = pytest.importorskip("numpy")
    return numpy.zeros((4, 4, 3), dtype="uint8")


def read_back(server: LocalServer, key: str) -> dict[str, Any]:
    """All that the server knows of an experiment, without what differs by nature: keys, links, times of arrival."""

    def get(path: str) -> dict[str, Any]:
        return server.get(path, experimentKey=key)

    def without(entry: dict[str, Any], *left_out: str) -> dict[str, Any]:
        return {name: value for name, value in entry.items() if name not in left_out and "imestamp" not in name}

    def content(asset: dict[str, Any]) -> str:
        raw = server.call("GET", "api/rest/v2/experiment/asset/get-asset", params={"assetId": asset["assetId"]})
        return hashlib.sha256(raw.content).hexdigest()

    assets = get("experiment/asset/list")["assets"]
    meta = get("experiment/metadata")
    return {
        "metrics": sorted((without(m) for m in get("experiment/metrics/get-all")["metrics"]), key=repr),
        "parameters": sorted((without(p) for p in get("experiment/parameters")["values"]), key=repr),
        "others": sorted((without(o) for o in get("experiment/log-other")["values"]), key=repr),
        "tags": sorted(get("experiment/tags")["tags"]),
        "html": get("experiment/html")["html"],
        "assets": sorted(
            [{**without(a, "assetId", "experimentKey", "link", "createdAt"), "sha": content(a)} for a in assets],
            key=repr,
        ),
        "state": {name: meta[name] for name in ("experimentName", "running", "hasCrashed", "workspaceName")},
    }


def test_rest_leaves_the_same_as_batch(local_server: LocalServer, journals: Path, tmp_path: Path) -> None:
    seen = {}
    for protocol in ("batch", "rest"):
        with Experiment(
            local_server.api_key, protocol, "team", url=local_server.url, journal_folder=journals, protocol=protocol
        ) as experiment:
            log_something_of_everything(experiment, tmp_path)
        assert experiment.stats().pending == 0
        seen[protocol] = read_back(local_server, experiment.id)
        assert experiment.url == f"{local_server.url}/team/{protocol}/{experiment.id}"
    assert seen["rest"] == seen["batch"]
    assert (len(seen["rest"]["metrics"]), len(seen["rest"]["assets"])) == (20 + 5 + 2, 4)
    assert seen["rest"]["state"]["running"] is False


def test_answers_lost_under_rest_repeat_nothing(
    local_server: LocalServer,
    proxied: Callable[..., ForgetfulProxy],
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.FIRST_SECONDS", 0.001)
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.LONGEST_SECONDS", 0.01)
    proxy = proxied()
    experiment = Experiment(local_server.api_key, url=proxy.url, journal_folder=journals, protocol="rest")
    for step in range(15):
        experiment.log_metrics({"m": step * 0.5, "n": step}, step=step)
    for part in range(6):
        experiment.log_html(f"<p>{part}</p>")
        experiment.log_asset_data(f"asset {part}", name=f"{part}.txt")
    while not (report := experiment.end(timeout=60)).delivered:
        assert report.stats.pending or not report.stats.refused

    read = local_server.get("experiment/metrics/get-all", experimentKey=experiment.id)["metrics"]
    for name, factor in (("m", 0.5), ("n", 1)):
        found = [(float(m["metricValue"]), m["step"]) for m in read if m["metricName"] == name]
        assert found == [(step * factor, step) for step in range(15)]
    assert proxy.lost > 20
    html = local_server.get("experiment/html", experimentKey=experiment.id)["html"]
    assert html == "".join(f"<p>{part}</p>" for part in range(6))
    assets = local_server.get("experiment/asset/list", experimentKey=experiment.id)["assets"]
    assert sorted(asset["fileName"] for asset in assets) == [f"{part}.txt" for part in range(6)]


def test_a_server_that_makes_keys_of_its_own_keeps_everything_under_one(
    local_server: LocalServer, proxied: Callable[..., ForgetfulProxy], journals: Path
) -> None:
    proxy = proxied(loses=0.0, hidden="/clientlib/")
    arguments = {"url": proxy.url, "journal_folder": journals, "project_name": "made there"}
    with Experiment(local_server.api_key, **arguments) as experiment:
        experiment.log_metric("m", 1, step=1)
        with Experiment(
            local_server.api_key, experiment_key=experiment.id, mode="get_or_create", primary=False, **arguments
        ) as rank:
            rank.log_metric("m", 2, step=2)
        experiment.wait_for_url(30)
        asset = experiment.log_asset_data(b"bytes", name="a.bin")

    page = experiment.url or ""
    key = page.rpartition("/")[2]
    assert key != experiment.id
    assert rank.url == page
    assert asset is not None
    path = asset["api"].removeprefix(f"{proxy.url}/")
    assert local_server.call("GET", path).content == b"bytes"
    meta = local_server.get("experiment/metadata", experimentKey=key)
    assert (meta["projectName"], meta["running"]) == ("made there", False)
    points = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName="m")["metrics"]
    assert sorted(point["step"] for point in points) == [1, 2]
    listed = local_server.get("experiments", workspaceName=meta["workspaceName"], projectName="made there")
    assert [one["experimentKey"] for one in listed["experiments"]] == [key]


def test_a_server_without_batches_is_written_to_in_rest(
    local_server: LocalServer, proxied: Callable[..., ForgetfulProxy], journals: Path, tmp_path: Path
) -> None:
    proxy = proxied(loses=0.0, hidden="/clientlib/batch/")
    with Experiment(local_server.api_key, url=proxy.url, journal_folder=journals) as experiment:
        log_something_of_everything(experiment, tmp_path)
    found = read_back(local_server, experiment.id)
    assert (len(found["metrics"]), len(found["parameters"]), len(found["assets"])) == (27, 5, 4)
    assert experiment.stats().pending == 0
