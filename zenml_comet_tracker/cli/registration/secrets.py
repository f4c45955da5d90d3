"""The secret that holds the API key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zenml_comet_tracker.cli.registration.changes import KEY, KEY_VARIABLE, Change, zenml

if TYPE_CHECKING:
    from zenml.client import Client
    from zenml.models import SecretResponse


def reference_to(secret: str) -> str:
    """How a component names the API key in a secret."""
    return f"{{{{{secret}.{KEY}}}}}"


def secret_named(client: Client, name: str) -> SecretResponse | None:
    """The secret with exactly this name."""
    try:
        return client.get_secret(name, allow_partial_name_match=False)
    except KeyError:
        return None


def own_secret(reference: str | None) -> str | None:
    """The secret whose `api_key` a component refers to; None when it refers to none."""
    from zenml.utils import secret_utils

    if not reference or not secret_utils.is_secret_reference(reference):
        return None
    found = secret_utils.parse_secret_reference(reference)
    return found.name if found.key == KEY else None


def holds_key(client: Client, reference: str) -> bool:
    """Whether a component's API key is there: a plain one is, a reference has to lead somewhere."""
    from zenml.utils import secret_utils

    if not secret_utils.is_secret_reference(reference):
        return True
    found = secret_utils.parse_secret_reference(reference)
    stored = secret_named(client, found.name)
    return stored is not None and bool(stored.secret_values.get(found.key))


def secret_change(client: Client, name: str, key: str) -> Change:
    """The secret `name` holds this API key, beside whatever else it holds."""
    what = f"Secret {name}"
    stored = secret_named(client, name)
    if stored is None:
        return Change(
            what,
            "is made",
            (zenml("secret", "create", name, f"--{KEY}={KEY_VARIABLE}"),),
            _quietly(key, lambda: client.create_secret(name, {KEY: key})),
            lambda: client.delete_secret(name),
        )
    known = stored.secret_values.get(KEY)
    if known == key:
        return Change(what)
    before = {} if known is None else {KEY: known}
    return Change(
        what,
        "gets the API key",
        (zenml("secret", "update", name, f"--{KEY}={KEY_VARIABLE}"),),
        _quietly(key, lambda: client.update_secret(stored.id, add_or_update_values={KEY: key})),
        lambda: client.update_secret(
            stored.id, add_or_update_values=before or None, remove_values=None if before else [KEY]
        ),
        overwrites=f"{what} holds another API key" if known is not None else "",
    )


def _quietly(key: str, change: Callable[[], object]) -> Callable[[], object]:
    """The same change, whose errors never quote the key: a server may send back what it refuses."""

    def changed() -> object:
        try:
            return change()
        except Exception as error:
            raise RuntimeError(str(error).replace(key, "***") or type(error).__name__) from None

    return changed
