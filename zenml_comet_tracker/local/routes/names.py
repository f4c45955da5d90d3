"""Lists of names that a request may carry."""

from __future__ import annotations

from zenml_comet_tracker.local.routes.fields import Fields


def optional_names(fields: Fields, name: str) -> list[str] | None:
    """A list of texts that are not empty; None when absent. One text is a list of one, as R writes it."""
    if fields.raw(name) is None:
        return None
    names = [fields.text(name)] if isinstance(fields.raw(name), str) else fields.texts(name)
    if "" in names:
        raise fields.error(name, "texts that are not empty")
    return names
