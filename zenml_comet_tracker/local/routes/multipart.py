"""Multipart bodies, part by part; files go to disk while they come in."""

from __future__ import annotations

from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

import orjson
from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from zenml_comet_tracker.local.routes.answers import RequestError

# The name under which each call of Comet's protocol sends its file.
FILE_PARTS = ("file", "thumbnail", "assetItemContent")
TEXT_PARTS = ("link", "metadata", "requestParams")
_MAX_FIELDS = 20


async def read(request: Request, max_field_bytes: int, folder: Path) -> FormData:
    """The parts of the body, large files in `folder`; whoever asked closes them."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise RequestError(f"Content-Type is {kind or 'missing'}; expected multipart/form-data.", status=415)
    parser = _Parser(
        request.headers, request.stream(), max_files=1, max_fields=_MAX_FIELDS, max_part_size=max_field_bytes
    )
    parser.folder = folder
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RequestError(f"The body is not valid multipart/form-data: {error.message}") from error
    if not parser.ended:
        parser.close()
        raise RequestError("The multipart body is cut off: its last boundary is missing.")
    return form


def file_of(form: FormData) -> UploadFile | None:
    """The file part, whatever its name; None when there is none."""
    parts = (form.get(name) for name in FILE_PARTS)
    return next((part for part in parts if isinstance(part, UploadFile)), None)


def text_of(form: FormData, name: str) -> str | None:
    """A part that is a text; None when there is none."""
    part = form.get(name)
    return part if isinstance(part, str) else None


def parameters_of(form: FormData) -> dict[str, Any]:
    """The members of the JSON object in the part `requestParams`; none when it is not there."""
    text = text_of(form, "requestParams")
    if text is None:
        return {}
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The part requestParams is not JSON: {error}.") from error
    if not isinstance(members, dict):
        raise RequestError(f"The part requestParams is a JSON {type(members).__name__}; expected an object.")
    return members


class _Parser(MultiPartParser):
    """Takes a part for a file or a text by its name: clients leave the filename of files out, and the official SDK
    gives one to links. And knows a body that was cut off, whose last part would be missing without a word."""

    folder: Path
    ended = False

    def close(self) -> None:
        """Lets go of what came of files."""
        for file in self._files_to_close_on_error:
            file.close()

    def on_end(self) -> None:
        self.ended = True

    def on_headers_finished(self) -> None:
        part = self._current_part
        _, options = parse_options_header(part.content_disposition)
        name = options.get(b"name", b"").decode("latin-1")
        if name in FILE_PARTS and b"filename" not in options:
            part.content_disposition = (part.content_disposition or b"") + b'; filename=""'
        elif name in TEXT_PARTS:
            part.content_disposition = f'form-data; name="{name}"'.encode()
        super().on_headers_finished()
        if part.file is not None:
            # The folder for temporary files is often in memory.
            part.file.file.close()
            file = SpooledTemporaryFile(max_size=self.spool_max_size, dir=str(self.folder))  # noqa: SIM115
            self._files_to_close_on_error[-1] = file
            part.file.file = cast(BinaryIO, file)
