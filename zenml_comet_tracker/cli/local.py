"""`zenml-comet local`: the local Comet's own household."""

from __future__ import annotations

import click

from zenml_comet_tracker.cli.lazy import Home, LazyGroup


class _Local(LazyGroup):
    homes = {
        "keys": Home("keys", "keys", "List, add, revoke and rotate the local Comet's API keys."),
    }


@click.group(cls=_Local)
def local() -> None:
    """Look after the local Comet: its keys, its data."""
