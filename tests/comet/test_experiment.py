"""The live experiment: what a user calls, and what reaches the server."""

from __future__ import annotations

import inspect
import json
import os
import random
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tests.comet.conftest import KEY
from tests.comet.scripted import Answer, ScriptedComet
from tests.fixtures.removal import remove
from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.errors import ConfigurationError, DeliveryError, InvalidValueError, JournalError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.journal.reader import JournalReader

Make = Callable[..., Experiment]


def test_constructing_and_logging_use_no_network(journals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    here = threading.get_ident()
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if threading.get_ident() == here:
            calls.append(str(address))
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    experiment = Experiment(api_key="k", url="http://127.0.0.1:9", journal_folder=journals)
    experiment.log_metric("loss", 1)
    assert calls == []
    assert experiment.end(timeout=5).stats.pending == 1


def test_metrics_arrive_as_logged(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    experiment.log_metric("loss", 0.5, step=1, epoch=0.25)
    experiment.log_metric("loss", float("nan"), step=2)
    experiment.log_metrics({"a": 1, "b": {"c": 2}}, prefix="val", step=3, epoch=1)
    assert experiment.end().delivered
    seen = [(v["metricName"], v["metricValue"], v["step"], v.get("epoch")) for v in comet.metric_values()]
    assert seen == [
        ("loss", 0.5, 1, 0.25),
        # Steps and epochs hold until others are said, as in Comet's own client.
        ("loss", "NaN", 2, 0.25),
        ("val_a", 1.0, 3, 1),
        ("val_b/c", 2.0, 3, 1),
    ]
    assert experiment.stats().sent == 4


def test_parameters_tags_others_and_name_arrive_as_logged(comet: ScriptedComet, make: Make) -> None:
    experiment = make(experiment_name="run_train", tags=["one"])
    experiment.log_parameter("lr", 0.1)
    experiment.log_parameters({"opt": {"name": "adam"}}, prefix="p")
    experiment.log_others({"note": "hi", "n": None})
    experiment.add_tag("two")
    experiment.add_tags(["three", ""])
    experiment.log_html("<b>x</b>")
    experiment.end()
    parameters = {
        v["parameterName"]: v["parameterValue"]
        for asked in comet.requests("/experiment/parameter")
        for v in asked.json["values"]
    }
    assert parameters == {"lr": 0.1, "p_opt|name": "adam"}
    others = {asked.json["key"]: asked.json["value"] for asked in comet.requests("/log-other")}
    assert others == {"Name": "run_train", "note": "hi", "n": "None", "hasNestedParams": True}
    assert [a.json["addedTags"] for a in comet.requests("/add-tags-to-experiment")] == [["one"], ["two"], ["three"]]
    assert comet.requests("/html")[0].json["override"] is False


def test_assets_of_every_kind_arrive_byte_for_byte(comet: ScriptedComet, make: Make, tmp_path: Path) -> None:
    experiment = make()
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1}')
    given = experiment.log_asset(path, step=3, metadata={"k": "v"})
    path.write_bytes(b"overwritten after the call")
    experiment.log_asset_data({"x": [1, 2]}, name="data.json", epoch=2)
    experiment.log_text("some text", metadata={"m": 1})
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "w.bin").write_bytes(b"weights")
    (model / "deep" / "c.txt").write_bytes(b"config")
    experiment.log_model("net", model)
    with path.open("rb") as stream:
        experiment.log_asset(stream, file_name="b.txt", overwrite=True)
    experiment.end()

    uploads = comet.requests("/asset/upload")
    assert given is not None
    assert uploads[0].query["assetId"] == given["assetId"]
    assert given["api"].startswith(comet.root)
    seen = [(u.query["fileName"], u.query.get("type"), u.query.get("groupingName")) for u in uploads]
    assert seen == [
        ("a.json", None, None),
        ("data.json", None, None),
        ("text-sample.txt", "text-sample", None),
        ("model/deep/c.txt", "model-element", "net"),
        ("model/w.bin", "model-element", "net"),
        ("b.txt", None, None),
    ]
    bodies = [b'{"a": 1}', b'{"x": [1, 2]}', b"some text", b"config", b"weights", b"overwritten after the call"]
    assert [part in upload.body for part, upload in zip(bodies, uploads, strict=True)] == [True] * 6
    assert b'{"k":"v"}' in uploads[0].body
    assert (uploads[0].query["step"], uploads[1].query["epoch"], uploads[5].query["overwrite"]) == ("3", "2", "True")


