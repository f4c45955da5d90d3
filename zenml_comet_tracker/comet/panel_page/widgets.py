"""Widgets of a page that nobody clicks: each returns its default, or what it was given by its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from zenml_comet_tracker.comet.errors import ConfigurationError

_WORDS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


class Widgets:
    """What was given for widgets by their labels, and which labels there are."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        self._chosen = {_plain(label): value for label, value in chosen.items()}
        self._written = {_plain(label): label for label in chosen}
        self.labels: list[str] = []

    @property
    def unknown(self) -> list[str]:
        """Labels that were given and that no widget has."""
        seen = {_plain(label) for label in self.labels}
        return [written for plain, written in self._written.items() if plain not in seen]

    def was_given(self, label: str) -> bool:
        """Whether something was given for a widget."""
        return _plain(label) in self._chosen

    def given(self, label: str) -> str | None:
        """What was given for a widget, if anything."""
        self.labels.append(label)
        return self._chosen.get(_plain(label))

    def switch(self, label: str, default: bool) -> bool:
        """True or false."""
        given = self.given(label)
        if given is None:
            return bool(default)
        word = given.strip().lower()
        if word not in _WORDS:
            raise ConfigurationError(f"{label!r} was set to {given!r}; expected true or false.")
        return _WORDS[word]

    def text(self, label: str, default: Any) -> Any:
        """A text."""
        given = self.given(label)
        return default if given is None else given

    def number(self, label: str, default: Any) -> Any:
        """A number, whole where the default is."""
        given = self.given(label)
        if given is None:
            return default
        try:
            return int(given) if isinstance(default, int) else float(given)
        except ValueError:
            raise ConfigurationError(f"{label!r} was set to {given!r}; expected a number.") from None

    def choice(self, label: str, options: Sequence[Any], default: int | None, shown: Callable[[Any], Any]) -> Any:
        """One of the options; None where there are none."""
        given = self.given(label)
        if given is not None:
            return _find(label, options, given, shown)
        return options[default] if default is not None and options else None

    def choices(
        self, label: str, options: Sequence[Any], default: Sequence[Any], shown: Callable[[Any], Any]
    ) -> list[Any]:
        """Any number of the options; several are given with commas between them."""
        given = self.given(label)
        if given is None:
            return list(default)
        return [_find(label, options, part, shown) for part in given.split(",") if part.strip()]


def _find(label: str, options: Sequence[Any], given: str, shown: Callable[[Any], Any]) -> Any:
    for option in options:
        if given.strip() in (str(option).strip(), str(shown(option)).strip()):
            return option
    offered = ", ".join(repr(str(shown(option))) for option in options) or "nothing"
    raise ConfigurationError(f"{label!r} was set to {given!r}; it offers {offered}.")


def _plain(label: str) -> str:
    """A label as people type it: without the colon at its end, in any case."""
    return str(label).strip().rstrip(":?").strip().lower()


def drawn(label: str, value: str, options: Sequence[str] = ()) -> str:
    """A widget as the page shows it: its label, its value, and what else it offers when it is opened."""
    head = f"<span>{escape(str(label))}</span><b>{escape(value)}</b>"
    if not options:
        return f'<div class="widget">{head}</div>'
    items = "".join(f"<li{' class=chosen' if option == value else ''}>{escape(option)}</li>" for option in options)
    return f'<details class="widget"><summary>{head}</summary><ul>{items}</ul></details>'
