"""Pictures and films of an experiment."""

from __future__ import annotations

from os import PathLike
from pathlib import PurePath
from typing import Any

from zenml_comet_tracker.comet import media
from zenml_comet_tracker.comet.api_experiment.writing import Data, Writing
from zenml_comet_tracker.comet.errors import InvalidValueError

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
            filename, image_name = media.image_bytes(filename), image_name or "image.png"
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
