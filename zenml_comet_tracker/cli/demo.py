"""`zenml-comet demo`: a real pipeline, tracked on the local Comet, in a ZenML of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from zenml_comet_tracker.cli.failures import Failure
from zenml_comet_tracker.cli.program import typed
from zenml_comet_tracker.cli.server import sign_in_link
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.launch import RunningServer

EXAMPLE = Path("pipelines", "train_digits.py")
NEEDED = {"zenml": "zenml", "sklearn": "scikit-learn", "matplotlib": "matplotlib"}
LOG_TAIL = 15
_COMMAND = [sys.executable, "-m", f"{__package__}.demo_run"]


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo's own ZenML lives. [default: the user's data folder]",
)
def demo(folder: Path | None) -> None:
    """Track a real pipeline on the local Comet and print where to look.

    Your own ZenML and Comet configuration is not touched. The server stays up until `zenml-comet down`.
    """
    example = _example()
    _check_needs()
    folder = _made(folder or _default_folder())
    server = launch.ensure(idle_seconds=0)

    click.echo(f"Local Comet  {server.url}")
    click.echo(f"ZenML        {folder / 'zenml'}" + ("" if (folder / "zenml").exists() else " (new: a moment longer)"))
    click.echo("Pipeline     train_digits: load, train, evaluate\n")
    steps = _run_pipeline(example, folder)
    for step in steps:
        click.echo(f"{step['name']}  {step['url']}")
    if any(step["url"] is None for step in steps):
        raise Failure(f"A step was not tracked. What happened stands in {_log(folder)}")
    _say_what_next(server, steps)


def _say_what_next(server: RunningServer, steps: list[dict[str, Any]]) -> None:
    project = urlsplit(steps[-1]["url"]).path.rpartition("/")[0]
    click.echo(f"\nOpen   {sign_in_link(server, project)}")
    click.echo(f"       signs a browser in, once, within a minute; another link: {typed('open')}")
    click.echo(f"Rerun  {typed('demo')}")
    click.echo(f"Stop   {typed('down')}")


def _run_pipeline(example: Path, folder: Path) -> list[dict[str, Any]]:
    """Name and URL of each step's experiment, in the order in which they ran."""
    results = folder / "results.json"
    results.unlink(missing_ok=True)
    command = [*_COMMAND, str(example), str(results)]
    with _log(folder).open("wb") as log:
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        tail = _log(folder).read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:]
        raise Failure(
            "\n".join(["The pipeline failed. The last lines of its log:", *tail, f"All of it: {_log(folder)}"])
        )
    steps: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))
    return steps


def _environment(folder: Path) -> dict[str, str]:
    """The caller's environment without its Comet, and with a ZenML of the demo's own."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("ZENML_COMET_") or not name.startswith(("ZENML_", "COMET_"))
    }
    return {
        **ours,
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        # Without it ZenML takes the first repository above the working directory, and writes its active stack there.
        "ZENML_REPOSITORY_PATH": str(_repository(folder)),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_COLORS_DISABLED": "true",
        "ZENML_ENABLE_RICH_TRACEBACK": "false",
        "ZENML_COMET_JOURNAL": str(folder / "journal"),
        "MPLBACKEND": "Agg",
    }


def _check_needs() -> None:
    missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise Failure(f"The demo needs {', '.join(missing)}: pip install 'zenml-comet-tracker[local,examples]'", 5)


def _example() -> Path:
    """The example beside the package in a clone, else the one that was installed with it."""
    clone = Path(__file__).parents[2] / "examples" / EXAMPLE
    installed = Path(sys.prefix, "share", "zenml-comet-tracker", "examples") / EXAMPLE
    for path in (clone, installed):
        if path.is_file():
            return path
    raise Failure(f"The example pipeline is missing; it was looked for at {clone} and {installed}.")


def _made(folder: Path) -> Path:
    folder = folder.expanduser().resolve()
    try:
        # All that `zenml init` makes before it asks for the active stack.
        Path(_repository(folder), ".zen").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"The demo's folder {folder} cannot be made: {error}. Choose another: --folder", 4) from None
    return folder


def _default_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base, "zenml-comet", "demo")


def _repository(folder: Path) -> Path:
    return folder / "repository"


def _log(folder: Path) -> Path:
    return folder / "demo.log"
