"""The application: the gate in front, Comet's API and the pages behind it."""

from __future__ import annotations

import functools
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from zenml_comet_tracker.local import auth, openapi
from zenml_comet_tracker.local.access_log import AccessLog
from zenml_comet_tracker.local.auth import Guard
from zenml_comet_tracker.local.gate import Gate
from zenml_comet_tracker.local.pages.views import error_page
from zenml_comet_tracker.local.pages.views import router as pages
from zenml_comet_tracker.local.routes import (
    account,
    artifacts,
    assets,
    callbacks,
    charts,
    counters,
    declarations,
    experiments,
    facts,
    git,
    handshake,
    keys,
    metrics,
    models,
    optimizer,
    others,
    parameters,
    projects,
    registry,
    registry_items,
    scenes,
    search,
    share_links,
    status,
    symlinks,
    system,
    system_metrics,
    tags,
    texts,
    upkeep,
    views,
)
from zenml_comet_tracker.local.routes.answers import RequestError, refused
from zenml_comet_tracker.local.routes.refusals import refusal
from zenml_comet_tracker.local.store import disk
from zenml_comet_tracker.local.store.faults import StoreError
from zenml_comet_tracker.local.store.store import Store
from zenml_comet_tracker.local.traffic import Counters, Traffic

REST = "/api/rest/v2"
CLIENTLIB = "/clientlib"
# Beside Comet's protocol, for the owner.
LOCAL = "/api/local"
# Under which the official SDK calls some of REST v2.
CLIENTLIB_REST = "/clientlib/rest/v2"

_NOUNS = (
    *(metrics, account, artifacts, assets, charts, experiments, facts, git, models, others),
    *(parameters, projects, registry, registry_items),
    *(search, share_links, status, symlinks, system, system_metrics, tags, texts, views),
)
_SDK_NOUNS = (
    *(metrics, account, assets, callbacks, git, handshake, models),
    *(parameters, scenes, status, symlinks, tags),
)
_LEGACY_NOUNS = (assets, projects)
_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def create_app(store: Store, api_key: str, port: int) -> ASGIApp:
    """The application that serves `store` at `http://127.0.0.1:{port}`; closing the store is the caller's."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.store = store
    app.state.root = f"http://127.0.0.1:{port}"
    app.state.gate = Gate(store, api_key, port)
    app.state.counters = Counters()
    app.state.openapi = functools.cache(_document)
    app.include_router(auth.router)
    app.include_router(keys.local, prefix=LOCAL)
    app.include_router(upkeep.local, prefix=LOCAL)
    app.include_router(counters.local, prefix=LOCAL)
    # Routes are tried one after the other: what comes a thousand times an experiment stands before the rest.
    for sdk_noun in _SDK_NOUNS:
        app.include_router(sdk_noun.clientlib, prefix=CLIENTLIB)
    for noun in _NOUNS:
        app.include_router(noun.rest, prefix=REST)
        app.include_router(noun.rest, prefix=CLIENTLIB_REST)
    for legacy_noun in _LEGACY_NOUNS:
        app.include_router(legacy_noun.legacy, prefix="/api")
    app.include_router(optimizer.optimizer, prefix="/optimizer")
    app.include_router(_nothing_else())
    app.include_router(pages)
    _answer_errors(app)
    return Traffic(Guard(app, app.state.gate), app.state.counters, AccessLog(store.folder))


def _document() -> dict[str, Any]:
    return openapi.document(
        [
            (REST, declarations.REST, [noun.rest for noun in _NOUNS]),
            (CLIENTLIB, declarations.CLIENTLIB, [noun.clientlib for noun in _SDK_NOUNS]),
        ]
    )


def _nothing_else() -> APIRouter:
    """Answers for every other path of the API, before a page takes it for the name of a workspace."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/api", methods=_ALL_METHODS)
    @router.api_route("/api/{path:path}", methods=_ALL_METHODS)
    @router.api_route("/clientlib", methods=_ALL_METHODS)
    @router.api_route("/clientlib/{path:path}", methods=_ALL_METHODS)
    def nothing(request: Request) -> Response:
        return refused(f"There is nothing to {request.method} at {request.url.path} on the local Comet.", 404)

    return router


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    def _request(_: Request, error: RequestError) -> Response:
        return refused(error.message, error.status, error.sdk_error_code)

    @app.exception_handler(StoreError)
    def _store(_: Request, error: StoreError) -> Response:
        return refusal(error)

    @app.exception_handler(OSError)
    def _disk(_: Request, error: OSError) -> Response:
        fault = disk.fault_of(error)
        if fault is None:
            raise error
        return refusal(fault)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors())
        return _error(request, 400, "That cannot be asked", wrong)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return auth.not_found(request.url.path)
        return _error(request, error.status_code, "That did not work", str(error.detail))

    @app.exception_handler(Exception)
    def _unforeseen(request: Request, _: Exception) -> Response:
        return _error(request, 500, "The server failed", "Its log says why.")


def _error(request: Request, status: int, title: str, detail: str) -> Response:
    if auth.is_api(request.url.path):
        return refused(f"{title}: {detail}", status)
    return error_page(status, title, detail)
