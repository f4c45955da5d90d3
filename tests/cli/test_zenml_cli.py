"""Registering as a user types it, in a process of its own, a tracked run, and a search for the key in all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.fixtures.local_server import LocalServer

ROOT = Path(__file__).parents[2]

# What docs/zenml.md tells to type. The double braces are a reference to the secret.
COMMANDS = """
zenml secret create comet --api_key={key}
zenml experiment-tracker flavor register zenml_comet_tracker.flavor.CometExperimentTrackerFlavor
zenml experiment-tracker register comet_tracker --flavor=comet_rest --api_key={{{{comet.api_key}}}} --url={url}
zenml stack register comet_stack -o default -a default -e comet_tracker --set
zenml experiment-tracker describe comet_tracker
zenml experiment-tracker update comet_tracker --project_name=typed --workspace=by-hand --tags='["cli"]'
zenml experiment-tracker list
zenml stack describe
"""

# Every command in one process: each `zenml` of its own would take seconds to load the same modules.
SCRIPT = """
import json, shlex, sys
from zenml.cli.cli import cli
from zenml.client import Client

for line in sys.stdin.read().strip().splitlines():
    program, *arguments = shlex.split(line)
    print("$", arguments[:3], flush=True)
    cli.main(arguments, standalone_mode=False)

sys.path.insert(0, {root!r})
from tests import pipelines
pipelines.fitting([0.5, 0.25])
client = Client()
(run,) = client.list_pipeline_runs(size=1).items
step = client.get_pipeline_run(run.id).steps["fit"]
print(repr(client.active_stack.experiment_tracker), repr(client.active_stack.experiment_tracker.config))
print(step.model_dump_json())
with open("metadata.json", "w") as file:
    json.dump({{name: str(value) for name, value in step.run_metadata.items()}}, file)
"""


@pytest.fixture
def typed(zenml_folder: Path, local_server: LocalServer, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(zenml_folder),
        "ZENML_LOGGING_VERBOSITY": "DEBUG",
        "ZENML_COMET_JOURNAL": str(tmp_path / "journal"),
        "COLUMNS": "400",
    }
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=str(ROOT))],
        input=COMMANDS.format(key=local_server.api_key, url=local_server.url),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.long
def test_what_the_docs_tell_to_type_works_and_shows_the_key_nowhere(
    typed: subprocess.CompletedProcess[str], local_server: LocalServer, tmp_path: Path
) -> None:
    output = typed.stdout + typed.stderr
    assert typed.returncode == 0, output[-3000:]
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["experiment_tracker_url"].startswith(f"{local_server.url}/by-hand/typed/")
    key = metadata["comet_experiment_key"]
    answer = local_server.get("experiment/metrics/get-metric", experimentKey=key, metricName="loss")
    assert [float(point["metricValue"]) for point in answer["metrics"]] == [0.5, 0.25]
    assert "cli" in local_server.get("experiment/tags", experimentKey=key)["tags"]

    assert "{{comet.api_key}}" in output, "the component holds the reference"
    assert "$ ['stack', 'describe']" in output
    assert "| DEBUG " in output
    journal = [path.read_bytes().decode("latin-1") for path in (tmp_path / "journal").rglob("*") if path.is_file()]
    assert [text for text in (output, *journal, *_answers(local_server, key)) if local_server.api_key in text] == []


def _answers(server: LocalServer, key: str) -> list[str]:
    """What the pages and the REST interface say about the experiment."""
    code = server.call("POST", "api/local/sign-in-codes", json={}).json()["code"]
    with requests.Session() as browser:
        browser.trust_env = False
        signed_in = browser.get(f"{server.url}/sign-in", params={"code": code, "next": "/"}, timeout=30)
        assert signed_in.status_code == 200
        pages = [
            browser.get(f"{server.url}/{path}", timeout=30) for path in ("", "by-hand/typed", f"by-hand/typed/{key}")
        ]
    assert [page.status_code for page in pages] == [200, 200, 200]
    assert key in pages[2].text
    reads = ("metadata", "parameters", "log-other", "tags", "metrics/summary", "asset/list")
    told = [server.call("GET", f"api/rest/v2/experiment/{path}", params={"experimentKey": key}) for path in reads]
    return [answer.text for answer in (*pages, *told)]
