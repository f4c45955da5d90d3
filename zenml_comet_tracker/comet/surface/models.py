"""Models: their files, and those that lie elsewhere."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media.files import file_contents, files_below
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.surface.files import FileData, Logged, name_in
from zenml_comet_tracker.comet.texts import text_of

_ELEMENT = "model-element"


class Models(Surface):
    """What `register_model` makes versions of."""

    @logging_call
    def log_model(
        self,
        name: str,
        file_or_folder: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        metadata: Any = None,
        copy_to_tmp: bool = True,
        prepend_folder_name: bool = True,
    ) -> Logged | list[tuple[str, Logged]] | None:
        """Logs a file as the model `name`, and returns the same as `log_asset`; or every file of a folder, and returns
        name and asset of each.

        Files are called as in the folder, its own name before unless `prepend_folder_name=False`.
        """
        more = {"type": _ELEMENT, "grouping_name": name, "overwrite": overwrite, "metadata": metadata}
        if not isinstance(file_or_folder, str | PathLike) or not Path(file_or_folder).is_dir():
            data, element = file_contents(file_or_folder, file_name)
            return self._record.file("asset", element, data, **more)
        folder = Path(file_or_folder).absolute()
        found = files_below(folder)
        if not found:
            raise InvalidValueError(f"the model folder {file_or_folder} holds no file")
        logged = []
        for path, inside in found:
            element = inside if prepend_folder_name else path.relative_to(folder).as_posix()
            logged.append((path.name, self._record.file("asset", element, path, **more)))
        return [(element, asset) for element, asset in logged if asset is not None]

    @logging_call
    def log_remote_model(
        self,
        model_name: str,
        uri: str,
        metadata: Any = None,
        sync_mode: bool = True,
        max_synced_objects: int = 10_000,
    ) -> None:
        """Logs the address of a model's file that stays where it is.

        With `sync_mode` a `file://` address of a folder stands for up to `max_synced_objects` files below it, each by
        its own address. Other storages are not looked into: each of their files is logged by an address of its own.
        """
        for address, element in _elements(text_of(uri), max_synced_objects if sync_mode else 0):
            self._record.link(address, element, type=_ELEMENT, grouping_name=model_name, metadata=metadata)


def _elements(uri: str, most: int) -> list[tuple[str, str]]:
    folder = Path(uri.removeprefix("file://"))
    if most and uri.startswith("file://") and folder.is_dir():
        return [(path.as_uri(), path.relative_to(folder).as_posix()) for path, _ in files_below(folder)[:most]]
    return [(uri, name_in(uri))]
