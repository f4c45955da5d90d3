"""`zenml-comet local`: the local Comet's own household."""

from __future__ import annotations

import click

from zenml_comet_tracker.cli.lazy import Home, LazyGroup


class _Local(LazyGroup):
    homes = {
        "backup": Home("upkeep", "backup", "Write everything that was logged into one archive."),
        "restore": Home("upkeep", "restore", "Put a backup in place of the data."),
        "check": Home("upkeep", "check", "Read all data and say whether they are whole."),
        "gc": Home("upkeep", "gc", "Free what nothing needs any more."),
        "keys": Home("keys", "keys", "List, add, revoke and rotate the local Comet's API keys."),
    }


@click.group(cls=_Local)
def local() -> None:
    """Look after the local Comet: its keys, its data."""
