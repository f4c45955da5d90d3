"""A project of a list: its name, and its details too."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from typing import Any, SupportsIndex, overload


class ProjectName(str):
    """A project's name from which its details can be read.

    The documented API lists projects as mappings, the one that Comet ships lists their names: code for either finds
    here what it expects.

    >>> project = ProjectName({"projectName": "digits", "numberOfExperiments": 14})
    >>> project == "digits", project["numberOfExperiments"], dict(project)["projectName"]
    (True, 14, 'digits')
    """

    details: dict[str, Any]

    def __new__(cls, details: Mapping[str, Any]) -> ProjectName:
        name = super().__new__(cls, details["projectName"])
        name.details = dict(details)
        return name

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.details,)

    @overload
    def __getitem__(self, place: SupportsIndex | slice[Any, Any, Any]) -> str: ...
    @overload
    def __getitem__(self, place: str) -> Any: ...
    def __getitem__(self, place: Any) -> Any:
        return self.details[place] if isinstance(place, str) else super().__getitem__(place)

    def get(self, name: str, default: Any = None) -> Any:
        """One of the details."""
        return self.details.get(name, default)

    def keys(self) -> KeysView[str]:
        """The names of the details."""
        return self.details.keys()

    def values(self) -> ValuesView[Any]:
        """The details without their names."""
        return self.details.values()

    def items(self) -> ItemsView[str, Any]:
        """The details by name."""
        return self.details.items()
