"""Logging calls -> journal records. What cannot be logged is counted and said, and raised only when strict."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import orjson

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST
from zenml_comet_tracker.comet.last_values import MAX_NAMES, LastValues
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.names import FULL_NAME, LONG_VALUES, Names
from zenml_comet_tracker.comet.plain_metrics import PlainMetrics
from zenml_comet_tracker.comet.resources import metrics
from zenml_comet_tracker.comet.resources import parameters as parameters_resource
from zenml_comet_tracker.comet.resources.assets import download_url
from zenml_comet_tracker.comet.resources.others import NESTED_PARAMETERS_KEY, OF_THE_WHOLE
from zenml_comet_tracker.comet.scalars import is_rounded, number_of
from zenml_comet_tracker.comet.stand import Stand
from zenml_comet_tracker.comet.statements import Statements
from zenml_comet_tracker.comet.texts import quoted

logger = logging.getLogger(__name__)

# As many as one request may carry: a record is never divided.
MAX_VALUES_PER_RECORD = 1_000
# Of how many names it is remembered which long value was kept last.
_MAX_REMEMBERED = 1_000

T = TypeVar("T")


class Recorder(Statements):
    """Writes the records of one experiment."""

    def __init__(self, live: Live, *, strict: bool) -> None:
        super().__init__(live, Names(self._keep_full_name))
        self._strict = strict
        self.stand = Stand()
        self._plain = PlainMetrics(self._names)
        self.last = LastValues()
        self._long: dict[str, bytes] = {}
        self._said: set[str] = set()
        self._nested = False

    def metric(self, name: Any, value: Any, step: Any, epoch: Any, context: str | None = None) -> None:
        """Records one metric; made for loops. `context` is as it is sent."""
        number = value if type(value) is float else number_of(value)
        start = self._plain.one(name, number)
        if number is not value and is_rounded(value):
            self._say_rounded(name)
        if start is None or number is None:
            self._metrics([values.metric(name, value)], step, epoch, context)
        elif self._live.append_lines(METRICS, start + self._line_end(step, epoch, context), 1):
            last = self.last[context]
            last[name] = number
            if len(last) > MAX_NAMES:
                self.last.bound(last)

    def metrics(self, holder: Any, prefix: str | None, step: Any, epoch: Any, context: str | None = None) -> None:
        """Records the metrics of one moment, nested ones by their full names; made for loops too."""
        # A copy, because another thread may change it.
        plain = holder.copy() if prefix is None and type(holder) is dict else None
        lines = None if plain is None else self._plain.many(plain, self._line_end(step, epoch, context))
        if lines is None or plain is None:
            self._metrics(values.metrics(holder, prefix, self._say_rounded), step, epoch, context)
        elif self._live.append_lines(METRICS, lines, len(plain)):
            self.last.note(context, plain.items())

    def parameter(self, name: Any, value: Any, step: Any, source: str = parameters_resource.MANUAL) -> None:
        """Records one parameter, or several when the value holds named ones."""
        self._parameters(values.parameter(name, value), step, source)

    def parameters(self, holder: Any, prefix: str | None, step: Any, *, nested: bool = True) -> None:
        """Records parameters, nested ones by their full names, or whole."""
        self._parameters(values.parameters(holder, prefix, nested=nested), step)

    def go_to_epoch(self, epoch: Any) -> None:
        """What follows belongs to this epoch."""
        self._epoch(epoch)

    def other(self, key: Any, value: Any) -> None:
        """Records a named value."""
        self._others([values.other(key, value)])

    def others(self, dictionary: Any) -> None:
        """Records each named value of a mapping, or of what else holds such."""
        self._others(values.others(dictionary))

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
        context: str | None = None,
        members: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, str] | None:
        """Records an `asset`, an `image` or another kind of file with the bytes it has now.

        What the user gets to find it, None when dropped. `members` go into the record, `more` into what is said of the
        asset.
        """
        asset = self._asset(file_name, step, epoch, metadata, overwrite, context, more)
        row = {"k": kind, "t": _now(), "asset": asset, **(members or {})}
        if not self._live.append_file(FILES, row, data, asset["asset_id"]):
            return None
        # Comet's own client calls it otherwise for these.
        return self._found(asset) | ({"imageId": asset["asset_id"]} if kind == "image" else {})

    def link(
        self, uri: str, file_name: Any, *, step: Any = None, metadata: Any = None, overwrite: Any = False, **more: Any
    ) -> dict[str, str] | None:
        """Records a file that lies elsewhere; returns the same as `file`."""
        asset = self._asset(file_name, step, None, metadata, overwrite, None, more)
        written = self._live.append(REST, [{"k": "link", "t": _now(), "link": uri, "asset": asset}])
        return self._found(asset) if written else None

    def registration(self, model_name: Any, wanted: Mapping[str, Any]) -> bool:
        """Records that a model is to be registered: as a file, behind those that make it up."""
        item = {**wanted["item"], "experimentModelName": self._names[values.name_of(model_name)] or "unnamed"}
        content = orjson.dumps({**wanted, "item": item})
        row = {"k": "registration", "t": _now(), "name": item["experimentModelName"]}
        return self._live.append_file(FILES, row, content, uuid.uuid4().hex)

    def code(self, text: str, file_name: str) -> dict[str, str] | None:
        """Records the program's source: as that of the experiment, and as a file beside others of its kind."""
        self.source(text)
        metadata = {"source_code_type": "manual"}
        data = text.encode("utf-8", "replace")
        return self.file("asset", file_name, data, type="source_code", overwrite=True, metadata=metadata)

    def git_patch(self, zipped: bytes) -> dict[str, str] | None:
        """Records what was not committed: a zip that holds `git_diff.patch`, or a diff."""
        name = "git_diff.patch.zip" if zipped.startswith(b"PK") else "git_diff.patch"
        return self.file("git_patch", name, zipped)

    def _asset(
        self,
        file_name: Any,
        step: Any,
        epoch: Any,
        metadata: Any,
        overwrite: Any,
        context: str | None,
        more: dict[str, Any],
    ) -> dict[str, Any]:
        name = self._names.of_file(values.name_of(file_name) or "unnamed")
        if more.get("grouping_name") is not None:
            more["grouping_name"] = self._names[values.name_of(more["grouping_name"])] or "unnamed"
        return {
            "asset_id": uuid.uuid4().hex,
            "file_name": name,
            "extension": Path(name).suffix.lstrip(".") or None,
            "overwrite": bool(overwrite),
            "step": self._step(step),
            "epoch": self._epoch(epoch),
            "context": self._live.ranks.context_in(context or self.stand.context),
            "metadata": None if metadata is None else values.json_text(metadata),
            **more,
        }

    def _found(self, asset: Mapping[str, Any]) -> dict[str, str]:
        header, handshake, asset_id = self._live.header, self._live.handshake, asset["asset_id"]
        key = handshake.experiment_key if handshake else header.experiment_key
        url = download_url(header.root, key, asset_id)
        return {"assetId": asset_id, "api": url, "web": url}

    def _metrics(
        self,
        found: Iterable[tuple[str, values.WireNumber] | values.Refusal],
        step: Any,
        epoch: Any,
        context: str | None,
    ) -> None:
        pairs, refusal = self._without_refusals(found)
        step, epoch, millis, names = self._step(step), self._epoch(epoch), _now(), self._names
        sent = self._live.ranks.context_in(context)
        if self._append(METRICS, [metrics.row(names[name], value, millis, step, epoch, sent) for name, value in pairs]):
            self.last.note(context, pairs)
        self._raise_when_strict(refusal)

    def _line_end(self, step: Any, epoch: Any, context: str | None) -> bytes:
        # Asked here, to spare the loops a call.
        stand = self.stand
        step = stand.step if step is None else self._step(step)
        epoch = stand.epoch if epoch is None else self._epoch(epoch)
        return metrics.line_end(_now(), step, epoch, self._live.ranks.context_in(context))

    def _parameters(
        self,
        found: Iterable[tuple[str, values.WireScalar] | values.Refusal],
        step: Any,
        source: str = parameters_resource.MANUAL,
    ) -> None:
        pairs, refusal = self._without_refusals(found)
        step, millis, names = self._step(step), _now(), self._names
        context = self._live.ranks.context_in(self.stand.context)
        sent = [(names[name], value) for name, value in pairs]
        rows = [
            parameters_resource.row(name, self._fitted(name, value), millis, step, context, source)
            for name, value in sent
        ]
        self._append(PARAMETERS, rows)
        if not self._nested and any(values.PARAMETER_SEPARATOR in name for name, _ in pairs):
            # Comet expects this mark beside nested parameters.
            self._nested = True
            self.other(NESTED_PARAMETERS_KEY, True)
        self._raise_when_strict(refusal)

    def _others(self, found: Iterable[tuple[str, values.WireScalar] | values.Refusal]) -> None:
        pairs, refusal = self._without_refusals(found)
        for name, value in pairs:
            sent = self._names[name if name in OF_THE_WHOLE else self._live.ranks.name_in(name)]
            row = {"k": "other", "t": _now(), "name": sent, "value": self._fitted(sent, value)}
            self._live.append(REST, [row])
        self._raise_when_strict(refusal)

    def _append(self, lane: str, rows: list[Any]) -> bool:
        """Whether all of them are in the journal."""
        written = True
        for start in range(0, len(rows), MAX_VALUES_PER_RECORD):
            written &= self._live.append(lane, rows[start : start + MAX_VALUES_PER_RECORD])
        return written

    def _step(self, step: Any) -> int | None:
        """The step as it is sent, which what follows has too; without one that of what went before."""
        if step is None:
            return self.stand.step
        number = values.step_of(step)
        if number is None:
            self._warn("step", "the step %s is not a 64-bit integer; it is left out", quoted(step))
            return self.stand.step
        self.stand.step = number
        return number

    def _epoch(self, epoch: Any) -> int | float | None:
        """As `_step`."""
        if epoch is None:
            return self.stand.epoch
        number = values.epoch_of(epoch)
        if number is None:
            self._warn("epoch", "the epoch %s is not a number; it is left out", quoted(epoch))
            return self.stand.epoch
        self.stand.epoch = number
        return number

    def _fitted(self, name: str, wire: values.WireScalar) -> values.WireScalar:
        """The value itself, or the beginning of one that is too long, whose whole becomes an asset."""
        text = values.long_text(wire)
        if text is None:
            return wire
        file_name, content = f"{LONG_VALUES}/{name}.txt", text.encode()
        digest = hashlib.sha1(content, usedforsecurity=False).digest()
        if self._long.get(name) != digest:
            if len(self._long) >= _MAX_REMEMBERED:
                self._long.clear()
            self._long[name] = digest
            self.file("asset", file_name, content, overwrite=True)
            self._warn(
                "value",
                "%s has %d characters; Comet shows the beginning, the whole is the asset %s",
                quoted(name),
                len(text),
                file_name,
            )
        return values.preview(text, file_name)

    def _keep_full_name(self, sent: str, whole: str) -> None:
        key = FULL_NAME + sent[-10:]
        self._live.append(REST, [{"k": "other", "t": _now(), "name": key, "value": self._fitted(key, whole)}])
        self._warn("name", "a name is too long; it is sent as %r, and whole as the other %s", sent, key)

    def _say_rounded(self, name: Any) -> None:
        self._warn("rounded", "the integer of metric %s is beyond 2^53 and rounded to float64", quoted(name))

    def _warn(self, kind: str, message: str, *arguments: object) -> None:
        """Says the first case of each kind: nothing is lost, and a console is to stay readable."""
        if kind not in self._said:
            self._said.add(kind)
            key = self._live.header.experiment_key
            logger.warning(f"Experiment %s: {message}. This is said once.", key, *arguments)

    def _without_refusals(self, found: Iterable[T | values.Refusal]) -> tuple[list[T], values.Refusal | None]:
        """What can be logged, and the last of what cannot, which is counted."""
        refusal = None
        good = []
        for item in found:
            if isinstance(item, values.Refusal):
                refusal = item
                self._live.drop(item.reason, item.message, item.values)
            else:
                good.append(item)
        return good, refusal

    def _raise_when_strict(self, refusal: values.Refusal | None) -> None:
        if refusal is not None and self._strict:
            raise InvalidValueError(refusal.message)


def _now() -> int:
    return time.time_ns() // 1_000_000
