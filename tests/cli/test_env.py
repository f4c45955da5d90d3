"""`zenml-comet env`: what it prints leads a client of Comet to the local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch


def test_a_shell_that_evaluates_it_reaches_the_local_comet(daemon_folder: Path) -> None:
    environment = {**os.environ, "ZENML_COMET_LOCAL_DATA": str(daemon_folder)}
    command = (
        f'eval "$({sys.executable} -m zenml_comet_tracker.cli.main env)"; echo "$COMET_URL_OVERRIDE $COMET_API_KEY"'
    )
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    url, key = done.stdout.split()
    with requests.Session() as session:
        session.trust_env = False
        root = url.removesuffix("/clientlib/")
        answer = session.get(f"{root}/api/rest/v2/workspaces", headers={"Authorization": key}, timeout=30)
    assert answer.json() == {"workspaceNames": ["local"]}


def test_json(daemon: launch.RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon.data))
    printed = json.loads(CliRunner().invoke(main, ["env", "--json"]).stdout)
    assert printed == {"COMET_URL_OVERRIDE": f"{daemon.url}/clientlib/", "COMET_API_KEY": daemon.api_key}
