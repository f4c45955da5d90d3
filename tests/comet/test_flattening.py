"""Nested names are joined as Comet's own client joins them; it is asked itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.structures import json_text

SDK_WRITER = """
import json, sys
import comet_ml
given = json.loads(sys.argv[2])
off = ("log_code log_graph parse_args auto_param_logging auto_metric_logging auto_output_logging log_env_details "
       "log_git_metadata log_git_patch").split()
experiment = comet_ml.OfflineExperiment(
    offline_directory=sys.argv[1], workspace="w", project_name="p", display_summary_level=0, **dict.fromkeys(off, False)
)
for prefix in (None, "val", "val/"):
    experiment.log_metrics(given, prefix=prefix)
    experiment.log_parameters(given, prefix=prefix)
experiment.end()
"""
DEEP: Any = 1
for _ in range(14):
    DEEP = {"d": DEEP}
GIVEN = {
    "lr": 0.1, "layer": {"units": 3, "inner": {"rate": 1e-9}}, "a/b": 1, "a|b": 2, "": {"k": 3}, "e": {"": 4},
    "größe 🚀": 5, "deep": DEEP, "1": {"2": 6},
}  # fmt: skip


def logged_by_the_sdk(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metrics and parameters by name, from the archive that the official client writes when it is offline."""
    environment = {**os.environ, "COMET_OFFLINE_DIRECTORY": str(folder)}
    command = [sys.executable, "-W", "ignore", "-c", SDK_WRITER, str(folder), json.dumps(GIVEN)]
    subprocess.run(command, check=True, capture_output=True, timeout=90, env=environment)
    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        messages = [json.loads(line)["payload"] for line in opened.read("messages.json").decode().splitlines()]
    metrics = {one["metric"]["metricName"]: one["metric"]["metricValue"] for one in messages if "metric" in one}
    metrics.pop("process duration", None)
    return metrics, {one["param"]["paramName"]: one["param"]["paramValue"] for one in messages if "param" in one}


def test_names_are_those_of_the_official_client(tmp_path: Path) -> None:
    metrics, parameters = logged_by_the_sdk(tmp_path)

    prefixes = (None, "val", "val/")
    assert dict(found for prefix in prefixes for found in values.metrics(GIVEN, prefix)) == metrics
    ours = dict(found for prefix in prefixes for found in values.parameters(GIVEN, prefix))
    assert sorted(ours) == sorted(parameters)
    deep = {name for name in parameters if "deep" in name}
    assert {name: value for name, value in ours.items() if name not in deep} == {
        name: value for name, value in parameters.items() if name not in deep
    }
    below: Any = DEEP
    for _ in range(9):
        below = below["d"]
    assert {ours[name] for name in deep} == {json_text(below)}
