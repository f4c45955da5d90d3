"""Where the code of an experiment comes from."""

from __future__ import annotations

import io
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.api_experiment.writing import Writing, opened
from zenml_comet_tracker.comet.errors import InvalidValueError
from zenml_comet_tracker.comet.resources import git
from zenml_comet_tracker.comet.resources.git import PATCH_ENTRY

_PATCH_ENDINGS = (".patch", ".diff", ".zip")


class Git(Writing):
    """Git metadata and patch, read and set."""

    def get_git_metadata(self) -> dict[str, Any]:
        """`user`, `root`, `branch`, `parent` and `origin`; None where nothing was logged.

        GET `experiment/git/metadata`.
        """
        return git.read_metadata(self._transport, self.key)

    def set_git_metadata(
        self, user: str | None, root: str | None, branch: str | None, parent: str | None, origin: str | None
    ) -> dict[str, Any]:
        """Sets all git metadata: committer, hash of the root, branch, hash of the commit, address of the remote.

        POST `write/experiment/git/metadata`.
        """
        found = {"user": user, "root": root, "branch": branch, "parent": parent, "origin": origin}
        texts = {name: None if value is None else str(value) for name, value in found.items()}
        return git.write_metadata(self._transport, self.key, texts)

    def get_git_patch(self) -> bytes | None:
        """The patch as it was uploaded, mostly a zip that holds `git_diff.patch`; None when there is none.

        GET `experiment/git/patch`. `zenml_comet_tracker.comet.api_experiment.git.diff_of` takes the diff out of it.
        """
        return git.read_patch(self._transport, self.key)

    def set_git_patch(self, file_data: str | bytes | PathLike[str] | Any) -> dict[str, Any]:
        """Uploads a patch: the contents, or the name of a file that holds them. POST `write/experiment/git/patch`.

        It is sent as the official SDK does, as a zip with the one entry `git_diff.patch`.
        """
        archive = io.BytesIO(_zipped(_patch(file_data)))
        return git.write_patch(self._transport, self.key, archive, file_name=f"{PATCH_ENTRY}.zip")


def diff_of(patch: bytes) -> bytes:
    """The diff in what `get_git_patch` returned: the one file of the zip, or all of it when it is no zip."""
    if not zipfile.is_zipfile(io.BytesIO(patch)):
        return patch
    with zipfile.ZipFile(io.BytesIO(patch)) as archive:
        names = archive.namelist()
        name = PATCH_ENTRY if PATCH_ENTRY in names else (names[0] if len(names) == 1 else None)
        return patch if name is None else archive.read(name)


def _patch(file_data: Any) -> bytes:
    if isinstance(file_data, str) and not _is_file(file_data):
        if "\n" not in file_data and file_data.endswith(_PATCH_ENDINGS):
            raise InvalidValueError(f"{file_data} is not there; a patch is expected, as a text or as a file's name")
        return file_data.encode("utf-8", "replace")
    with opened(file_data) as (stream, _):
        return stream.read()


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        # A whole patch is no file's name: too long, or with characters that no name has.
        return False


def _zipped(patch: bytes) -> bytes:
    if zipfile.is_zipfile(io.BytesIO(patch)) and diff_of(patch) is not patch:
        return patch
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PATCH_ENTRY, patch)
    return written.getvalue()
