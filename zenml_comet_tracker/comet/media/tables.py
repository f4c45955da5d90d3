"""Rows and data frames -> a file of them."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.media.files import file_contents
from zenml_comet_tracker.comet.texts import text_of

DATAFRAME = "dataframe"
PROFILE = "dataframe-profile"
_SEPARATORS = {"csv": ",", "tsv": "\t"}
_FRAME_FORMATS = ("csv", "tsv", "json", "md", "html")


class TableFile(NamedTuple):
    """The bytes of a table or the path of its file, the file's name, and Comet's type of it, None for a plain asset."""

    data: bytes | Path
    name: str
    type: str | None


def table_file(
    filename: str | PathLike[str], tabular_data: Any = None, headers: bool | Sequence[Any] = False, **format_kwargs: Any
) -> TableFile:
    """A table as the ending of its name says: rows as csv or tsv, a data frame as json, md or html too.

    `headers` are the names of the columns, `True` for those of the first row when rows are mappings, else `column1` and
    so on. `format_kwargs` go to the data frame's own method. Without data, the file of that name as it is.
    """
    name = str(filename)
    if tabular_data is None:
        data, shown = file_contents(filename, None)
        return TableFile(data, shown, None)
    ending = Path(name).suffix.lstrip(".").lower()
    if is_frame(tabular_data):
        return TableFile(frame_bytes(tabular_data, ending, **format_kwargs), name, DATAFRAME)
    if ending not in _SEPARATORS:
        raise InvalidValueError(f"A table of rows is a .csv or .tsv file; got the name {name!r}")
    return TableFile(
        _delimited(_rows(tabular_data), headers, _SEPARATORS[ending]).encode("utf-8", "replace"), name, None
    )


def is_frame(data: Any) -> bool:
    """Whether it is a data frame, of pandas or one that has its methods."""
    return callable(getattr(data, "to_csv", None)) and hasattr(data, "columns")


def frame_bytes(frame: Any, ending: str, **format_kwargs: Any) -> bytes:
    """A data frame in the format that an ending stands for."""
    if ending not in _FRAME_FORMATS:
        raise InvalidValueError(f"A data frame is a file of one of {', '.join(_FRAME_FORMATS)}; got {ending!r}")
    if ending in _SEPARATORS:
        return str(frame.to_csv(**{"sep": _SEPARATORS[ending], **format_kwargs})).encode("utf-8", "replace")
    write = {"json": "to_json", "md": "to_markdown", "html": "to_html"}[ending]
    return str(getattr(frame, write)(**format_kwargs)).encode("utf-8", "replace")


def profile_bytes(frame: Any, minimal: bool = False) -> bytes:
    """A page about a data frame: for each column its type, what is missing, and, unless `minimal`, its distribution."""
    rows, columns = frame.shape
    summary = frame.dtypes.to_frame("type")
    summary["missing"] = frame.isna().sum()
    if not minimal and columns:
        summary = summary.join(frame.describe(include="all").T, how="left")
    table = summary.to_html(na_rep="")
    title = html.escape(f"{rows} rows, {columns} columns")
    return f"<!doctype html><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>{table}".encode(
        "utf-8", "replace"
    )


def _rows(data: Any) -> list[Any]:
    tolist = getattr(data, "tolist", None)
    found = tolist() if callable(tolist) else data
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise InvalidValueError(f"A table is a list of rows or a data frame; got {type(data).__name__}")
    return list(found)


def _delimited(rows: list[Any], headers: bool | Sequence[Any], separator: str) -> str:
    by_name = bool(rows) and all(isinstance(row, Mapping) for row in rows)
    names = list(dict.fromkeys(name for row in rows for name in row)) if by_name else []
    cells = [[row.get(name) for name in names] for row in rows] if by_name else [_cells(row) for row in rows]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator)
    if headers is True:
        width = max(map(len, cells), default=0)
        writer.writerow(names or [f"column{number}" for number in range(1, width + 1)])
    elif headers:
        writer.writerow([headers] if isinstance(headers, str) else [text_of(header) for header in headers])
    writer.writerows(cells)
    return stream.getvalue()


def _cells(row: Any) -> list[Any]:
    if isinstance(row, Iterable) and not isinstance(row, str | bytes):
        return list(row)
    return [row]
