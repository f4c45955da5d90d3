"""The flavor `comet_rest` as ZenML's store knows it, held against the package that is installed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.cli.registration.changes import Change, zenml

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import FlavorResponse


@dataclass(frozen=True)
class FlavorDifference:
    """How the store's row of our flavor differs from this package: settings that only one of them knows, another class
    that it is loaded from, and whether anything differs at all, were it a description."""

    only_here: tuple[str, ...] = ()
    only_there: tuple[str, ...] = ()
    other_source: str = ""
    differs: bool = False

    @property
    def matters(self) -> bool:
        """Whether it is more than how the settings are described."""
        return bool(self.only_here or self.only_there or self.other_source)

    def __str__(self) -> str:
        parts = [f"is loaded from {self.other_source}"] if self.other_source else []
        if self.only_here:
            parts.append(f"lacks {', '.join(self.only_here)}")
        if self.only_there:
            parts.append(f"knows {', '.join(self.only_there)}, which this package does not")
        return " and ".join(parts) or "describes the settings otherwise than this package"


def flavor_row(client: Client) -> FlavorResponse | None:
    """What ZenML's store knows of our flavor."""
    from zenml.enums import StackComponentType

    from zenml_comet_tracker.flavor import FLAVOR

    try:
        return client.get_flavor_by_name_and_type(FLAVOR, StackComponentType.EXPERIMENT_TRACKER)
    except KeyError:
        return None


def compare_flavor(row: FlavorResponse) -> FlavorDifference:
    """What ZenML shows of our flavor (`--help`, its dashboard), held against the package that is installed here."""
    wanted = _flavor_fields()
    if all(getattr(row, name) == value for name, value in wanted.items()):
        return FlavorDifference()
    ours, theirs = (set(schema.get("properties", ())) for schema in (wanted["config_schema"], row.config_schema))
    other_source = "" if row.source == wanted["source"] else row.source
    return FlavorDifference(tuple(sorted(ours - theirs)), tuple(sorted(theirs - ours)), other_source, differs=True)


def flavor_change(client: Client) -> Change:
    """The flavor `comet_rest` is known to ZenML as this package describes it."""
    from zenml.enums import StackComponentType

    from zenml_comet_tracker.flavor import FLAVOR, SOURCE

    kind, what = StackComponentType.EXPERIMENT_TRACKER, f"Flavor {FLAVOR}"
    register = zenml("experiment-tracker", "flavor", "register", SOURCE)
    row = flavor_row(client)
    if row is None:
        return Change(
            what,
            "is registered",
            (register,),
            lambda: client.create_flavor(SOURCE, kind),
            lambda: client.delete_flavor(FLAVOR),
        )
    difference = compare_flavor(row)
    if not difference.differs:
        return Change(what)
    used = client.list_stack_components(type=kind, flavor=FLAVOR, size=1).total > 0
    commands = (
        ("# The zenml command cannot replace a flavor that is in use; `zenml-comet setup` can.",)
        if used
        else (zenml("experiment-tracker", "flavor", "delete", FLAVOR), register)
    )
    return Change(
        what,
        f"is brought up to date: what was registered {difference}",
        commands,
        lambda: _update_flavor(client, row, _flavor_fields()),
        lambda: _update_flavor(client, row, {name: getattr(row, name) for name in _flavor_fields()}),
        overwrites=f"{what} {difference}; a newer version of this package may have registered it"
        if difference.only_there
        else "",
    )


def _flavor_fields() -> dict[str, Any]:
    from zenml_comet_tracker.flavor import SOURCE, CometExperimentTrackerFlavor

    flavor = CometExperimentTrackerFlavor()
    described = {name: getattr(flavor, name) for name in ("config_schema", "logo_url", "docs_url", "sdk_docs_url")}
    return {"source": SOURCE, **described}


def _update_flavor(client: Client, row: FlavorResponse, fields: Mapping[str, Any]) -> None:
    from zenml.models import FlavorUpdate

    # No command and no method of ZenML's client does this, but its stores do, also those behind a server.
    client.zen_store.update_flavor(row.id, FlavorUpdate(**fields))
