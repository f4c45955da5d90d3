"""What the store cannot do for its caller.

StoreError
 ├── UnknownExperimentError
 ├── UnknownProjectError
 ├── UnknownAssetError
 ├── UnknownKeyError
 ├── ReadOnlyError            a signed-in browser asked for a change
 └── TakenError               the name or key is in use
"""

from __future__ import annotations


class StoreError(Exception):
    """Base; the text is meant for whoever sent the request."""


class UnknownExperimentError(StoreError):
    """No experiment has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no experiment with key {key!r}.")


class UnknownProjectError(StoreError):
    """No project has this id or name."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no project {what}.")


class UnknownAssetError(StoreError):
    """No asset has this id."""

    def __init__(self, asset_id: str) -> None:
        super().__init__(f"There is no asset with id {asset_id!r}.")


class UnknownKeyError(StoreError):
    """No good API key is called so."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no key called {name!r}; `zenml-comet local keys list` shows them.")


class ReadOnlyError(StoreError):
    """Whoever asks may only read."""

    def __init__(self) -> None:
        super().__init__("A browser's session only reads; this call needs the API key in the Authorization header.")


class TakenError(StoreError):
    """The name or key is in use already."""
