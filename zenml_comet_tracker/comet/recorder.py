"""Logging calls -> journal records. What cannot be logged is counted and said, and raised only when strict."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.resources.assets import download_url
from zenml_comet_tracker.comet.resources.others import NESTED_PARAMETERS_KEY

# As many as one request may carry: a record is never divided.
MAX_VALUES_PER_RECORD = 1_000


class Recorder:
    """Writes the records of one experiment."""

    def __init__(self, live: Live, *, strict: bool) -> None:
        self._live = live
        self._strict = strict

    def metrics(self, found: Iterable[tuple[str, values.WireNumber] | values.Refusal], step: Any, epoch: Any) -> None:
        """Records the metrics of one moment."""
        pairs, refusal = self._without_refusals(found)
        content: dict[str, Any] = {}
        if step is not None:
            content["p"] = values.step_of(step)
        if epoch is not None:
            content["e"] = values.epoch_of(epoch)
        self._append_pairs(METRICS, pairs, content)
        self._raise_when_strict(refusal)

    def parameters(self, parameters: Any, prefix: str | None, step: Any) -> None:
        """Records parameters, and the mark that Comet expects beside nested ones."""
        pairs, refusal = self._without_refusals(values.parameters(parameters, prefix))
        self._append_pairs(PARAMETERS, pairs, {"p": values.step_of(step)})
        if any(values.PARAMETER_SEPARATOR in name for name, _ in pairs):
            self.other(NESTED_PARAMETERS_KEY, True)
        self._raise_when_strict(refusal)

    def other(self, key: Any, value: Any) -> None:
        """Records a named value."""
        name = values.name_of(key)
        if not name:
            raise InvalidValueError("an other needs a name that is not empty")
        self._live.append(REST, {"k": "other", "name": name, "value": values.scalar(value)})

    def tags(self, tags: Iterable[Any]) -> None:
        """Records tags; empty ones are left out."""
        wanted = [name for tag in tags if (name := values.name_of(tag))]
        if wanted:
            self._live.append(REST, {"k": "tags", "tags": wanted})

    def html(self, html: Any, *, clear: bool) -> None:
        """Records a piece of HTML, or with `clear` the whole of it."""
        self._live.append(REST, {"k": "html", "html": values.text_of(html), "clear": clear})

    def file(
        self,
        kind: str,
        file_name: Any,
        data: Path | bytes,
        *,
        step: Any = None,
        epoch: Any = None,
        metadata: Any = None,
        overwrite: Any = False,
        **more: Any,
    ) -> dict[str, str] | None:
        """Records an `asset` or `image` with the bytes it has now; what the user gets to find it, None when dropped."""
        name = values.name_of(file_name) or "unnamed"
        if "grouping_name" in more:
            more["grouping_name"] = values.name_of(more["grouping_name"]) or "unnamed"
        asset_id = uuid.uuid4().hex
        asset = {
            "asset_id": asset_id,
            "file_name": name,
            "extension": Path(name).suffix.lstrip(".") or None,
            "overwrite": bool(overwrite),
            "step": values.step_of(step),
            "epoch": values.epoch_of(epoch),
            "metadata": None if metadata is None else values.json_text(metadata),
            **more,
        }
        if not self._live.append_file(FILES, {"k": kind, "asset": asset}, data, asset_id):
            return None
        header = self._live.header
        return {"assetId": asset_id, "api": download_url(header.root, header.experiment_key, asset_id)}

    def _append_pairs(self, lane: str, pairs: list[Any], content: dict[str, Any]) -> None:
        for start in range(0, len(pairs), MAX_VALUES_PER_RECORD):
            portion = pairs[start : start + MAX_VALUES_PER_RECORD]
            self._live.append(lane, {"v": portion, **content}, len(portion))

    def _without_refusals(self, found: Iterable[Any]) -> tuple[list[Any], values.Refusal | None]:
        """The pairs that can be logged, and the last of those that cannot, which are counted."""
        refusal = None
        pairs = []
        for item in found:
            if isinstance(item, values.Refusal):
                refusal = item
                self._live.drop(item.reason, item.message)
            else:
                pairs.append(item)
        return pairs, refusal

    def _raise_when_strict(self, refusal: values.Refusal | None) -> None:
        if refusal is not None and self._strict:
            raise InvalidValueError(refusal.message)
