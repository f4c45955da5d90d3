"""Files: assets, and those of a model."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet import media
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.surface.base import Surface

FileData = Any


class Files(Surface):
    """Assets and models."""

    @logging_call
    def log_asset(
        self,
        file_data: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        copy_to_tmp: bool = True,
        step: Any = None,
        metadata: Any = None,
    ) -> dict[str, str] | None:
        """Logs a file, given as a path or an open file, with the bytes it has now.

        Returns `assetId` and the URL `api` where the bytes can be read with the API key. `copy_to_tmp` is accepted for
        the sake of code written for Comet: the bytes are always kept until they are delivered.
        """
        data, name = media.file_contents(file_data, file_name)
        return self._record.file("asset", name, data, step=step, overwrite=overwrite, metadata=metadata)

    @logging_call
    def log_asset_data(
        self,
        data: Any,
        name: str | None = None,
        overwrite: bool = False,
        step: Any = None,
        metadata: Any = None,
        file_name: str | None = None,
        epoch: Any = None,
    ) -> dict[str, str] | None:
        """Logs bytes, a text, or anything JSON can hold as a file; returns the same as `log_asset`."""
        content = media.data_bytes(data)
        return self._record.file(
            "asset",
            file_name or name or "data",
            content,
            step=step,
            epoch=epoch,
            overwrite=overwrite,
            metadata=metadata,
        )

    @logging_call
    def log_model(
        self,
        name: str,
        file_or_folder: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        metadata: Any = None,
    ) -> None:
        """Logs a file, or every file of a folder, as the model `name`."""
        found: list[tuple[Path | bytes, str]]
        if isinstance(file_or_folder, str | PathLike) and Path(file_or_folder).is_dir():
            found = list(media.files_below(Path(file_or_folder)))
            if not found:
                raise InvalidValueError(f"the model folder {file_or_folder} holds no file")
        else:
            found = [media.file_contents(file_or_folder, file_name)]
        for data, element in found:
            self._record.file(
                "asset",
                element,
                data,
                type="model-element",
                grouping_name=name,
                overwrite=overwrite,
                metadata=metadata,
            )
