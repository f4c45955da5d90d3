"""Every kind of record is stored once, however often an answer to it is lost."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from tests.comet.surface.everything import BOXES, POINTS, Held
from tests.fixtures.forgetful_proxy import ForgetfulProxy
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.experiment import Experiment

Make = Callable[..., Experiment]


@pytest.mark.parametrize("protocol", ["batch", "rest"])
def test_lost_answers_repeat_nothing(
    local_server: LocalServer, protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.FIRST_SECONDS", 0.001)
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.LONGEST_SECONDS", 0.01)
    proxy = ForgetfulProxy(local_server.url)
    experiment = Experiment(
        local_server.api_key, "once", "surface", url=proxy.url, protocol=protocol, journal_folder=tmp_path
    )
    for part in range(2):
        experiment.log_output(f"{part}\n")
        experiment.log_system_info(f"k{part}", part)
        experiment.log_remote_asset(f"s3://bucket/{part}.bin")
        experiment.log_remote_model("far", f"s3://bucket/{part}.pt")
        experiment.log_git_patch(f"diff {part}")
        experiment.log_points_3d(f"scene{part}", POINTS, BOXES)
        experiment.log_model("near", io.BytesIO(b"w"), file_name=f"{part}.pt")
        experiment.log_dependency(f"d{part}", "1")
        with experiment.train():
            experiment.log_metric("m", part)
    while not (report := experiment.end(timeout=60)).delivered:
        assert report.stats.pending or not report.stats.refused
    proxy.close()
    assert proxy.lost > 6

    held = Held(local_server, experiment.id, protocol, {})
    assert held.get("experiment/output")["output"] == "0\n1\n"
    info = held.get("experiment/system-details")["logAdditionalSystemInfoList"]
    assert [entry["key"] for entry in info] == ["k0", "k1"]
    assert [value for value, *_ in held.points("train_m")] == [0, 1]
    kinds = Counter(asset["type"] for asset in held.assets())
    items = {"asset-item": 4} if protocol == "batch" else {}
    assert kinds == {"asset": 2, "model-element": 4, "git-patch": 2, "3d-image": 2, **items}
    assert len({asset["fileName"] for asset in held.assets("3d-image")}) == 2


@pytest.mark.parametrize("protocol", ["auto", "rest"])
def test_what_the_server_has_no_path_for_holds_up_nothing(comet: ScriptedComet, make: Make, protocol: str) -> None:
    for path in ("write/experiment/output", "write/experiment/git/metadata", "dependencies", "asset/log-remote-model"):
        comet.answer_with(path, Answer(404, body=b"<html>not here</html>"))
    comet.answer_with("notification/experiment", Answer(404, body={}))
    experiment = make(protocol=protocol)
    experiment.log_output("printed")
    experiment.log_git_metadata(branch="main")
    experiment.log_dependency("torch", "2")
    experiment.send_notification("hello")
    experiment.log_html("<b>")
    experiment.add_tag("one")
    report = experiment.end()
    assert len(comet.requests("write/experiment/html")) == 1
    assert report.stats.pending == 0
    assert sum(report.stats.refused.values()) == 3
    assert experiment._live._part.courier._protocol.name == ("rest" if protocol == "rest" else "batch")
