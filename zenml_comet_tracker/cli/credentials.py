"""Which API key a journal is delivered with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from zenml_comet_tracker.cli.program import typed

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.journal.record import Header
    from zenml_comet_tracker.comet.settings import ResolvedSettings
    from zenml_comet_tracker.local.launch import Address

logger = logging.getLogger(__name__)

Source = Callable[["Header"], "str | None"]


class Keys:
    """The keys at hand: the one that was typed, else that of the journal's ZenML component, of the local Comet, of the
    environment or a file."""

    def __init__(self, typed: str | None) -> None:
        self._typed = typed
        self._of_components: dict[str, str | None] = {}
        self._not_started: str | None = None

    def settings_for(self, header: Header) -> ResolvedSettings:
        """The settings for the journal's own server. Raises `ConfigurationError` when no key at hand is the journal's.

        A key that was typed for the purpose is believed: the journal's may have been mistyped, or rotated since. A
        journal that was written without a key takes any. The local Comet's own key is given to nobody else: that server
        is started when it does not run, and `ConfigurationError` raised when that fails. What was meant for it goes to
        where it is now.
        """
        from zenml_comet_tracker.comet.errors import ConfigurationError
        from zenml_comet_tracker.comet.settings import resolve

        key = self._typed or next(self._matching(header), None)
        if key is None:
            raise ConfigurationError(_NOT_THE_ONE if header.key_fingerprint else _NO_KEY)
        return resolve(api_key=key, url=_address_now(header, key))

    def _matching(self, header: Header) -> Iterator[str]:
        from zenml_comet_tracker.comet.journal.record import fingerprint

        for source in self._sources(header):
            key = source(header)
            if key and header.key_fingerprint in ("", fingerprint(key)):
                yield key

    def _sources(self, header: Header) -> list[Source]:
        if header.key_fingerprint:
            # Only one key fits, whoever has it, and ZenML takes seconds to ask.
            return [self._of_local, _configured, self._of_component]
        return [self._of_component, self._of_local, _configured]

    def _of_local(self, header: Header) -> str | None:
        from zenml_comet_tracker.comet.journal.record import fingerprint

        known = _known_local(header)
        if known is None or header.key_fingerprint not in ("", fingerprint(known.api_key)):
            return None
        # Whoever listens at its address while it does not run is a stranger.
        self._ensure_local(known.url)
        return known.api_key

    def _ensure_local(self, root: str) -> None:
        from zenml_comet_tracker.comet.errors import ConfigurationError
        from zenml_comet_tracker.local import errors, launch

        running: Address | None = None
        try:
            running = launch.find()
            # One failed start is enough: it may take a minute.
            if running is None and self._not_started is None:
                running = launch.ensure()
        except errors.LocalServerError as error:
            self._not_started = str(error)
        if running is None or running.url != root:
            why = self._not_started or "It has another address now."
            raise ConfigurationError(f"the local Comet does not run at {root}; start it: {typed('up')}. {why}")

    def _of_component(self, header: Header) -> str | None:
        component = header.component_id
        if component is None:
            return None
        if component not in self._of_components:
            self._of_components[component] = _component_key(component)
        return self._of_components[component]


_NOT_THE_ONE = (
    "no API key that is found here is the one that the journal was written with; say with --api-key which key to use"
)
_NO_KEY = (
    "no API key was found: give one with --api-key, in the environment variable COMET_API_KEY, or as "
    "'COMET_API_KEY: <key>' in .comet.yml in the working or home directory"
)


def _address_now(header: Header, key: str) -> str:
    """Where a journal goes that is delivered with this key."""
    known = _known_local(header)
    return known.url if known is not None and known.api_key == key else header.root


def _known_local(header: Header) -> Address | None:
    """The local Comet, running or not, when the journal is meant for it: by its address, or by its key, which no other
    server of this machine has, and an address that it had before."""
    from zenml_comet_tracker.comet.journal.record import fingerprint
    from zenml_comet_tracker.comet.transport import is_loopback
    from zenml_comet_tracker.local import errors, launch

    try:
        known = launch.address()
    except errors.LocalServerError as error:
        logger.warning("The local Comet's key is left out: %s", error)
        return None
    if known is None:
        return None
    moved = header.key_fingerprint == fingerprint(known.api_key) and is_loopback(header.root)
    return known if moved or known.url == header.root else None


def _configured(header: Header) -> str | None:
    from zenml_comet_tracker.comet.errors import ConfigurationError
    from zenml_comet_tracker.comet.settings import resolve

    try:
        return resolve(url=header.root).api_key
    except ConfigurationError as error:
        logger.debug("No configured key: %s", error)
        return None


def _component_key(component_id: str) -> str | None:
    """The key of a ZenML experiment tracker, in a secret of its own or openly; None when it cannot be had."""
    try:
        from zenml.client import Client
        from zenml.enums import StackComponentType
        from zenml.stack import StackComponent
        from zenml.utils import env_utils

        kind = StackComponentType.EXPERIMENT_TRACKER
        stored = Client().get_stack_component(kind, UUID(component_id), allow_name_prefix_match=False)
        tracker = StackComponent.from_model(stored)
        key = getattr(tracker.config, "api_key", None) or env_utils.resolve_secrets(tracker.secrets).get(
            "COMET_API_KEY"
        )
    except Exception as error:
        # ZenML's store may be elsewhere, and away; the component may be deleted, its secret too.
        logger.warning("The API key of the ZenML component %s cannot be read: %s", component_id, error)
        return None
    return str(key) if key else None
