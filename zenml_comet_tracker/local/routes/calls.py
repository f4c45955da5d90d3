"""A request, ready for a route: its fields, its lane mark, and the store to work on."""

from __future__ import annotations

import asyncio
import contextlib
import re
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

import orjson
from fastapi import Depends, Request, Response
from starlette.datastructures import UploadFile

from zenml_comet_tracker.local.routes import multipart
from zenml_comet_tracker.local.routes.answers import RequestError, done
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store.lanes import LaneMark
from zenml_comet_tracker.local.store.store import Store, Target
from zenml_comet_tracker.local.traffic import STORED, Stored, StoredKind

MAX_BODY_BYTES = 64 << 20
# Parsing as many lists takes a tenth of a second, in which nobody else is answered.
MAX_CONTAINERS = 400_000
_UNPACKED_AT_ONCE = 1 << 20
# Texts are passed over as wholes, closed or not, so that each letter is looked at once.
_TEXT_OR_SPECIAL = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|(NaN|-?Infinity)', re.DOTALL)
# Single values are sent so; batches spell them as texts.
_MAX_SPECIAL_BYTES = 256 << 10
# Integers of which orjson may make doubles: what these calls keep as text, seeds for example, is to stay as it is.
_TEXT_OR_LONG_INTEGER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|(?<![\d.eE+-])(-?\d{20,})(?![\d.eE])', re.DOTALL)
_KEPT_AS_TEXT = ("/experiment/parameter", "/experiment/log-other", "/experiment/log-facts")
LANE_HEADER = "X-Comet-Lane"
# Of which attempt of its program the values are, or who opens the experiment.
ATTEMPT_HEADER = "X-Comet-Attempt"
# The version of the exactly-once protocol of that header, as whoever opens an experiment is told.
JOURNAL_LANES = 1
# As many facts as a client is told to send in one request.
FACTS_AT_ONCE = 500

Change: TypeAlias = Callable[[Target], None]


@dataclass(frozen=True)
class Call:
    """One request. `root` is the server's own URL, without a slash at its end; `stored` counts for the counters.

    `attempt` is the one that the values are of, where the client says so.
    """

    store: Store
    fields: Fields
    mark: LaneMark | None
    root: str
    path: str
    stored: Stored
    attempt: int | None

    def write(
        self,
        change: Change,
        key_field: str = "experimentKey",
        *,
        quiet: bool = False,
        stores: Stored | None = None,
    ) -> Response:
        """Makes the change to the experiment that the request names, unless it is stored already; answers OK."""
        with self.store.write_to(self.fields.text(key_field), self.mark, quiet=quiet) as target:
            if target.first_new == 0:
                change(target)
        if target.first_new == 0:
            self.stored.update(stores or {})
        return done()

    def write_values(self, kind: StoredKind | None, count: int, change: Change) -> Response:
        """As `write`, for a batch: `change` leaves out the values before `target.first_new`. `kind` counts them."""
        with self.store.write_to(self.fields.text("experimentKey"), self.mark, max(1, count)) as target:
            if target.first_new < count:
                change(target)
        if kind is not None:
            self.stored[kind] = max(0, count - target.first_new)
        return done()


@dataclass(frozen=True)
class Upload(Call):
    """A multipart request: the file, or the link of a remote one, and the metadata beside it. Its fields come from the
    query and from the part `requestParams`."""

    file: UploadFile | None
    link: str | None
    metadata: str | None

    @property
    def part_name(self) -> str:
        """The base name of the file part; empty when it has none."""
        name = self.file.filename if self.file is not None else None
        return PurePosixPath((name or "").replace("\\", "/")).name


def experiment_url(root: str, workspace: str, project: str, key: str = "") -> str:
    """Where a browser finds the experiment; without a key the beginning of all such URLs of the project."""
    return f"{root}/{quote(workspace, safe='')}/{quote(project, safe='')}/{key}"


async def read_json(request: Request) -> Call:
    """A call whose fields are the members of a JSON object."""
    members = await _json(request)
    if not isinstance(members, dict):
        raise RequestError(f"The body is a JSON {type(members).__name__}; expected an object.")
    return Call(fields=Fields(members), **_surroundings(request))


