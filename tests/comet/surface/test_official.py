"""What our experiment leaves on the server, and what the official SDK's leaves after the same calls."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.comet.surface.alike import PROJECT, WORKSPACE, arguments, log_alike
from tests.comet.surface.everything import Held, make_files
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet.experiment import Experiment

ROOT = Path(__file__).parents[3]
# The SDK says these of its own accord, each time that a step or an epoch begins.
SAID_ALONE = {"curr_step"}


@pytest.fixture(scope="module")
def both(local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Held, Held]:
    """Our experiment and the official one."""
    folder = tmp_path_factory.mktemp("alike")
    make_files(folder)
    (folder / "offline").mkdir()
    environment = {
        "COMET_URL_OVERRIDE": f"{local_server.url}/clientlib/",
        "COMET_LOGGING_CONSOLE": "ERROR",
        "COMET_OFFLINE_DIRECTORY": str(folder / "offline"),
        "PYTHONPATH": str(ROOT),
    }
    program = [sys.executable, "-m", "tests.comet.surface.alike", local_server.api_key, str(folder)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(program, env={**os.environ, **environment}, cwd=folder, **pipes) as official:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["program", "--lr", "0.5", "--fast"])
            experiment = Experiment(
                local_server.api_key, PROJECT, WORKSPACE, url=local_server.url, journal_folder=folder / "journals"
            )
            log_alike(experiment, folder)
            assert experiment.end().delivered
        printed, errors = official.communicate(timeout=120)
    assert official.returncode == 0, errors
    said = json.loads(printed.strip().splitlines()[-1])
    ours = Held(local_server, experiment.id, "batch", {})
    return ours, Held(local_server, said["key"], "batch", said["signatures"])


def test_metrics(both: tuple[Held, Held]) -> None:
    ours, theirs = (
        sorted(
            (p["metricName"], float(p["metricValue"]), p["step"], p["epoch"], p["runContext"])
            for p in held.get("experiment/metrics/get-all")["metrics"]
            # The SDK logs how long it lived.
            if p["metricName"] != "process duration"
        )
        for held in both
    )
    assert ours == theirs
    assert len(ours) == 10


def test_parameters(both: tuple[Held, Held]) -> None:
    ours, theirs = (held.current("experiment/parameters") for held in both)
    assert {name: theirs[name] for name in theirs if name not in SAID_ALONE | {"list", "fast"}} == {
        name: ours[name] for name in ours if name not in SAID_ALONE | {"list", "fast"}
    }
    # JSON either way, one with blanks.
    assert (ours["list"], theirs["list"].replace(" ", "")) == ("[1,2]", "[1,2]")
    assert ours["fast"].lower() == theirs["fast"].lower() == "true"


def test_others(both: tuple[Held, Held]) -> None:
    ours, theirs = (held.current("experiment/log-other") for held in both)
    assert ours == {name: value for name, value in theirs.items() if name in ours}
    assert set(ours) == {"Name", "note", "n", "dataset_info", "hasNestedParams"}


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("experiment/tags", "tags"),
        ("experiment/html", "html"),
        ("experiment/graph", "graph"),
        ("experiment/metadata", "filePath"),
        ("experiment/metadata", "experimentName"),
        ("experiment/system-details", "logAdditionalSystemInfoList"),
    ],
)
def test_facts(both: tuple[Held, Held], path: str, member: str) -> None:
    ours, theirs = (held.get(path)[member] for held in both)
    assert ours == theirs
    assert ours


def _assets(held: Held, kind: str) -> list[tuple[Any, ...]]:
    found = []
    for asset in held.assets(kind):
        name = "a sample" if kind == "text-sample" else asset["fileName"]
        content = None if asset["remote"] else hashlib.sha256(held.content(asset)).hexdigest()
        said = (asset["step"], asset["runContext"], asset["metadata"], asset["dir"])
        found.append((name, *said, asset["link"] if asset["remote"] else content))
    return sorted(found, key=repr)


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("asset", 9),
        ("audio", 2),
        ("model-element", 6),
        ("source_code", 1),
        ("notebook", 1),
        ("tensorflow-file", 4),
        ("text-sample", 1),
        ("image", 1),
        ("curve", 1),
        ("histogram3d", 1),
        ("confusion-matrix", 1),
        ("3d-image", 1),
    ],
)
def test_files(both: tuple[Held, Held], kind: str, count: int) -> None:
    ours, theirs = (_assets(held, kind) for held in both)
    assert ours == theirs
    assert len(ours) == count


def test_the_parts_of_a_scene(both: tuple[Held, Held]) -> None:
    ours, theirs = (
        {a["fileName"]: held.content(a).replace(b" ", b"") for a in held.assets("asset-item")} for held in both
    )
    assert ours == {name: content for name, content in theirs.items() if name != "thumbnail.png"}
    assert set(ours) == {"points.jsonl", "boxes.jsonl"}


# Bound to a framework, to the SDK's own threads, to its embeddings, or to a service that no server of ours has.
NOT_OFFERED = {
    *("clean", "create_confusion_matrix", "create_embedding_image", "disable_mp", "display_project"),
    *("get_callback", "get_hf_dataset", "get_keras_callback", "log_embedding", "register_callback"),
    *("set_offline_zip_uploader", "stop_early", "unregister_callback"),
}
# Older documents give these arguments of their own, which come first; the SDK's are taken by name.
CALLED_OTHERWISE = {"log_code", "log_html", "log_metric", "get_other"}


def test_every_method_of_the_official_sdk_is_there_with_its_arguments_in_their_order(both: tuple[Held, Held]) -> None:
    signatures = both[1].returned
    assert {name for name in signatures if not hasattr(Experiment, name)} == NOT_OFFERED
    for name in signatures.keys() - NOT_OFFERED:
        ours = arguments(getattr(Experiment, name))[1:]
        if name in CALLED_OTHERWISE:
            assert {argument for argument, _ in signatures[name]} <= {argument for argument, _ in ours}, name
        else:
            assert ours[: len(signatures[name])] == signatures[name], name
