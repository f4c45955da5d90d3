"""An environment for each of ZenML's trackers: what its integration asks for, in the newest versions that fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import zenml
from zenml.integrations.registry import integration_registry

PLACES = Path(__file__).parents[3] / ".venv-peers"
# The tracker's integration, where it is not called like it.
_INTEGRATIONS = {"vertex": "gcp"}
_SECONDS = 900


def python(tracker: str) -> Path | None:
    """The Python that has a tracker's SDK, which is installed when it is not yet; None when it cannot be."""
    if tracker == "comet":
        return Path(sys.executable)
    place = PLACES / tracker
    ready, executable = place / ".ready", place / "bin" / "python"
    wanted = _requirements(tracker)
    if ready.exists() and ready.read_text("utf-8") == wanted:
        return executable
    print(f"Setting up {place.relative_to(PLACES.parent)} (once; a minute)...", flush=True)
    asked = place.with_suffix(".txt")
    try:
        subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
        asked.write_text(wanted, "utf-8")
        command = [executable, "-m", "pip", "install", "--quiet", "--retries", "1", "-r", asked]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        print(f"{tracker} cannot be installed, so nothing of it is played: {said[-1] if said else error}", flush=True)
        return None
    ready.write_text(wanted, "utf-8")
    return executable


def _requirements(tracker: str) -> str:
    name = _INTEGRATIONS.get(tracker, tracker)
    wanted = [f"zenml[local]=={zenml.__version__}", *integration_registry.select_integration_requirements(name)]
    return "".join(f"{line}\n" for line in wanted)