def _picture(body: bytes) -> np.ndarray:
    import io

    start = body.index(b"\x89PNG")
    return np.asarray(Image.open(io.BytesIO(body[start:])))


def test_images_and_figures_arrive_as_pictures(comet: ScriptedComet, make: Make, tmp_path: Path) -> None:
    experiment = make()
    pixels = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    experiment.log_image(pixels, "array", step=2)
    experiment.log_image(pixels[:, :, 0] / 255.0, "floats")
    experiment.log_image(Image.fromarray(pixels), "pil.png")
    Image.fromarray(pixels).save(tmp_path / "file.png")
    experiment.log_image(tmp_path / "file.png")
    figure = Figure()
    figure.subplots().plot([1, 2])
    experiment.log_figure("curve", figure)
    experiment.end()

    uploads = comet.requests("/visualizations/upload")
    names = [(u.query["figName"], u.query["extension"]) for u in uploads]
    assert names == [("array", "png"), ("floats", "png"), ("pil.png", "png"), ("file.png", "png"), ("curve", "png")]
    assert uploads[0].query["step"] == "2"
    for index in (0, 2, 3):
        assert np.array_equal(_picture(uploads[index].body), pixels)
    assert np.array_equal(_picture(uploads[1].body), pixels[:, :, 0])
    assert _picture(uploads[4].body).shape[0] > 100


def test_a_confusion_matrix_counts_like_a_brute_force(comet: ScriptedComet, make: Make) -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    experiment = make()
    experiment.log_confusion_matrix(truth, guess, labels=list("abcd"), title="T", step=1)
    experiment.log_confusion_matrix(["x", "y"], ["y", "y"])
    experiment.log_confusion_matrix(np.array([-1, 1]), np.array([1, 1]), labels=np.array(["no", "yes"]))
    experiment.log_confusion_matrix(matrix=[[1, 2], [3, 4]], file_name="m.json")
    experiment.end()

    bodies = [upload.body for upload in comet.requests("/asset/upload")]
    first, second, signs, third = (json.loads(b[b.index(b'{"version"') : b.rindex(b"}") + 1]) for b in bodies)
    brute = [[int(sum((truth == row) & (guess == column))) for column in range(4)] for row in range(4)]
    assert (first["matrix"], first["labels"], first["title"]) == (brute, list("abcd"), "T")
    with pytest.raises(InvalidValueError, match="classes"):
        make(strict=True).log_confusion_matrix(list(range(2000)), list(range(2000)))
    assert (second["matrix"], second["labels"]) == ([[0, 1], [0, 1]], ["x", "y"])
    assert (signs["matrix"], signs["labels"]) == ([[0, 1], [0, 1]], ["no", "yes"])
    assert third["matrix"] == [[1, 2], [3, 4]]
    assert comet.requests("/asset/upload")[3].query["fileName"] == "m.json"


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.log_metric("m", "no number"),
        lambda e: e.log_metric("", 1),
        lambda e: e.log_metrics(None),
        lambda e: e.log_parameters({"": 1}),
        lambda e: e.log_other("", 1),
        lambda e: e.log_others(5),
        lambda e: e.log_asset("/not/there"),
        lambda e: e.log_asset(os.sep),
        lambda e: e.log_asset(object()),
        lambda e: e.log_image(np.zeros((2, 2, 2, 2))),
        lambda e: e.log_image(object()),
        lambda e: e.log_figure(figure=object()),
        lambda e: e.log_confusion_matrix([1, 2], [1]),
        lambda e: e.log_confusion_matrix(),
        lambda e: e.log_confusion_matrix(matrix=[[1, 2]]),
        lambda e: e.log_model("m", "/not/there"),
        lambda e: e.add_tags(7),
    ],
)
def test_a_bad_call_harms_nothing_and_is_counted_and_said(
    make: Make, caplog: pytest.LogCaptureFixture, call: Callable[[Experiment], Any]
) -> None:
    experiment = make()
    assert call(experiment) is None
    experiment.log_metric("good", 1)
    stats = experiment.end().stats
    assert (stats.sent, sum(stats.dropped.values())) == (1, 1)
    assert "dropped" in caplog.text


