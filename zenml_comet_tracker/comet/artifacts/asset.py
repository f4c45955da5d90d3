"""One file or link of an artifact that is being put together."""

from __future__ import annotations

import uuid
from typing import Any


class ArtifactAsset:
    """One file or link of an `Artifact`. `size` is in bytes, 0 for a link."""

    __slots__ = ("_asset_type", "_id", "_link", "_local_path_or_data", "_logical_path", "_metadata", "_remote", "_size")

    def __init__(
        self,
        remote: bool,
        logical_path: str,
        size: int,
        link: str | None,
        metadata: dict[str, Any] | None,
        asset_type: str | None,
        local_path_or_data: Any = None,
        asset_id: str | None = None,
    ) -> None:
        self._remote = remote
        self._logical_path = logical_path
        self._size = size
        self._link = link
        self._metadata = metadata
        self._asset_type = asset_type
        self._local_path_or_data = local_path_or_data
        self._id = asset_id or uuid.uuid4().hex

    def __repr__(self) -> str:
        where = f"link={self._link!r}" if self._remote else f"size={self._size}"
        return f"ArtifactAsset({self._logical_path!r}, {where})"

    @property
    def id(self) -> str:
        """An id of its own; of a downloaded file, the one that the server knows it by."""
        return self._id

    @property
    def remote(self) -> bool:
        """Whether it is a link to something that lies elsewhere."""
        return self._remote

    @property
    def logical_path(self) -> str:
        """Its path in the artifact."""
        return self._logical_path

    @property
    def size(self) -> int:
        """In bytes, as it was when it was added; 0 for a link."""
        return self._size

    @property
    def link(self) -> str | None:
        """Where a remote file lies; None for others."""
        return self._link

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What was said of the file."""
        return self._metadata

    @property
    def asset_type(self) -> str | None:
        """Its type, None for the usual one."""
        return self._asset_type

    @property
    def local_path_or_data(self) -> Any:
        """The path of the file on this machine, or the data that was added; None for a link."""
        return self._local_path_or_data
