"""cometr's methods: what they return, what they do on the server, and how they fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.experiment import Experiment

Make = Callable[..., Experiment]

RAW = {
    "get_metadata": "experiment/metadata",
    "get_metrics_summary": "experiment/metrics/summary",
    "get_parameters": "experiment/parameters",
    "get_other": "experiment/log-other",
    "get_tags": "experiment/tags",
    "get_html": "experiment/html",
    "get_graph": "experiment/graph",
    "get_code": "experiment/code",
    "get_output": "experiment/output",
    "get_asset_list": "experiment/asset/list",
    "get_git_metadata": "experiment/git/metadata",
    "get_system_details": "experiment/system-details",
}


@pytest.fixture(scope="module")
def live(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiment]:
    """A running experiment with something of everything that can be read."""
    experiment = Experiment(
        local_server.api_key,
        "readings",
        "surface",
        url=local_server.url,
        journal_folder=tmp_path_factory.mktemp("journals"),
        experiment_name="read",
        tags=["one"],
    )
    for step in range(3):
        experiment.log_metric("loss", step, step=step)
    with experiment.train():
        experiment.log_parameter("rate", 0.1)
    experiment.log_parameter("rate", 0.2)
    experiment.log_other("note", "hi")
    experiment.log_html("<b>")
    experiment.log_graph("digraph {}")
    experiment.log_code("print()\nprint()")
    experiment.log_output("printed\n")
    experiment.log_asset_data(b"bytes", "data.bin")
    experiment.log_curve("c", [1], [2])
    experiment.log_git_metadata(branch="main")
    experiment.log_git_patch(b"diff")
    experiment.log_system_details(pid=3)
    yield experiment
    assert experiment.end().delivered
    assert experiment.get_tags() == {"tags": ["one"]}


@pytest.mark.parametrize("method", RAW)
def test_what_was_just_logged_is_read_as_the_server_answers(
    local_server: LocalServer, live: Experiment, method: str
) -> None:
    """Nothing is flushed by the test: the reading method does it."""
    found = getattr(live, method)()
    raw = local_server.get(RAW[method], experimentKey=live.id)
    if method != "get_metadata":
        assert found == raw
    assert found.keys() == raw.keys()
    assert any(value for value in found.values())


def test_every_value_of_a_metric(live: Experiment) -> None:
    found = live.get_metric("loss")["metrics"]
    assert [(float(point["metricValue"]), point["step"]) for point in found] == [(0, 0), (1, 1), (2, 2)]
    live.log_metric("loss", 9, step=3)
    assert len(live.get_metric("loss")["metrics"]) == 4
    assert live.get_metric("absent") == {"metrics": []}


def test_single_values_by_name(live: Experiment) -> None:
    assert (live.get_parameter("rate"), live.get_other("note"), live.get_name()) == ("0.2", "hi", "read")
    with live.train():
        assert live.get_parameter("rate") == "0.1"
    assert (live.get_parameter("absent"), live.get_other("absent")) == (None, None)


def test_assets_and_the_patch_as_bytes(live: Experiment) -> None:
    (curve,) = live.get_asset_list("curve")["assets"]
    assert curve["fileName"] == "c"
    (asset,) = [a for a in live.get_asset_list()["assets"] if a["fileName"] == "data.bin"]
    assert live.get_asset(asset["assetId"]) == b"bytes"
    assert live.get_git_patch() == b"diff"
    with pytest.raises(errors.NotFoundError):
        live.get_asset("0" * 32)


def test_archive_restore_and_symlink(local_server: LocalServer, live: Experiment) -> None:
    def archived() -> bool:
        return bool(local_server.get("experiment/metadata", experimentKey=live.id)["archived"])

    live.archive()
    assert archived()
    live.restore()
    assert not archived()
    link = live.create_symlink("elsewhere")["link"]
    assert link == f"{local_server.url}/surface/elsewhere/{live.id}"
    listed = local_server.get("experiments", workspaceName="surface", projectName="elsewhere")["experiments"]
    assert [one["experimentKey"] for one in listed] == [live.id]


def test_start_and_end_times_stay_when_it_ends(local_server: LocalServer, tmp_path: Path) -> None:
    for protocol in ("batch", "rest"):
        experiment = Experiment(
            local_server.api_key, "times", "surface", url=local_server.url, protocol=protocol, journal_folder=tmp_path
        )
        experiment.set_start_end_time(start=1_000, end=5_000)
        experiment.set_end_time(6_000)
        assert experiment.get_metadata()["startTimeMillis"] == 1_000
        assert experiment.stop().delivered
        found = local_server.get("experiment/metadata", experimentKey=experiment.id)
        said = ("startTimeMillis", "endTimeMillis", "durationMillis", "running", "hasCrashed")
        assert [found[name] for name in said] == [1_000, 6_000, 5_000, False, False]
        assert experiment.get_dynamic() is False


def test_deleted_for_good(local_server: LocalServer, tmp_path: Path) -> None:
    experiment = Experiment(local_server.api_key, "gone", "surface", url=local_server.url, journal_folder=tmp_path)
    experiment.log_metric("m", 1)
    experiment.delete()
    answered = local_server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": experiment.id})
    assert answered.status_code in (400, 404)
    experiment.log_metric("m", 2)
    assert experiment.stats().dropped
    with pytest.raises(errors.StatusError):
        experiment.get_metadata()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_deleted_while_something_waits(comet: ScriptedComet, make: Make) -> None:
    """What waits would make the experiment anew, once it is delivered."""
    comet.answer_with("write/experiment/html", Answer(503))
    experiment = make()
    experiment.log_html("<b>")
    experiment._live.flush = lambda timeout: False  # type: ignore[method-assign]
    end = experiment._live.end
    experiment._live.end = lambda error, timeout: end(error, 0.2)  # type: ignore[method-assign]
    with pytest.raises(errors.DeliveryError, match="is not deleted"):
        experiment.delete()
    assert comet.requests("write/experiment/delete") == []


def test_reading_raises_what_the_answer_means(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    comet.answer_with("experiment/html", Answer(401, body={"msg": "who are you"}))
    with pytest.raises(errors.UnauthorizedError, match="who are you"):
        experiment.get_html()
    nobody = make(url="http://127.0.0.1:9")
    with pytest.raises(errors.ConnectionFailedError):
        nobody.get_tags()


def test_what_was_just_begun_is_opened_before_it_is_read(local_server: LocalServer, tmp_path: Path) -> None:
    experiment = Experiment(local_server.api_key, "readings", "surface", url=local_server.url, journal_folder=tmp_path)
    assert experiment.get_metadata()["experimentKey"] == experiment.id
    experiment.end()


def test_a_server_that_never_answers_is_asked_no_more(
    comet: ScriptedComet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zenml_comet_tracker.comet.surface.readings.FINISH_TIMEOUT", 0.1)
    experiment = make()
    experiment._live.wait_for_handshake = lambda timeout: threading.Event().wait(timeout) or None  # type: ignore
    with pytest.raises(errors.ConnectionFailedError, match="has not opened"):
        experiment.get_tags()
    assert comet.requests("experiment/tags") == []


@pytest.mark.parametrize("call", ["get_html", "archive", "delete", "get_metrics_summary"])
def test_offline_says_what_to_do(make: Make, call: str) -> None:
    experiment = make(url="offline")
    with pytest.raises(errors.ConfigurationError, match="zenml-comet sync"):
        getattr(experiment, call)()


def test_the_page_and_what_is_printed(
    local_server: LocalServer, live: Experiment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"{local_server.url}/surface/readings/{live.get_key()}"
    assert local_server.get("experiment/metadata", experimentKey=live.get_key())["running"]
    assert (live.get_url(), live.get_dynamic()) == (page, True)
    live.print()
    assert capsys.readouterr().out == f"Comet experiment {live.id}\n{page}\n"
    shown: list[Any] = []
    monkeypatch.setattr("webbrowser.open", lambda url, **how: shown.append((url, how)))
    live.display(new=1, tab="metrics")
    assert shown == [(f"{page}?experiment-tab=metrics", {"new": 1, "autoraise": True})]


def test_any_thread_may_read(live: Experiment) -> None:
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(live.get_tags())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [{"tags": ["one"]}] * 4


def test_much_output_goes_in_many_requests(live: Experiment) -> None:
    before = live.get_output()["output"] or ""
    accepted = live.stats().accepted
    text = "".join(f"{'x' * 90} {number}\n" for number in range(3000)) + "y" * 100_000 + "\n"
    live.log_output(text)
    assert live.stats().accepted == accepted + -(-len(text) // (64 << 10)) + 1
    assert live.get_output()["output"] == before + text
