"""Pictures, films, curves and tables of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import PurePath
from typing import Any

from zenml_comet_tracker.comet.api_experiment.assets import CURVE
from zenml_comet_tracker.comet.api_experiment.writing import Data, Writing
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.media.curves import curve_bytes
from zenml_comet_tracker.comet.media.pictures import image_bytes
from zenml_comet_tracker.comet.media.tables import table_file

# What Comet's page can play.
FILMS = (".mp4", ".mov", ".wmv", ".gif")


class Media(Writing):
    """Files that Comet's page shows, logged."""

    def log_image(
        self,
        filename: Data,
        image_name: str | None = None,
        step: Any = None,
        overwrite: bool | None = None,
        context: str | None = None,
        metadata: Any = None,
    ) -> dict[str, Any]:
        """Uploads a picture; `assetId` and `link` of the asset. POST `write/experiment/upload-asset`.

        A path, bytes or an open file as they are; a PIL image or an array of shape (h, w), (h, w, 3) or (h, w, 4) as
        PNG.
        """
        if not isinstance(filename, str | PathLike | bytes | bytearray) and not callable(
            getattr(filename, "read", None)
        ):
            filename, image_name = image_bytes(filename), image_name or "image.png"
        more = {"step": step, "context": context, "overwrite": overwrite, "metadata": metadata}
        return self._upload(filename, image_name, "image", **more)

    def log_video(
        self,
        filename: Data,
        name: str | None = None,
        overwrite: bool = False,
        step: Any = None,
        epoch: Any = None,
        context: str | None = None,
        metadata: Any = None,
    ) -> dict[str, Any]:
        """Uploads a film, given as a path, bytes or an open file; `assetId` and `link` of the asset.

        Comet plays mp4, mov, wmv and gif; `InvalidValueError` for a path with another ending. POST
        `write/experiment/upload-asset`.
        """
        if isinstance(filename, str | PathLike) and PurePath(filename).suffix.lower() not in FILMS:
            raise InvalidValueError(f"{filename} is no film that Comet plays; {', '.join(FILMS)} are")
        more = {"step": step, "epoch": epoch, "context": context, "overwrite": overwrite, "metadata": metadata}
        return self._upload(filename, name, "video", **more)

    def log_curve(
        self, name: str, x: Sequence[float], y: Sequence[float], overwrite: bool = False, step: Any = None
    ) -> dict[str, Any]:
        """Uploads a curve, two lists of numbers of one length; `assetId` and `link` of the asset.

        POST `write/experiment/upload-asset`.
        """
        content = curve_bytes(name, x, y)
        return self._upload(content, name, CURVE, step=step, overwrite=overwrite)

    def log_table(
        self, filename: str, tabular_data: Any = None, headers: Sequence[str] | bool = False, **format_kwargs: Any
    ) -> dict[str, Any]:
        """Uploads a table as the file that its name says; `assetId` and `link` of the asset.

        Rows as `.csv` or `.tsv`; a data frame also as `.json`, `.md` or `.html`, with `format_kwargs` as pandas takes
        them; without data the file of that name. `headers` are the columns' names, or True for those that the rows have
        as dictionaries, else `column1` and so on. POST `write/experiment/upload-asset`.
        """
        table = table_file(filename, tabular_data, headers, **format_kwargs)
        return self._upload(table.data, table.name, table.type or "asset")
