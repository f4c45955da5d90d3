"""Comet's own client in the process of an experiment of ours: both write to it, and how it ends is ours to say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.comet import programs
from tests.fixtures.local_server import LocalServer

# As docs/recipes.md has it; `status` asks the server.
PROGRAM = """
    import requests

    def status():
        asked = {"params": {"experimentKey": ours.id}, "headers": {"Authorization": os.environ["COMET_API_KEY"]}}
        root = os.environ["COMET_URL_OVERRIDE"].removesuffix("/clientlib/")
        return requests.get(root + "/api/rest/v2/experiment/metadata", **asked).json()["status"]

    def join():
        assert ours.wait_for_url(30)
        import comet_ml
        return comet_ml.start(experiment_key=ours.get_key(), mode="get")

    told = {}
    ours = experiment(api_key=None, workspace="team", project_name="beside")
    official = join()
    official.log_metric("theirs", 1.0)
    ours.log_metric("ours", 2.0)
    official.end()
    told["official ended"] = status()
    ours.log_metric("later", 3.0)
    ours.end(error="the step failed")
    told["ours ended"] = status()
    told["key"] = ours.id

    ours = experiment(api_key=None, workspace="team", project_name="beside")
    official = join()
    ours.end(error="the step failed")
    official.end()
    told["official ended last"] = status()
    print(json.dumps(told))
"""


@pytest.mark.long
def test_the_end_of_comets_own_client_is_not_ours(local_server: LocalServer, tmp_path: Path, journals: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "COMET_API_KEY": local_server.api_key,
        "COMET_URL_OVERRIDE": f"{local_server.url}/clientlib/",
    }
    done = programs.run(tmp_path, local_server.url, journals, PROGRAM, **environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    key = told.pop("key")
    assert told == {"official ended": "running", "ours ended": "failed", "official ended last": "failed"}
    summary = local_server.get("experiment/metrics/summary", experimentKey=key)["values"]
    values = {m["name"]: m["valueCurrent"] for m in summary}
    # The official client logs of its own accord too.
    assert values.items() >= {"theirs": "1.0", "ours": "2.0", "later": "3.0"}.items()
