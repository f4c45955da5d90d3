"""Who may in: nobody without an API key or a signed-in browser's cookie. Stands before all routes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zenml_comet_tracker.local.gate import CODE_SECONDS, OWNER, Gate
from zenml_comet_tracker.local.headers import FIXED_HEADERS
from zenml_comet_tracker.local.origin import SAFE_METHODS, foreign
from zenml_comet_tracker.local.pages.views import error_page, sign_in_page
from zenml_comet_tracker.local.routes.answers import BAD_API_KEY, answer, refused
from zenml_comet_tracker.local.store import sessions
from zenml_comet_tracker.local.store.store import reading_only

SIGN_IN = "/sign-in"
SIGN_IN_CODES = "/api/local/sign-in-codes"
CHALLENGE_HEADER, PROOF_HEADER = "X-Comet-Challenge", "X-Comet-Proof"
CSRF_HEADER = "X-CSRF-Token"
# In the state of a session's request; others have none.
_CSRF_TOKEN = "csrf_token"  # noqa: S105
# Writes wait for their turn in the store, each in one of the forty threads that answer requests: some are left for
# those who read. Many may wait, because those that do are committed together. Places are given in the order of asking,
# which the store does not keep.
WRITES_AT_ONCE = 24

_PUBLIC = {"/health", SIGN_IN}
_HANDSHAKES = {f"/clientlib/logger/{call}" for call in ("add/run", "get/run", "copy-steps-from-experiment")}
_API = re.compile(r"/(api|clientlib|openapi\.json|optimizer|page-data|static)(/.*)?")
# Where the official SDK sends the key in a header of its own.
_OPTIMIZER = "/optimizer/"
# Comet's protocol for programs, whose writes come by GET too: never by cookie.
_KEY_ONLY = re.compile("/clientlib(/.*)?|/api/rest/v2/write(/.*)?|/api/local(/.*)?|/optimizer(/.*)?")
# Any page may send a form or plain text without asking first.
_BODY_TYPES = {"application/json", "multipart/form-data"}
# Keys and sign-in codes: another key could outlive its end by them.
_OWNER_ONLY = re.compile("/api/local(/.*)?")

router = APIRouter()


class Guard:
    """The application behind the gate; every answer gets the fixed headers."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._writes = asyncio.Semaphore(WRITES_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # No websockets here: the connection is closed unanswered.
        refusal = await self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_fixed_headers(send))
        elif _KEY_ONLY.fullmatch(scope["path"]):
            async with _Turn(self._writes, receive) as turn:
                if scope["method"] in SAFE_METHODS:
                    await turn.take()
                await self._app(scope, turn.receive, _with_fixed_headers(send))
        else:
            with reading_only(_CSRF_TOKEN in scope.get("state", {})):
                await self._app(_got(scope), receive, _with_fixed_headers(send))

    async def _refusal(self, scope: Scope) -> Response | None:
        method, headers = scope["method"], Headers(scope=scope)
        reason = foreign(method, headers, self._gate.port)
        if reason is not None:
            return refused(reason, 403)
        stranger = await self._stranger(scope, headers)
        if stranger is not None:
            return stranger
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method not in SAFE_METHODS and kind not in _BODY_TYPES and (kind or _has_body(headers)):
            message = f"Content-Type is {kind or 'missing'}; expected application/json or multipart/form-data."
            return refused(message, 415)
        return None

    async def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """The refusal of whoever does not show that he may."""
        method, path = scope["method"], scope["path"]
        if path in _PUBLIC and method in SAFE_METHODS:
            return None
        given = headers.get("authorization")
        if given is None and path.startswith(_OPTIMIZER):
            given = headers.get("x-api-key")
        if given is not None:
            return await self._refusal_of_key(path, given)
        secret = _cookie(headers, self._gate.cookie_name)
        if not secret or not await run_in_threadpool(self._gate.knows_session, secret):
            return _unknown(scope, headers, self._gate.port)
        return self._refusal_of_session(scope, headers, secret)

    async def _refusal_of_key(self, path: str, given: str) -> Response | None:
        # The owner's needs no look into the database.
        name = OWNER if self._gate.is_owner(given) else await run_in_threadpool(self._gate.name_of, given)
        if name is None:
            return _bad_key(path)
        if name != OWNER and _OWNER_ONLY.fullmatch(path):
            return refused("This call needs the API key of the data folder's file, not a named one.", 403)
        return None

    def _refusal_of_session(self, scope: Scope, headers: Headers, secret: str) -> Response | None:
        if _KEY_ONLY.fullmatch(scope["path"]):
            return refused("This call needs the API key in the Authorization header, not a session.", 403)
        token = _csrf_token(secret)
        if scope["method"] not in SAFE_METHODS and not hmac.compare_digest(
            headers.get(CSRF_HEADER, "").encode(), token.encode()
        ):
            return refused(f"A write by the page has to carry the header {CSRF_HEADER}.", 403)
        scope.setdefault("state", {})[_CSRF_TOKEN] = token
        return None