def test_strict_raises_what_was_wrong(make: Make) -> None:
    experiment = make(strict=True)
    with pytest.raises(InvalidValueError, match="'loss' expects a number, got str 'abc'"):
        experiment.log_metric("loss", "abc")
    with pytest.raises(InvalidValueError, match="not there"):
        experiment.log_asset("/not/there")
    experiment.log_metrics({"good": 1})
    assert experiment.end().delivered


def test_strict_says_when_the_end_leaves_something(journals: Path) -> None:
    experiment = Experiment(api_key="k", url="http://127.0.0.1:9", journal_folder=journals, strict=True)
    with pytest.raises(DeliveryError, match="refused"):
        experiment.end(timeout=5)


def test_the_url_is_told_by_the_server_and_never_guessed(make: Make, comet: ScriptedComet, journals: Path) -> None:
    experiment = make()
    assert experiment.wait_for_url(5) == f"{comet.root}/ws/proj/{experiment.get_key()}"
    assert (experiment.workspace, experiment.project_name) == ("ws", "proj")

    alone = Experiment(api_key="k", url="http://127.0.0.1:9", journal_folder=journals)
    assert alone.wait_for_url(5) is None
    known = Experiment(
        api_key="k", workspace="w s", project_name="p", url="http://127.0.0.1:9", journal_folder=journals
    )
    assert known.url == f"http://127.0.0.1:9/w%20s/p/{known.id}"
    for experiment in (alone, known):
        experiment.end(timeout=5)


@pytest.mark.parametrize("key", ["short", "x" * 51, "-" * 32])
def test_an_unusable_experiment_key_is_named(journals: Path, key: str) -> None:
    with pytest.raises(ConfigurationError, match="32 to 50 letters and digits"):
        Experiment(api_key="k", url="http://127.0.0.1:9", experiment_key=key, journal_folder=journals)


def test_unknown_modes_are_named(journals: Path) -> None:
    with pytest.raises(ConfigurationError, match="get_or_create"):
        Experiment(api_key="k", mode="append", journal_folder=journals)


def test_the_context_manager_tells_of_the_exception_and_lets_it_through(make: Make, comet: ScriptedComet) -> None:
    with pytest.raises(ZeroDivisionError), make():
        1 / 0  # noqa: B018
    (failure,) = comet.requests("/update-status")
    assert "ZeroDivisionError" in failure.json["error"]
    assert "1 / 0" in failure.json["error"]


def test_the_end_is_bounded_when_the_server_never_answers(comet: ScriptedComet, make: Make) -> None:
    release = threading.Event()

    def hang(asked: Any) -> Answer | None:
        release.wait(20)
        return None

    comet.rules.append(hang)
    experiment = make()
    experiment.log_metric("m", 1)
    start = time.monotonic()
    report = experiment.end(timeout=0.5)
    took = time.monotonic() - start
    release.set()
    assert took < 5
    assert report.delivered is False
    assert report.stats.pending == 1
    assert report.journal is not None


def test_an_unreachable_server_ends_early_and_the_journal_keeps_everything(journals: Path) -> None:
    experiment = Experiment(api_key=KEY, url="http://127.0.0.1:9", journal_folder=journals)
    experiment.log_metric("m", 1)
    start = time.monotonic()
    report = experiment.end(timeout=60)
    assert time.monotonic() - start < 30
    assert report.journal is not None
    lines = (report.journal / "metrics.0000000000000001.jsonl").read_text().splitlines()
    assert [json.loads(line)["metricValue"] for line in lines] == [1.0]
    assert KEY not in "".join(p.read_text() for p in report.journal.rglob("*") if p.is_file())


