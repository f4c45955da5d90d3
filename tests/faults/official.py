"""The official SDK, for the columns beside ours: the calls that its users would write, and the way back it offers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.faults.plan import Plan


def environment(plan: Plan) -> dict[str, str]:
    """What a process of the SDK needs: our server, its archives in the plan's folder, nothing reported to anybody."""
    home = Path(plan.folder) / "home"
    home.mkdir(exist_ok=True)
    return {
        "COMET_URL_OVERRIDE": f"{plan.root}/clientlib/",
        "COMET_API_KEY": plan.api_key,
        "COMET_OFFLINE_DIRECTORY": str(plan.journals),
        "COMET_ERROR_TRACKING_ENABLE": "false",
        "HOME": str(home),
        **plan.environment,
    }


def open_experiment(plan: Plan) -> Any:
    """The SDK's experiment with every automatic logging off."""
    import comet_ml

    return comet_ml.Experiment(
        api_key=plan.api_key,
        workspace="w",
        project_name="faults",
        experiment_key=plan.experiment_key,
        log_code=False,
        log_graph=False,
        auto_param_logging=False,
        auto_metric_logging=False,
        auto_output_logging=False,
        log_env_details=False,
        log_git_metadata=False,
        log_git_patch=False,
        parse_args=False,
        display_summary_level=0,
    )


def upload(plan: Plan, seconds: float) -> list[str]:
    """Uploads the archives that the SDK left with its own command, word for word as it tells its users to.

    The keys of the experiments that this made: the command puts an archive into an experiment of its own.
    """
    command = [str(Path(sys.executable).with_name("comet")), "upload", "--force-reupload"]
    keys: list[str] = []
    for archive in sorted(plan.journals.glob("*.zip")):
        process = subprocess.Popen(
            [*command, str(archive)],
            env={**os.environ, **environment(plan)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
        keys += re.findall(r"has been uploaded on \S+ \S+/([0-9a-zA-Z]{32,50})\s", said)
    return [key for key in keys if key != plan.experiment_key]