class _Turn:
    """A place among those who write, taken when a request's body is here: who sends slowly holds up nobody."""

    def __init__(self, places: asyncio.Semaphore, receive: Receive) -> None:
        self._places = places
        self._receive = receive
        self._taken = False

    async def __aenter__(self) -> _Turn:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._taken:
            self._places.release()

    async def take(self) -> None:
        """Waits for the place, once."""
        if not self._taken:
            await self._places.acquire()
            self._taken = True

    async def receive(self) -> Message:
        """The next piece of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            await self.take()
        return message


@router.get("/health")
def health(request: Request) -> Response:
    """That the server is there, and to who challenges it, that it is the one; nothing else, since anybody may ask."""
    answered = answer({"status": "ok"})
    proof = _gate(request).proof(request.headers.get(CHALLENGE_HEADER, ""))
    if proof is not None:
        answered.headers[PROOF_HEADER] = proof
    return answered


@router.post(SIGN_IN_CODES)
def sign_in_code(request: Request) -> Response:
    """A link that signs one browser in, once, within a minute."""
    code = _gate(request).codes.create()
    url = f"{request.app.state.root}{SIGN_IN}?code={code}&next=/"
    return answer({"code": code, "url": url, "expiresSeconds": CODE_SECONDS})


@router.get(SIGN_IN)
def sign_in(request: Request, code: str = "", next: str = "/") -> Response:  # noqa: A002
    """Swaps the code for a session cookie and goes on to `next`, which must be a path of this server."""
    gate = _gate(request)
    target = own_path(next)
    if not gate.codes.redeem(code):
        return sign_in_page(_root(request.headers.get("host", ""), gate.port), target, 401)
    answered = RedirectResponse(target, 303)
    lifetime = sessions.LIFETIME_MILLIS // 1000
    answered.set_cookie(
        gate.cookie_name, gate.open_session(), max_age=lifetime, httponly=True, samesite="lax", path="/"
    )
    return answered


def own_path(target: str) -> str:
    """The target when it is a path of this server, else "/"."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if safe and not parts.scheme and not parts.netloc else "/"


def is_api(path: str) -> bool:
    """Whether a program asks, which wants JSON, and not a person, who wants a page."""
    return _API.fullmatch(path) is not None


def not_found(path: str) -> Response:
    """The answer for a path that nothing is at."""
    if is_api(path):
        return refused(f"There is nothing at {path}.", 404)
    return error_page(404, "There is no such page", f"Nothing lies at “{path}”.")


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


def _bad_key(path: str) -> Response:
    message = "The API key is not this server's; `zenml-comet status` says where its key lies."
    # The status by which the official SDK tells a bad key from a lost connection when it starts.
    return refused(message, 400 if path in _HANDSHAKES else 401, BAD_API_KEY)


def _unknown(scope: Scope, headers: Headers, port: int) -> Response:
    path: str = scope["path"]
    if is_api(path) or headers.get("sec-fetch-dest", "document") != "document":
        return refused("The API key is missing: send it as the Authorization header.", 401, BAD_API_KEY)
    # As the browser shows it: a name may hold what ends a path.
    place, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return sign_in_page(_root(headers.get("host", ""), port), own_path(f"{place}?{query}" if query else place), 401)


def _root(host: str, port: int) -> str:
    """How whoever sent this Host calls the server, if `zenml-comet open` knows it by that; else its own name."""
    return f"http://{host}" if host == f"localhost:{port}" else f"http://127.0.0.1:{port}"


def _got(scope: Scope) -> Scope:
    """A HEAD of what is only read as the GET that it asks about; the server then sends no body. Signing in is more."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" and scope["path"] != SIGN_IN else scope


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _csrf_token(secret: str) -> str:
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def _cookie(headers: Headers, name: str) -> str | None:
    for header in headers.getlist("cookie"):
        for piece in header.split(";"):
            key, _, value = piece.strip().partition("=")
            if key == name:
                return value
    return None


def _with_fixed_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in FIXED_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return wrapped