async def read_json_list(request: Request) -> Call:
    """A call whose body is a JSON list, as the field `body`."""
    return Call(fields=Fields({"body": await _json(request)}), **_surroundings(request))


async def _json(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestError(f"Content-Type is {kind or 'missing'}; expected application/json.", status=415)
    body = await _body(request)
    if body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
        raise RequestError(
            f"The body has more than {MAX_CONTAINERS:,} lists and objects. Send less at once.", status=413
        )
    if len(body) <= _MAX_SPECIAL_BYTES and request.url.path.endswith(_KEPT_AS_TEXT):
        body = _quoted(_TEXT_OR_LONG_INTEGER, body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(_with_special_numbers_quoted(body))
        raise RequestError(f"The body is not JSON: {error}.") from error


def _with_special_numbers_quoted(body: bytes) -> bytes:
    """The body as Python's `json` meant it, and the official SDK with it: they write NaN and Infinity bare."""
    if len(body) > _MAX_SPECIAL_BYTES:
        return b""
    return _quoted(_TEXT_OR_SPECIAL, body)


def _quoted(text_or_number: re.Pattern[bytes], body: bytes) -> bytes:
    """The body with the numbers that the pattern finds outside of texts made texts."""
    return text_or_number.sub(lambda found: b'"%b"' % found[1] if found[1] else found[0], body)


async def read_query(request: Request) -> Call:
    """A call whose fields are those of the query."""
    return Call(fields=Fields(request.query_params), **_surroundings(request))


async def read_upload(request: Request) -> AsyncIterator[Upload]:
    """A call with a file, which is let go of after the answer."""
    form = await multipart.read(request, MAX_BODY_BYTES, request.app.state.store.files.incoming)
    try:
        yield Upload(
            fields=Fields({**request.query_params, **multipart.parameters_of(form)}),
            file=multipart.file_of(form),
            link=multipart.text_of(form, "link"),
            metadata=multipart.text_of(form, "metadata"),
            **_surroundings(request),
        )
    finally:
        await form.close()


def _surroundings(request: Request) -> dict[str, Any]:
    header = request.headers.get(LANE_HEADER)
    try:
        mark = None if header is None else LaneMark.parse(header)
    except ValueError as error:
        raise RequestError(f"{LANE_HEADER}: {error}.") from error
    state = request.app.state
    return {
        "store": state.store,
        "mark": mark,
        "root": state.root,
        "path": request.url.path,
        "stored": request.scope.get(STORED, {}),
        "attempt": _attempt(request),
    }


def _attempt(request: Request) -> int | None:
    text = request.headers.get(ATTEMPT_HEADER)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RequestError(f"{ATTEMPT_HEADER}: {text[:100]!r} is no attempt; expected a number from 1.")
    return int(text)


async def _body(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("gzip", "identity"):
        raise RequestError(f"Content-Encoding is {encoding}; expected gzip or none.", status=415)
    # 16 + the window size: a gzip header, as opposed to a bare zlib one.
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
    body = bytearray()
    try:
        async for piece in request.stream():
            while piece:
                body += unzip.decompress(piece, _UNPACKED_AT_ONCE) if unzip else piece
                if len(body) > MAX_BODY_BYTES:
                    raise RequestError(f"The body is larger than {MAX_BODY_BYTES >> 20} MiB.", status=413)
                piece = unzip.unconsumed_tail if unzip else b""
                if piece:
                    # Little can become much, and others are waiting.
                    await asyncio.sleep(0)
    except zlib.error as error:
        raise RequestError(f"The body is not valid gzip: {error}.") from error
    if unzip and not unzip.eof:
        raise RequestError("The gzip body is cut off.")
    return bytes(body)


JsonCall: TypeAlias = Annotated[Call, Depends(read_json)]
# For a body that is a list: its fields hold the one value `body`.
JsonListCall: TypeAlias = Annotated[Call, Depends(read_json_list)]
QueryCall: TypeAlias = Annotated[Call, Depends(read_query)]
UploadCall: TypeAlias = Annotated[Upload, Depends(read_upload)]
