"""What every writing method stands on: names, values, times and files as the server takes them, or an error."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from os import PathLike
from pathlib import Path, PurePath
from typing import Any, BinaryIO, TypeVar, cast

from zenml_comet_tracker.comet import values
from zenml_comet_tracker.comet.api_experiment.base import ExperimentBase
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.lazy import lazy
from zenml_comet_tracker.comet.names import FULL_NAME, LONG_VALUES, Names
from zenml_comet_tracker.comet.resources import assets, others
from zenml_comet_tracker.comet.scalars import number_of
from zenml_comet_tracker.comet.texts import quoted, shortened

logger = logging.getLogger(__name__)

T = TypeVar("T")
Data = str | PathLike[str] | bytes | Any


class Writing(ExperimentBase):
    """Values on their way out. A name or value that Comet would cut is kept whole beside it, as by `Experiment`."""

    @lazy
    def _names(self) -> Names:
        return Names(self._keep_full_name)

    def _name(self, name: Any, what: str) -> str:
        sent = self._names["" if name is None else values.name_of(name)]
        if not sent:
            raise InvalidValueError(f"{what} needs a name that is not empty")
        return sent

    def _fitted(self, name: str, wire: values.WireScalar) -> values.WireScalar:
        """The value itself, or the beginning of one that is too long, whose whole becomes an asset."""
        text = values.long_text(wire)
        if text is None:
            return wire
        file_name = f"{LONG_VALUES}/{name}.txt"
        self._upload(text.encode(), file_name, overwrite=True)
        logger.warning(
            "Experiment %s: %s has %d characters; Comet shows the beginning, the whole is the asset %s.",
            self.key,
            quoted(name),
            len(text),
            file_name,
        )
        return values.preview(text, file_name)

    def _keep_full_name(self, sent: str, whole: str) -> None:
        key = FULL_NAME + sent[-10:]
        others.write(self._transport, self.key, key, self._fitted(key, whole), now())
        logger.warning(
            "Experiment %s: a name is too long; it is sent as %r, and whole as the other %s.", self.key, sent, key
        )

    def _upload(
        self,
        data: Data,
        name: str | None = None,
        kind: str = "asset",
        *,
        step: Any = None,
        epoch: Any = None,
        context: str | None = None,
        overwrite: Any = False,
        metadata: Any = None,
    ) -> dict[str, Any]:
        """What the server says of an upload, `assetId` and `link` among it."""
        with opened(data) as (stream, found):
            file_name = self._names.of_file(values.name_of(name or found))
            asset = assets.AssetUpload(
                uuid.uuid4().hex,
                file_name,
                step=step_of(step),
                epoch=epoch_of(epoch),
                context=context,
                overwrite=bool(overwrite),
                metadata=None if metadata is None else values.json_text(metadata),
                extension=PurePath(file_name).suffix.lstrip(".") or None,
            )
            return assets.create(self._transport, self.key, asset, kind, stream)


def known_names(names: Iterable[Any], what: str) -> list[str]:
    """The names that these may have on the server: long ones whole and shortened."""
    found = [values.name_of(name) for name in names]
    if not all(found):
        raise InvalidValueError(f"{what} needs a name that is not empty")
    return list(dict.fromkeys(name for whole in found for name in (whole, shortened(whole))))


def now() -> int:
    """The time, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def millis_of(timestamp: Any) -> int:
    """A time in milliseconds since the epoch, now when none is given; `InvalidValueError` for what is none."""
    if timestamp is None:
        return now()
    millis = values.step_of(timestamp)
    if millis is None:
        raise InvalidValueError(f"a time is expected in milliseconds since the epoch; got {quoted(timestamp)}")
    return millis


def step_of(step: Any) -> int | None:
    """A step; `InvalidValueError` for what is none."""
    number = values.step_of(step)
    if number is None and step is not None:
        raise InvalidValueError(f"a step is expected to be a 64-bit integer; got {quoted(step)}")
    return number


def epoch_of(epoch: Any) -> int | float | None:
    """An epoch; `InvalidValueError` for what is none."""
    number = values.epoch_of(epoch)
    if number is None and epoch is not None:
        raise InvalidValueError(f"an epoch is expected to be a number; got {quoted(epoch)}")
    return number


def number(name: str, value: Any) -> float:
    """A number that JSON can carry; `InvalidValueError` for what is none."""
    found = values.step_of(value) if type(value) is int else number_of(value)
    if found is None or found != found or found in (float("inf"), float("-inf")):
        raise InvalidValueError(f"{name} is expected to be a finite number; got {quoted(value)}")
    return found


def text(name: str, value: Any) -> str:
    """The text of anything but None, for which `InvalidValueError`: it would read "None"."""
    if value is None:
        raise InvalidValueError(f"{name} is expected to be a text; got None")
    return values.text_of(value)


def listed(name: str, value: Iterable[T]) -> list[T]:
    """A list of anything; `InvalidValueError` for what is none, such as the one item of it."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidValueError(f"{name} is expected to be a list; got {quoted(value)}")
    return list(value)


def texts(name: str, value: Any) -> list[str]:
    """A list of texts; `InvalidValueError` for one text, whose letters would be taken for it, and for what is none."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidValueError(f"{name} is expected to be a list of texts; got {quoted(value)}")
    return [values.text_of(item) for item in value]


def good(found: Iterable[T | values.Refusal]) -> list[T]:
    """All values, when each can be logged; else `InvalidValueError`, before anything is sent."""
    accepted, refused = [], []
    for item in found:
        if isinstance(item, values.Refusal):
            refused.append(item.message)
        else:
            accepted.append(item)
    if refused:
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise InvalidValueError("; ".join(refused[:3]) + more)
    return accepted


@contextlib.contextmanager
def opened(data: Data) -> Iterator[tuple[BinaryIO, str]]:
    """The bytes of a path, of an open file from where it stands, or as they are given; and a name for them."""
    if isinstance(data, bytes | bytearray | memoryview):
        yield BytesIO(data), "file"
    elif isinstance(data, str | PathLike):
        path = Path(data)
        if not path.is_file():
            raise InvalidValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; a file is expected")
        with path.open("rb") as file:
            yield file, path.name
    elif callable(getattr(data, "read", None)):
        named = getattr(data, "name", None)
        name = Path(named).name if isinstance(named, str) else "file"
        with _from_start(data) as file:
            yield file, name
    else:
        raise InvalidValueError(f"a path, bytes or an open file is expected; got {type(data).__name__}")


@contextlib.contextmanager
def _from_start(source: Any) -> Iterator[BinaryIO]:
    """The file itself when it can be sent as it is, else a copy of what is left to read in it."""
    binary = isinstance(source.read(0), bytes)
    if binary and source.seekable() and source.tell() == 0:
        yield cast("BinaryIO", source)
        return
    with tempfile.TemporaryFile() as copy:
        if binary:
            shutil.copyfileobj(source, copy)
        else:
            while piece := source.read(1 << 20):
                copy.write(piece.encode())
        copy.seek(0)
        yield cast("BinaryIO", copy)
