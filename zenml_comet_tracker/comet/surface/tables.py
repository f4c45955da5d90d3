"""Tables and data frames."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media.tables import (
    DATAFRAME,
    PROFILE,
    frame_bytes,
    is_frame,
    profile_bytes,
    table_file,
)
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.surface.files import Logged


class Tables(Surface):
    """Rows as files, and data frames with a page about them."""

    @logging_call
    def log_table(
        self,
        /,
        filename: str | PathLike[str],
        tabular_data: Any = None,
        headers: bool | Sequence[Any] = False,
        **format_kwargs: Any,
    ) -> Logged | None:
        """Logs rows as csv or tsv, as the ending of `filename` says, a data frame as json, md or html too; returns the
        same as `log_asset`.

        `headers` are the names of the columns, or `True` for `column1` and so on, for mappings their own names.
        `format_kwargs` go to the data frame's own method (`to_csv` ...). Without data, the file of that name.
        """
        data, name, kind = table_file(filename, tabular_data, headers, **format_kwargs)
        return self._record.file("asset", name, data, type=kind)

    @logging_call
    def log_dataframe_profile(
        self,
        /,
        dataframe: Any,
        name: str | None = "dataframe",
        minimal: bool = False,
        log_raw_dataframe: bool = True,
        dataframe_format: str = "json",
        **format_kwargs: Any,
    ) -> dict[str, Logged | None] | None:
        """Logs a page about a pandas data frame, its columns' types, missing values and, unless `minimal`,
        distributions; with `log_raw_dataframe` its values too. Returns the assets `profile` and `dataframe`."""
        if not is_frame(dataframe):
            raise InvalidValueError(f"A data frame is expected; got {type(dataframe).__name__}")
        label = name or "dataframe"
        page = profile_bytes(dataframe, bool(minimal))
        profile = self._record.file("asset", f"{label}-profile.html", page, type=PROFILE)
        raw = None
        if log_raw_dataframe:
            data = frame_bytes(dataframe, dataframe_format, **format_kwargs)
            raw = self._record.file("asset", f"{label}.{dataframe_format}", data, type=DATAFRAME)
        return {"profile": profile, "dataframe": raw}
