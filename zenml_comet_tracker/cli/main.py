"""The entry point. Commands are loaded when they are called: ZenML alone takes two seconds."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import click

from zenml_comet_tracker import __version__
from zenml_comet_tracker.cli.failures import TOLD, failure


class _Home(NamedTuple):
    module: str
    name: str
    summary: str


# The summaries stand here so that `--help` loads nothing either.
_COMMANDS = {
    "demo": _Home("demo", "demo", "Track a real pipeline on the local Comet."),
    "up": _Home("server", "up", "Start the local Comet."),
    "down": _Home("server", "down", "Stop the local Comet."),
    "status": _Home("server", "status", "Say whether and where the local Comet runs."),
    "open": _Home("server", "open_page", "Open the local Comet in the browser, signed in."),
    "env": _Home("env", "env", "Print the environment that leads Comet clients to the local Comet."),
    "pending": _Home("pending", "pending", "Say what was logged and is not delivered yet."),
    "sync": _Home("sync", "sync", "Deliver what an outage, a crash or an offline run left behind."),
    "discard": _Home("discard", "discard", "Give up what waits, or what the server refused."),
}


class _LazyGroup(click.Group):
    """Knows its commands by name only, and turns known errors into messages with exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = _COMMANDS.get(cmd_name)
        if home is None:
            return None
        module = importlib.import_module(f"{__package__}.{home.module}")
        command: click.Command = getattr(module, home.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, home.summary) for name, home in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TOLD as error:
            raise failure(error) from error


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zenml-comet")
def main() -> None:
    """Track ZenML steps in Comet, on comet.com or on the local Comet that comes with this package."""


if __name__ == "__main__":
    main()
