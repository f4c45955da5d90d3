"""Groups of commands that are loaded when they are called: ZenML alone takes two seconds."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import NamedTuple

import click


class Home(NamedTuple):
    """Where a command is, and its summary, so that `--help` loads nothing either."""

    module: str
    name: str
    summary: str


class LazyGroup(click.Group):
    """Knows its commands by name only."""

    homes: Mapping[str, Home] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = self.homes.get(cmd_name)
        if home is None:
            return None
        module = importlib.import_module(f"{__package__}.{home.module}")
        command: click.Command = getattr(module, home.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, home.summary) for name, home in self.homes.items()])