def test_a_second_end_changes_nothing_and_later_calls_are_counted(make: Make, comet: ScriptedComet) -> None:
    experiment = make()
    assert experiment.end().delivered
    assert experiment.end().delivered
    experiment.log_metric("m", 1)
    experiment.log_text("x")
    assert comet.requests("/update-status") == []
    assert sum(experiment.stats().dropped.values()) == 2


def test_a_failure_told_after_the_end_is_still_told(make: Make, comet: ScriptedComet) -> None:
    """A step that ended its experiment itself and then failed has failed."""
    experiment = make()
    assert experiment.end().delivered
    assert experiment.end(error="it broke afterwards").delivered
    assert experiment.end(error="and again").delivered
    assert [asked.json["error"] for asked in comet.requests("/update-status")] == ["it broke afterwards"]


@pytest.mark.parametrize("moment", ["remove", "set_aside"])
def test_a_failure_told_while_the_journal_is_being_removed_is_still_told(
    make: Make, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    experiment = make()
    real = getattr(JournalReader, moment)
    told: list[str] = []

    def fail_meanwhile(journal: JournalReader) -> Any:
        if not told:
            told.append("just now")
            experiment.end(error="it broke just then", timeout=0)
        return real(journal)

    monkeypatch.setattr(JournalReader, moment, fail_meanwhile)
    experiment.end()
    assert told
    assert experiment.end(timeout=10).delivered
    assert [asked.json["error"] for asked in comet.requests("/update-status")] == ["it broke just then"]


@pytest.mark.parametrize("timeout", [1e10, float("inf"), -1.0, 0.0])
def test_any_time_limit_is_taken(make: Make, timeout: float) -> None:
    experiment = make()
    experiment.log_metric("m", 1)
    experiment.end(timeout=timeout)
    assert experiment.end(timeout=10).delivered


def test_a_fault_that_nobody_foresaw_ends_no_delivery(
    make: Make, comet: ScriptedComet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    experiment = make()
    assert experiment.wait_for_url(5)
    stumbled = threading.Event()

    def stumble(*_: Any) -> float | None:
        stumbled.set()
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(experiment._live._part.courier, "_deliver_lanes", stumble)
        experiment.log_metric("m", 1)
        assert stumbled.wait(10)
    assert experiment.end().delivered
    assert [v["metricValue"] for v in comet.metric_values()] == [1.0]
    assert "nobody foresaw this" in caplog.text


def test_flush_waits_for_what_was_logged(make: Make, comet: ScriptedComet) -> None:
    experiment = make()
    for i in range(100):
        experiment.log_metric("m", i)
    assert experiment.flush(10) is True
    assert len(comet.metric_values()) == 100


def test_two_experiments_of_a_process_do_not_mix(make: Make, comet: ScriptedComet) -> None:
    first, second = make(), make()
    for i in range(50):
        first.log_metric("m", i)
        second.log_metric("m", -i)
    first.end()
    second.end()
    seen = {e.id: [] for e in (first, second)}
    for asked in comet.requests("/experiment/metric"):
        seen[asked.json["experimentKey"]] += [v["metricValue"] for v in asked.json["values"]]
    assert seen == {first.id: list(range(50)), second.id: [-i for i in range(50)]}


def _run(script: str, comet: ScriptedComet, journals: Path) -> subprocess.CompletedProcess[str]:
    head = f"""
        import os, sys
        from zenml_comet_tracker import Experiment
        experiment = Experiment(api_key="k", url={comet.root!r}, journal_folder={str(journals)!r})
    """
    code = textwrap.dedent(head) + textwrap.dedent(script)
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_program_that_forgets_the_end_is_ended_at_exit(comet: ScriptedComet, journals: Path) -> None:
    done = _run("experiment.log_metric('m', 1)", comet, journals)
    assert (done.returncode, done.stderr) == (0, "")
    assert [v["metricValue"] for v in comet.metric_values()] == [1.0]
    assert [a.json["is_alive"] for a in comet.requests("/status-report/update")][-1] is False
    assert comet.requests("/update-status") == []
    assert list(journals.iterdir()) == []


def test_a_program_that_dies_of_an_exception_ends_failed(comet: ScriptedComet, journals: Path) -> None:
    done = _run("experiment.log_metric('m', 1)\nraise ValueError('boom')", comet, journals)
    assert done.returncode == 1
    (failure,) = comet.requests("/update-status")
    assert "ValueError: boom" in failure.json["error"]


def test_what_was_logged_before_a_kill_is_in_the_journal(comet: ScriptedComet, journals: Path) -> None:
    comet.answer_with("logger/add/run", Answer(503))
    done = _run("[experiment.log_metric('m', i) for i in range(500)]\nos.kill(os.getpid(), 9)", comet, journals)
    assert done.returncode == -9
    (journal,) = journals.iterdir()
    lines = (journal / "metrics.0000000000000001.jsonl").read_text().splitlines()
    assert [json.loads(line)["metricValue"] for line in lines] == list(range(500))


def test_a_forked_child_that_logs_nothing_ends_nothing(comet: ScriptedComet, journals: Path) -> None:
    script = """
        experiment.log_metric("m", 0)
        experiment.flush()
        child = os.fork()
        if child == 0:
            good = experiment.end(1).delivered and experiment.flush(1) and experiment.stats().accepted == 0
            os._exit(0 if good else 9)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for i in range(1, 6):
            experiment.log_metric("m", i)
        assert experiment.end().delivered
        sys.exit(code)
    """
    done = _run(script, comet, journals)
    assert (done.returncode, done.stderr) == (0, "")
    assert [v["metricValue"] for v in comet.metric_values()] == [0, 1, 2, 3, 4, 5]


def test_a_child_of_an_ended_experiment_logs_nothing_and_leaves_nothing(comet: ScriptedComet, journals: Path) -> None:
    script = """
        assert experiment.end().delivered
        child = os.fork()
        if child == 0:
            experiment.log_metric("m", 1)
            experiment.log_text("x")
            experiment.log_metric("m", "no number")
            os._exit(0 if experiment.end(1).delivered and experiment.flush(1) else 9)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    done = _run(script, comet, journals)
    assert done.returncode == 0
    assert "the experiment has ended" in done.stderr
    assert comet.metric_values() == []
    assert list(journals.iterdir()) == []


def test_an_experiment_that_nobody_holds_any_more_is_ended_at_exit(comet: ScriptedComet, journals: Path) -> None:
    done = _run("experiment.log_metric('m', 1)\ndel experiment\nimport gc; gc.collect()", comet, journals)
    assert (done.returncode, done.stderr) == (0, "")
    assert [a.json["is_alive"] for a in comet.requests("/status-report/update")][-1] is False
    assert list(journals.iterdir()) == []


def test_leaving_with_success_inside_the_block_is_no_failure(comet: ScriptedComet, journals: Path) -> None:
    done = _run("with experiment:\n    sys.exit(0)", comet, journals)
    assert done.returncode == 0
    assert comet.requests("/update-status") == []
    assert [a.json["is_alive"] for a in comet.requests("/status-report/update")][-1] is False


def test_an_exit_with_many_left_open_has_one_time_limit(comet: ScriptedComet, journals: Path) -> None:
    """The limit is lowered for the test; each experiment's own would take six times as long."""
    release = threading.Event()
    comet.rules.append(lambda asked: release.wait(30) and None)
    script = f"""
        import time, zenml_comet_tracker.comet.exits as exits
        exits.FINISH_TIMEOUT = 1.0
        more = [Experiment(api_key="k", url={comet.root!r}, journal_folder={str(journals)!r}) for _ in range(5)]
        print(time.time())
    """
    done = _run(script, comet, journals)
    ended = time.time()
    release.set()
    assert done.returncode == 0
    assert ended - float(done.stdout) < 5


def test_a_second_server_that_is_away_holds_up_nobody(comet: ScriptedComet, make: Make, journals: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stuck = make(url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        stuck.log_metric("m", 1)
        experiment = make()
        experiment.log_metric("m", 2)
        assert experiment.end(timeout=10).delivered
        stuck._live.close(None)
        stuck._live._part.courier.stop()


def test_what_an_outage_left_goes_with_the_next_experiment_that_the_server_answers(
    comet: ScriptedComet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From the first failure on it would wait for half a minute at least.
    monkeypatch.setattr("zenml_comet_tracker.comet.delivery.backoff.FIRST_SECONDS", 60.0)
    comet.answer_with("/logger/add/run", Answer(drop=True))
    left = make()
    left.log_metric("left", 1)
    assert not left.flush(0.2)
    assert not left.end(timeout=0.2).delivered
    comet.rules.clear()
    with make() as next_one:
        next_one.log_metric("next", 2)
    deadline = time.monotonic() + 20
    while {value["metricName"] for value in comet.metric_values()} != {"left", "next"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_lost_connection_does_not_keep_the_end_from_delivering(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    assert experiment.wait_for_url(5)
    comet.answer_with("/experiment/metric", Answer(drop=True), times=1)
    experiment.log_metric("m", 1)
    assert experiment.end().delivered


def test_an_exception_whose_text_no_json_can_hold_is_still_the_reason(comet: ScriptedComet, make: Make) -> None:
    with pytest.raises(ValueError, match="cannot read"), make():
        raise ValueError("cannot read " + os.fsdecode(b"\xff.csv"))
    assert "cannot read ?.csv" in comet.requests("/update-status")[0].json["error"]


def test_a_strict_experiment_does_not_replace_the_exception_on_its_way(journals: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        Experiment(api_key="k", url="http://127.0.0.1:9", journal_folder=journals, strict=True),
    ):
        1 / 0  # noqa: B018


def test_a_journal_that_is_removed_costs_nothing_that_was_still_being_written(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    assert experiment.wait_for_url(5)
    remove(experiment._live._part.writer.folder)
    experiment.log_metric("m", 1)
    assert experiment.end(timeout=5).delivered
    assert [value["metricValue"] for value in comet.metric_values()] == [1]
    assert [a.json["is_alive"] for a in comet.requests("/status-report/update")][-1] is False


def test_a_journal_that_is_removed_and_cannot_be_made_anew_is_delivered_from_memory(
    comet: ScriptedComet,
    make: Make,
    journals: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    release = threading.Event()
    experiment = make()
    assert experiment.wait_for_url(5)
    experiment.log_metric("m", 0)
    assert experiment.flush(5)
    comet.rules.insert(0, lambda asked: release.wait(20) and None)
    experiment.log_metric("m", 1)
    monkeypatch.setattr(Path, "mkdir", refuse)
    remove(journals)
    experiment.log_metric("m", 2)
    release.set()
    experiment.end(timeout=10)
    assert experiment.stats().pending == 0
    assert [value["metricValue"] for value in comet.metric_values()] == [0, 1, 2]
    assert "cannot be made anew" in caplog.text


def test_a_report_names_no_journal_that_is_gone(journals: Path) -> None:
    experiment = Experiment(api_key="k", url="http://127.0.0.1:9", journal_folder=journals)
    experiment.log_metric("m", 1)
    assert "keeps them" in str(experiment.end(timeout=5))
    remove(journals)
    report = experiment.end(timeout=0)
    assert report.journal is None
    assert "No journal keeps them" in str(report)


def test_a_journal_that_is_removed_before_the_end_stays_its_own_process_s_to_deliver(
    comet: ScriptedComet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer's lock is let go of at the end: without the reader's, an adopter would take it for a dead one's."""
    monkeypatch.setattr(Courier, "_mend", lambda courier: None)
    release = threading.Event()
    experiment = make()
    assert experiment.wait_for_url(5)
    experiment.log_metric("m", 1)
    assert experiment.flush(5)
    comet.rules.insert(0, lambda asked: release.wait(20) and None)
    folder = experiment._live._part.writer.folder
    remove(folder)
    experiment.log_metric("m", 2)
    try:
        assert not experiment.end(timeout=0).delivered
        with pytest.raises(JournalError, match="another process"):
            JournalReader(folder)
    finally:
        release.set()
    assert experiment.end(timeout=10).delivered
    assert [value["metricValue"] for value in comet.metric_values()] == [1, 2]


def test_flush_is_about_what_was_logged_before_it(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    stop = threading.Event()

    def log() -> None:
        while not stop.is_set():
            experiment.log_metric("m", 1)

    thread = threading.Thread(target=log)
    thread.start()
    try:
        assert experiment.flush(20) is True
    finally:
        stop.set()
        thread.join()


def test_flush_does_not_call_refused_values_delivered(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    comet.answer_with("/experiment/metric", Answer(400, body={"msg": "never"}))
    experiment.log_metric("m", 1)
    assert experiment.flush(10) is False


def test_drops_are_counted_by_reason_and_said_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    experiment = make()
    for i in range(50):
        experiment.log_metric("m", f"n/a {i}")
        experiment.log_asset(f"/not/there/{i}")
    assert experiment.stats().dropped == {"not a number": 50, "log_asset: InvalidValueError": 50}
    assert len([record for record in caplog.records if "dropped" in record.message]) == 2


def test_a_call_with_many_values_is_sent_in_batches(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    experiment.log_metrics({f"m{i}": i for i in range(2500)})
    experiment.end()
    assert [len(asked.json["values"]) for asked in comet.requests("/experiment/metric")] == [1000, 1000, 500]


def test_no_thread_outlives_the_last_experiment(make: Make) -> None:
    before = set(threading.enumerate())
    make().end()
    deadline = time.monotonic() + 5
    while left := [t for t in set(threading.enumerate()) - before if t.name.startswith("zenml-comet")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def test_a_forked_child_logs_to_a_journal_of_its_own(comet: ScriptedComet, journals: Path) -> None:
    script = """
        experiment.log_metric("parent", 1)
        child = os.fork()
        if child == 0:
            experiment.log_metric("child", 2)
            report = experiment.end()
            os._exit(0 if report.delivered else 9)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        experiment.log_metric("parent", 3)
        assert experiment.end().delivered
        sys.exit(code)
    """
    done = _run(script, comet, journals)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted((v["metricName"], v["metricValue"]) for v in comet.metric_values()) == [
        ("child", 2.0),
        ("parent", 1.0),
        ("parent", 3.0),
    ]
    ends = [a for a in comet.requests("/status-report/update") if not a.json["is_alive"]]
    assert len(ends) == 1


def test_comets_names_and_defaults_are_kept() -> None:
    """Code written for Comet runs here: its argument names, order and defaults, as documented."""
    expected = {
        "log_metric": "name, value, step=None, epoch=None, context=None, include_context=True",
        "log_metrics": "dic, prefix=None, step=None, epoch=None, include_context=True",
        "log_parameter": "name, value, step=None",
        "log_parameters": "parameters, prefix=None, step=None, nested_support=True",
        "log_other": "key, value",
        "log_asset": "file_data, file_name=None, overwrite=False, copy_to_tmp=True, step=None, metadata=None",
        "log_model": "name, file_or_folder, file_name=None, overwrite=False, metadata=None, copy_to_tmp=True, "
        "prepend_folder_name=True",
        "log_figure": "figure_name=None, figure=None, overwrite=False, step=None, metadata=None, format='auto'",
        "log_text": "text, step=None, metadata=None",
        "log_html": "html, override=False, clear=False",
    }
    for name, wanted in expected.items():
        parameters = list(inspect.signature(getattr(Experiment, name)).parameters.values())[1:]
        plain = [p.replace(annotation=p.empty) for p in parameters]
        assert ", ".join(map(str, plain)) == wanted, name


def test_a_seeded_program_draws_the_same_numbers_whatever_the_server_does(comet: ScriptedComet, make: Make) -> None:
    comet.rules.append(lambda asked: Answer(503))
    random.seed(7)
    expected = [random.random() for _ in range(3)]
    random.seed(7)
    experiment = make(tags=["a"])
    experiment.log_metric("m", 1)
    drawn = [random.random()]
    experiment.flush(1)
    drawn.append(random.random())
    experiment.end(timeout=1)
    drawn.append(random.random())
    assert len(comet.asked) > 2
    assert drawn == expected
