"""Logged files and HTML as a browser may have them: images inline, all else as a download, nothing with our origin."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from zenml_comet_tracker.local.pages.data import store_of
from zenml_comet_tracker.local.pages.rendering import error_page
from zenml_comet_tracker.local.store import views

router = APIRouter(prefix="/page-data", include_in_schema=False)

# Logged content never runs, never loads anything, and has no origin to speak of.
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_HEADERS = {"Content-Security-Policy": _SANDBOX, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN"}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".svg"}


@router.get("/experiments/{key}/assets/{asset_id}")
def asset_file(request: Request, key: str, asset_id: str) -> Response:
    """The bytes of a file: shown when they are those of an image, else offered as a download."""
    store = store_of(request)
    with store.read() as connection:
        experiment = views.find_experiment(connection, store.clock(), key)
        asset = views.find_asset(connection, experiment.id, asset_id) if experiment else None
    path = store.files.path(asset.sha256) if asset is not None and asset.sha256 is not None else None
    if asset is None or path is None or not path.is_file():
        return error_page(404, "There is no such file", "It may have been deleted since this page was opened.")
    kind = image_type(path, asset.name)
    headers = {**_HEADERS, "Cache-Control": "private, max-age=3600" if request.query_params.get("v") else "no-store"}
    return FileResponse(
        path,
        media_type=kind or "application/octet-stream",
        filename=Path(asset.name).name or "file",
        content_disposition_type="inline" if kind else "attachment",
        headers=headers,
    )


@router.get("/experiments/{key}/html")
def logged_html(request: Request, key: str) -> Response:
    """The HTML that the experiment logged, for a frame: it cannot run scripts, load anything or see this page."""
    store = store_of(request)
    with store.read() as connection:
        experiment = views.find_experiment(connection, store.clock(), key)
        text = views.html(connection, experiment.id) if experiment else None
    if text is None:
        return error_page(404, "There is no HTML here", "The experiment has logged none.")
    return HTMLResponse(text, headers=_HEADERS)


def image_type(path: Path, name: str) -> str | None:
    """The media type when the bytes are an image's that browsers show; a name alone is no proof, save for SVG."""
    try:
        with path.open("rb") as source:
            start = source.read(16)
    except OSError:
        return None
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    for signature, kind in _SIGNATURES:
        if start.startswith(signature):
            return kind
    return "image/svg+xml" if Path(name).suffix.lower() == ".svg" else None
