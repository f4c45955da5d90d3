"""Logging calls -> journal records. What cannot be logged is counted and said, and raised only when strict."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST
from zenml_comet_tracker.comet.live import Live
from zenml_comet_tracker.comet.names import FULL_NAME, LONG_VALUES, Names
from zenml_comet_tracker.comet.plain_metrics import PlainMetrics
from zenml_comet_tracker.comet.resources import metrics
from zenml_comet_tracker.comet.resources import parameters as parameters_resource
from zenml_comet_tracker.comet.resources.assets import download_url
from zenml_comet_tracker.comet.resources.others import NESTED_PARAMETERS_KEY
from zenml_comet_tracker.comet.scalars import is_rounded, number_of
from zenml_comet_tracker.comet.texts import quoted

logger = logging.getLogger(__name__)

# As many as one request may carry: a record is never divided.
MAX_VALUES_PER_RECORD = 1_000
# Of how many names it is remembered which long value was kept last.
_MAX_REMEMBERED = 1_000

T = TypeVar("T")


class Recorder:
    """Writes the records of one experiment."""

    def __init__(self, live: Live, *, strict: bool) -> None:
        self._live = live
        self._strict = strict
        self._names = Names(self._keep_full_name)
        self._plain = PlainMetrics(self._names)
        self._long: dict[str, bytes] = {}
        self._said: set[str] = set()
        self._nested = False

    def metric(self, name: Any, value: Any, step: Any, epoch: Any) -> None:
        """Records one metric; made for loops."""
        number = value if type(value) is float else number_of(value)
        start = self._plain.one(name, number)
        if number is not value and is_rounded(value):
            self._say_rounded(name)
        if start is None:
            self._metrics([values.metric(name, value)], step, epoch)
        else:
            self._live.append_lines(METRICS, start + self._line_end(step, epoch), 1)

    def metrics(self, holder: Any, prefix: str | None, step: Any, epoch: Any) -> None:
        """Records the metrics of one moment, nested ones by their full names; made for loops too."""
        # A copy, because another thread may change it.
        plain = holder.copy() if prefix is None and type(holder) is dict else None
        lines = None if plain is None else self._plain.many(plain, self._line_end(step, epoch))
        if lines is None or plain is None:
            self._metrics(values.metrics(holder, prefix, self._say_rounded), step, epoch)
        else:
            self._live.append_lines(METRICS, lines, len(plain))

    def parameter(self, name: Any, value: Any, step: Any) -> None:
        """Records one parameter, or several when the value holds named ones."""
        self._parameters(values.parameter(name, value), step)

    def parameters(self, holder: Any, prefix: str | None, step: Any) -> None:
        """Records parameters, nested ones by their full names."""
        self._parameters(values.parameters(holder, prefix), step)

    def other(self, key: Any, value: Any) -> None:
        """Records a named value."""
        self._others([values.other(key, value)])

    def others(self, dictionary: Any) -> None:
        """Records each named value of a mapping, or of what else holds such."""
        self._others(values.others(dictionary))

    def tags(self, tags: Iterable[Any]) -> None:
        """Records tags; empty ones are left out."""
        wanted = [self._names[name] for tag in tags if (name := values.name_of(tag))]
        if wanted:
            self._live.append(REST, [{"k": "tags", "t": _now(), "tags": wanted}])

    def html(self, html: Any, *, clear: bool) -> None:
        """Records a piece of HTML, or with `clear` the whole of it."""
        self._live.append(REST, [{"k": "html", "t": _now(), "html": values.text_of(html), "clear": clear}])

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
        name = self._names.of_file(values.name_of(file_name) or "unnamed")
        if "grouping_name" in more:
            more["grouping_name"] = self._names[values.name_of(more["grouping_name"])] or "unnamed"
        asset_id = uuid.uuid4().hex
        asset = {
            "asset_id": asset_id,
            "file_name": name,
            "extension": Path(name).suffix.lstrip(".") or None,
            "overwrite": bool(overwrite),
            "step": self._step(step),
            "epoch": self._epoch(epoch),
            "metadata": None if metadata is None else values.json_text(metadata),
            **more,
        }
        if not self._live.append_file(FILES, {"k": kind, "t": _now(), "asset": asset}, data, asset_id):
            return None
        header, handshake = self._live.header, self._live.handshake
        key = handshake.experiment_key if handshake else header.experiment_key
        return {"assetId": asset_id, "api": download_url(header.root, key, asset_id)}

    def _metrics(self, found: Iterable[tuple[str, values.WireNumber] | values.Refusal], step: Any, epoch: Any) -> None:
        pairs, refusal = self._without_refusals(found)
        step, epoch, millis, names = self._step(step), self._epoch(epoch), _now(), self._names
        self._append(METRICS, [metrics.row(names[name], value, millis, step, epoch) for name, value in pairs])
        self._raise_when_strict(refusal)

    def _line_end(self, step: Any, epoch: Any) -> bytes:
        if step is not None:
            step = self._step(step)
        if epoch is not None:
            epoch = self._epoch(epoch)
        return metrics.line_end(_now(), step, epoch)

    def _parameters(self, found: Iterable[tuple[str, values.WireScalar] | values.Refusal], step: Any) -> None:
        pairs, refusal = self._without_refusals(found)
        step, millis, names = self._step(step), _now(), self._names
        sent = [(names[name], value) for name, value in pairs]
        rows = [parameters_resource.row(name, self._fitted(name, value), millis, step) for name, value in sent]
        self._append(PARAMETERS, rows)
        if not self._nested and any(values.PARAMETER_SEPARATOR in name for name, _ in pairs):
            # Comet expects this mark beside nested parameters.
            self._nested = True
            self.other(NESTED_PARAMETERS_KEY, True)
        self._raise_when_strict(refusal)

    def _others(self, found: Iterable[tuple[str, values.WireScalar] | values.Refusal]) -> None:
        pairs, refusal = self._without_refusals(found)
        for name, value in pairs:
            sent = self._names[name]
            row = {"k": "other", "t": _now(), "name": sent, "value": self._fitted(sent, value)}
            self._live.append(REST, [row])
        self._raise_when_strict(refusal)

    def _append(self, lane: str, rows: list[Any]) -> None:
        for start in range(0, len(rows), MAX_VALUES_PER_RECORD):
            self._live.append(lane, rows[start : start + MAX_VALUES_PER_RECORD])

    def _step(self, step: Any) -> int | None:
        number = values.step_of(step)
        if number is None and step is not None:
            self._say("step", "the step %s is not a 64-bit integer; it is left out", quoted(step))
        return number

    def _epoch(self, epoch: Any) -> int | float | None:
        number = values.epoch_of(epoch)
        if number is None and epoch is not None:
            self._say("epoch", "the epoch %s is not a number; it is left out", quoted(epoch))
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
            self._say(
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
        self._say("name", "a name is too long; it is sent as %r, and whole as the other %s", sent, key)

    def _say_rounded(self, name: Any) -> None:
        self._say("rounded", "the integer of metric %s is beyond 2^53 and rounded to float64", quoted(name))

    def _say(self, kind: str, message: str, *arguments: object) -> None:
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
