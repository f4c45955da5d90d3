"""Files: single ones, folders, and those that lie elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.guard import logging_call
from zenml_comet_tracker.comet.media.files import data_bytes, file_contents, files_below
from zenml_comet_tracker.comet.stand import context_of
from zenml_comet_tracker.comet.surface.base import Surface
from zenml_comet_tracker.comet.texts import text_of

FileData = Any
Logged = dict[str, str]


class Files(Surface):
    """Assets, given as files, as data, as folders, or by their address."""

    @logging_call
    def log_asset(
        self,
        file_data: FileData,
        file_name: str | None = None,
        overwrite: bool = False,
        copy_to_tmp: bool = True,
        step: Any = None,
        metadata: Any = None,
    ) -> Logged | None:
        """Logs a file, given as a path or an open file, with the bytes it has now.

        Returns `assetId` and the URL `api` where the bytes can be read with the API key. `copy_to_tmp` is accepted for
        the sake of code written for Comet: the bytes are always kept until they are delivered.
        """
        data, name = file_contents(file_data, file_name)
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
    ) -> Logged | None:
        """Logs bytes, a text, or anything JSON can hold as a file; returns the same as `log_asset`."""
        content, shown = data_bytes(data), file_name or name or "data"
        more = {"step": step, "epoch": epoch, "overwrite": overwrite, "metadata": metadata}
        return self._record.file("asset", shown, content, **more)

    @logging_call
    def upload_asset(
        self,
        file: FileData,
        step: Any = None,
        overwrite: bool | None = None,
        context: Any = None,
        type: str | None = None,  # noqa: A002
        name: str | None = None,
        metadata: Any = None,
    ) -> Logged | None:
        """As `log_asset`, with a type ("audio", "curve" ...) and a context of its own."""
        data, shown = file_contents(file, name)
        more = {"step": step, "overwrite": overwrite, "metadata": metadata, "type": type}
        return self._record.file("asset", shown, data, context=context_of(context), **more)

    @logging_call
    def log_asset_folder(
        self,
        folder: str | PathLike[str],
        step: Any = None,
        log_file_name: bool | None = None,
        recursive: bool = False,
        metadata: Any = None,
    ) -> list[tuple[str, Logged]] | None:
        """Logs the files of a folder, with `recursive` those below its folders too; the name and asset of each.

        They go by their names alone, with `log_file_name` by their paths, from the folder's own name on.
        """
        return self._log_folder(Path(folder), bool(log_file_name), recursive, step=step, metadata=metadata)

    @logging_call
    def log_tensorflow_folder(self, folder: str | PathLike[str], metadata: Any = None) -> None:
        """Logs every file below a folder as one of TensorFlow's."""
        self._log_folder(Path(folder), True, True, type="tensorflow-file", metadata=metadata)

    @logging_call
    def log_tensorboard_folder(self, folder: str | PathLike[str], metadata: Any = None) -> None:
        """As `log_tensorflow_folder`, for TensorBoard's event files."""
        self._log_folder(Path(folder), True, True, type="tensorflow-file", metadata=metadata)

    @logging_call
    def log_remote_asset(
        self,
        uri: str,
        remote_file_name: str | None = None,
        overwrite: bool = False,
        asset_type: str = "asset",
        step: Any = None,
        metadata: Any = None,
    ) -> Logged | None:
        """Logs the address of a file that stays where it is; returns the same as `log_asset`. Nobody looks there."""
        address = "" if uri is None else text_of(uri)
        if not address:
            raise InvalidValueError("log_remote_asset needs the address of a file")
        kind = None if asset_type == "asset" else asset_type
        name = remote_file_name or name_in(address)
        more = {"step": step, "overwrite": overwrite, "metadata": metadata, "type": kind}
        return self._record.link(address, name, **more)

    def _log_folder(
        self, folder: Path, named_by_folder: bool, recursive: bool, **more: Any
    ) -> list[tuple[str, Logged]]:
        if not folder.is_dir():
            raise InvalidValueError(f"{folder} is no folder")
        files = files_below(folder.absolute(), lambda _: recursive)
        if not files:
            raise InvalidValueError(f"The folder {folder} holds no file")
        logged = [
            (path.name, self._record.file("asset", name if named_by_folder else path.name, path, **more))
            for path, name in files
        ]
        return [(name, asset) for name, asset in logged if asset is not None]


def name_in(uri: str) -> str:
    """The last part of an address, the whole where it has none."""
    try:
        return PurePosixPath(urlsplit(uri).path).name or uri
    except ValueError:
        # Brackets that look like those of IPv6.
        return uri


def described(metadata: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """What the user says of a file, and what we add; what is no mapping is kept as `metadata`.

    >>> described("mine", {"sample_rate": 8})
    {'metadata': 'mine', 'sample_rate': 8}
    """
    if metadata is None:
        return dict(more)
    return {**(metadata if isinstance(metadata, Mapping) else {"metadata": metadata}), **more}
