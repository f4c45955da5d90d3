"""The scripts and styles of the page, at addresses that change with their content, so that browsers keep them for good.

Everything comes from this package and from the installed plotly; nothing is fetched from anywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import importlib.util
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

FOLDER = Path(__file__).with_name("static")
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_PLOTLY = "plotly.min.js"

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=1)
def digest() -> str:
    """Names this version of all files together: modules import each other by relative address."""
    state = hashlib.blake2b(importlib.metadata.version("plotly").encode(), digest_size=8)
    for path in sorted(FOLDER.iterdir()):
        state.update(path.name.encode() + path.read_bytes())
    return state.hexdigest()


def url(name: str) -> str:
    """Where the page finds the file `name`."""
    return f"/static/{digest()}/{name}"


@lru_cache(maxsize=32)
def _content(name: str) -> tuple[bytes, bytes] | None:
    """The file plain and gzipped; None for a name that is none of ours."""
    path = _plotly() if name == _PLOTLY else FOLDER / name
    known = name == _PLOTLY or name in {entry.name for entry in FOLDER.iterdir()}
    if not known or not path.is_file():
        return None
    plain = path.read_bytes()
    return plain, gzip.compress(plain, compresslevel=6, mtime=0)


def _plotly() -> Path:
    # Found without importing it: the import takes longer than serving the file.
    spec = importlib.util.find_spec("plotly")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0] if places else ".") / "package_data" / _PLOTLY


@router.get("/static/{version}/{name}")
def static_file(version: str, name: str, request: Request) -> Response:
    """A script or style, kept by the browser for a year. Today's content, unkept, at an older address."""
    content = _content(name)
    if content is None:
        return Response("There is no such file.\n", status_code=404, media_type="text/plain")
    plain, packed = content
    keep = "private, max-age=31536000, immutable" if version == digest() else "no-store"
    headers = {"Cache-Control": keep, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(plain, media_type=_TYPES[Path(name).suffix], headers=headers)
    return Response(packed, media_type=_TYPES[Path(name).suffix], headers={**headers, "Content-Encoding": "gzip"})
