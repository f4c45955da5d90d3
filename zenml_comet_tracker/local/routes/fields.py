"""What a request says, read field by field: each getter gives the value in its type, or says what was wrong."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from zenml_comet_tracker.local.routes.answers import BAD_PROJECT_NAME, UNKNOWN_WORKSPACE, RequestError
from zenml_comet_tracker.local.routes.values import to_double

_KEY = re.compile("[0-9A-Za-z]{32,50}")
_TRUE, _FALSE = {"true", "1"}, {"false", "0", ""}
_MAX_INTEGER = 2**63 - 1
# As far as JavaScript's dates go, in milliseconds to either side of 1970.
_MAX_MOMENT = 8_640_000_000_000_000
# orjson reads 1,024 levels and writes 254.
_MAX_DEPTH = 100
MAX_NAME = 250
# Of names of what is logged, of ids and of tags. Values have no limit but the body's.
MAX_TEXT = 10_000
# Clients send a thousand. As many metrics that are all new keep other writers waiting for seconds.
MAX_BATCH = 30_000
MAX_TEXTS = 100_000
# These begin paths of the server's own, so that no workspace's page could be reached under them.
_RESERVED = {"api", "clientlib", "docs", "health", "openapi.json", "optimizer", "page-data", "sign-in", "static"}


class Fields:
    """The members of a JSON object or of a query. Null counts as absent, as Comet's clients send it.

    >>> Fields({"step": "3"}).integer("step")
    3
    """

    def __init__(self, members: Mapping[str, Any], where: str = "") -> None:
        self._members = members
        self._where = where

    def raw(self, name: str) -> Any:
        """The value as it came; None when absent."""
        return self._members.get(name)

    def value(self, name: str) -> Any:
        """Any JSON value, which must be there; null is a value."""
        if name not in self._members:
            raise self.error(name, "a value")
        return self.optional_value(name)

    def optional_value(self, name: str) -> Any:
        """Any JSON value; None when absent."""
        value = self.raw(name)
        if _depth_exceeds(value, _MAX_DEPTH):
            raise RequestError(f"{self._where}{name} is nested too deep; expected at most {_MAX_DEPTH} levels.")
        return value

    def text(self, name: str) -> str:
        """A text that must be there and not be empty."""
        text = self.optional_text(name)
        if not text:
            raise self.error(name, "a text that is not empty")
        self._limit(name, len(text), MAX_TEXT, "characters", 422)
        return text

    def optional_text(self, name: str) -> str | None:
        """A text, perhaps empty; None when absent."""
        value = self.raw(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, "a text")
        return value

    def content(self, name: str) -> str:
        """A text that must be there, perhaps empty."""
        text = self.optional_text(name)
        if text is None:
            raise self.error(name, "a text")
        return text

    def texts(self, name: str) -> list[str]:
        """A list of texts that must be there."""
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "a list of texts")
        self._limit(name, len(value), MAX_TEXTS, "texts", 413)
        self._limit(name, max(map(len, value), default=0), MAX_TEXT, "characters in one text", 422)
        return value

    def numbers(self, name: str) -> list[float]:
        """A list of numbers that must be there."""
        value = self.raw(name)
        numbers = [to_double(item) for item in value] if isinstance(value, list) else [None]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            raise self.error(name, "a list of numbers")
        return known

    def stated_number(self, name: str) -> float:
        """A number that must be there."""
        number = self.number(name)
        if number is None:
            raise self.error(name, "a number")
        return number

    def objects(self, name: str) -> list[Fields]:
        """A list of objects that must be there."""
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(name, "a list of objects")
        self._limit(name, len(value), MAX_BATCH, "objects", 413)
        return [Fields(item, f"{name}[{index}].") for index, item in enumerate(value)]

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, in JSON or in any of the spellings true, True, TRUE."""
        value = self.raw(name)
        if value is None:
            return default
        text = str(value).lower()
        if text not in _TRUE | _FALSE:
            raise self.error(name, "true or false")
        return text in _TRUE

    def stated_flag(self, name: str) -> bool:
        """A boolean that must be there."""
        if self.raw(name) is None:
            raise self.error(name, "true or false")
        return self.flag(name)

    def number(self, name: str) -> float | None:
        """A number or a text that spells one; None when absent."""
        value = self.raw(name)
        if value is None or value == "":
            return None
        number = to_double(value)
        if number is None:
            raise self.error(name, "a number")
        return number

    def integer(self, name: str) -> int | None:
        """A whole number of 64 bits (a fraction is cut off); None when absent."""
        value = self.raw(name)
        if isinstance(value, str):
            value = _spelled(value)
        if value is None:
            return None
        if not isinstance(value, int | float) or value != value or abs(value) > _MAX_INTEGER:
            raise self.error(name, "a whole number of 64 bits")
        return int(value)

    def moment(self, name: str) -> int | None:
        """A time in milliseconds since the epoch, within the range that dates have; None when absent."""
        return self._within(name, -_MAX_MOMENT, _MAX_MOMENT, "a time in milliseconds since 1970")

    def count(self, name: str) -> int | None:
        """A whole number from 1 to 10^9; None when absent."""
        return self._within(name, 1, 10**9, "a number from 1 to 1,000,000,000")

    def _within(self, name: str, least: int, greatest: int, expected: str) -> int | None:
        number = self.integer(name)
        if number is not None and not least <= number <= greatest:
            raise self.error(name, expected)
        return number

    def experiment_key(self, name: str = "experimentKey") -> str:
        """A key for a new experiment: 32 to 50 letters and digits."""
        text = self.text(name)
        if not _KEY.fullmatch(text):
            raise self.error(name, "32 to 50 letters and digits")
        return text

    def workspace(self, name: str, default: str) -> str:
        """The name of a workspace, `default` when absent or empty."""
        text = self.project(name, default)
        if text in _RESERVED:
            raise self.error(name, f"a name that is none of {sorted(_RESERVED)}", UNKNOWN_WORKSPACE)
        return text

    def project(self, name: str, default: str) -> str:
        """The name of a project, `default` when absent or empty."""
        text = self.optional_text(name) or default
        if len(text) > MAX_NAME:
            message = f"{self._where}{name} has {len(text)} characters; expected at most {MAX_NAME}."
            raise RequestError(message, sdk_error_code=BAD_PROJECT_NAME)
        if "/" in text or text in {".", ".."} or not text.isprintable() or text != text.strip():
            expected = "a name without slash, control characters and blanks around it"
            raise self.error(name, expected, BAD_PROJECT_NAME)
        return text

    def _limit(self, name: str, found: int, limit: int, unit: str, status: int) -> None:
        """Refuses what is too much: by 413 where less at once would go, by 422 where the value itself never will."""
        if found > limit:
            raise RequestError(f"{self._where}{name} has {found:,} {unit}; expected at most {limit:,}.", status=status)

    def error(self, name: str, expected: str, sdk_error_code: int = 0) -> RequestError:
        """The refusal of one field."""
        value = self._members.get(name)
        # Of a list or object only the beginning is written out: it may be a long one.
        shown = reprlib.repr(value) if isinstance(value, list | dict) else str(value)
        was = "is missing" if value is None else f"is {shown[:80]!r}"
        return RequestError(f"{self._where}{name} {was}; expected {expected}.", sdk_error_code=sdk_error_code)


def _depth_exceeds(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than `levels` deep: what is read must be writable again."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for outer in level if isinstance(outer, list | dict) for inner in _members(outer)]
        if not level:
            return False
    return True


def _members(outer: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _spelled(text: str) -> int | float | None:
    """The number that a query spells; the text's own float NaN (refused by the caller) when it spells none."""
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        number = to_double(text)
        return float("nan") if number is None else number
