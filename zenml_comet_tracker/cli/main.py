"""The entry point: `zenml-comet`."""

from __future__ import annotations

import errno
from typing import Any

import click

from zenml_comet_tracker import __version__
from zenml_comet_tracker.cli.failures import TOLD, failure, unusable
from zenml_comet_tracker.cli.lazy import Home, LazyGroup

_COMMANDS = {
    "demo": Home("demo", "demo", "Track a real pipeline on the local Comet."),
    "setup": Home("setup", "setup", "Register in ZenML what a tracked pipeline needs."),
    "doctor": Home("doctor", "doctor", "Look for what keeps steps from being tracked."),
    "up": Home("server", "up", "Start the local Comet."),
    "down": Home("server", "down", "Stop the local Comet."),
    "status": Home("server", "status", "Say whether and where the local Comet runs."),
    "open": Home("server", "open_page", "Open the local Comet in the browser, signed in."),
    "env": Home("env", "env", "Print the environment that leads Comet clients to the local Comet."),
    "experiments": Home("experiments", "experiments", "List the experiments of a project."),
    "show": Home("show", "show", "Show what one experiment holds."),
    "query": Home("experiments", "query", "List the experiments for which an expression holds."),
    "download": Home("download", "download", "Download the files of one experiment."),
    "export": Home("portable", "export", "Write a whole project into a folder, as open files."),
    "import": Home("portable", "import_", "Write an exported project to a server."),
    "verify": Home("verify", "verify", "Prove this client against the server that you use."),
    "pending": Home("pending", "pending", "Say what was logged and is not delivered yet."),
    "sync": Home("sync", "sync", "Deliver what an outage, a crash or an offline run left behind."),
    "discard": Home("discard", "discard", "Give up what waits, or what the server refused."),
    "panel": Home("panel", "panel", "Run a Python panel and write what it shows to an HTML file."),
    "local": Home("local", "local", "Look after the local Comet: its keys, its data."),
}


class _Commands(LazyGroup):
    """Turns known errors into messages with exit codes."""

    homes = _COMMANDS

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TOLD as error:
            raise failure(error) from error
        except OSError as error:
            # A pipe that nobody reads any more is click's matter.
            if error.errno == errno.EPIPE:
                raise
            raise unusable(error) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zenml-comet")
def main() -> None:
    """Track ZenML steps in Comet, on comet.com or on the local Comet that comes with this package."""


if __name__ == "__main__":
    main()
