"""What comes with the status of a registered model's version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidArgumentError

_MEMBERS = ("status", "is_review_required", "status_configuration_items", "comment", "model_item_id")


@dataclass
class StatusConfigurationItem:
    """One entry."""

    key: str
    value: str


@dataclass
class ModelStatusConfiguration:
    """A status, whether somebody has to review it first, and entries to go with it; `model_item_id` is the version's.

    >>> ModelStatusConfiguration("Production", True, [StatusConfigurationItem("deployment", "enabled")])
    ModelStatusConfiguration(status='Production', is_review_required=True, status_configuration_items=[StatusConfigur\
ationItem(key='deployment', value='enabled')], comment=None, model_item_id=None)
    """

    status: str
    is_review_required: bool = False
    status_configuration_items: list[StatusConfigurationItem] = field(default_factory=list)
    comment: str | None = None
    model_item_id: str | None = None

    @classmethod
    def of(cls, given: ModelStatusConfiguration | Mapping[str, Any]) -> ModelStatusConfiguration:
        """The configuration itself, or what a dictionary of its members says. Raises `InvalidArgumentError`."""
        if isinstance(given, ModelStatusConfiguration):
            return given
        if not isinstance(given, Mapping) or not given.get("status") or not given.keys() <= set(_MEMBERS):
            raise InvalidArgumentError(
                f"status_configuration={given!r} cannot be read; expected a dictionary with 'status' and, as needed, "
                "'is_review_required', 'status_configuration_items' (a list of {'key': ..., 'value': ...}), 'comment'"
            )
        try:
            items = [StatusConfigurationItem(**item) for item in given.get("status_configuration_items") or ()]
        except TypeError:
            raise InvalidArgumentError(
                f"status_configuration_items={given['status_configuration_items']!r} cannot be read; expected a list "
                "of {'key': ..., 'value': ...}"
            ) from None
        return cls(**{**given, "status_configuration_items": items})

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> ModelStatusConfiguration | None:
        """What the server answers; None for nothing."""
        if not answer.get("status"):
            return None
        items = [StatusConfigurationItem(row["key"], row["value"]) for row in answer.get("statusConfiguration") or ()]
        review = bool(answer.get("isReviewRequired"))
        return cls(answer["status"], review, items, answer.get("comment"), answer.get("modelItemId"))

    def written(self) -> dict[str, Any]:
        """The body that sets it."""
        items = [{"key": item.key, "value": item.value} for item in self.status_configuration_items]
        body = {"status": self.status, "isReviewRequired": self.is_review_required, "statusConfiguration": items}
        return body if self.comment is None else {**body, "comment": self.comment}
