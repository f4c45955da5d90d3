"""Who may in: nobody without the API key or a signed-in browser's cookie. Stands before all routes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zenml_comet_tracker.local.clock import Clock
from zenml_comet_tracker.local.origin import SAFE_METHODS, foreign
from zenml_comet_tracker.local.pages.views import error_page, sign_in_page
from zenml_comet_tracker.local.routes.answers import BAD_API_KEY, answer, refused
from zenml_comet_tracker.local.store import sessions
from zenml_comet_tracker.local.store.store import Store

SIGN_IN = "/sign-in"
SIGN_IN_CODES = "/api/local/sign-in-codes"
CSRF_HEADER = "X-CSRF-Token"
CODE_SECONDS = 60
# Writes wait for each other, each in one of the forty threads that answer requests: some are left for those who read.
WRITES_AT_ONCE = 24

_PUBLIC = {"/health", SIGN_IN}
_HANDSHAKES = {"/clientlib/logger/add/run", "/clientlib/logger/get/run"}
_API = re.compile("/(api|clientlib|page-data|static)(/.*)?")
# Comet's protocol for programs, whose writes come by GET too: never by cookie.
_KEY_ONLY = re.compile(f"/clientlib(/.*)?|/api/rest/v2/write(/.*)?|{SIGN_IN_CODES}")

# On every answer, unless the route set its own.
FIXED_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

router = APIRouter()


@dataclass(frozen=True)
class Gate:
    """What is needed to let someone in: our key and port, the sessions in the store, the codes handed out."""

    store: Store
    api_key: str
    port: int
    codes: SignInCodes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", SignInCodes(self.store.clock))

    @property
    def cookie_name(self) -> str:
        """Cookies know no ports: without ours in the name, two servers would sign each other out."""
        return f"zenml_comet_{self.port}"

    def knows_key(self, given: str) -> bool:
        """Whether this is our API key, found in a time that does not tell how much of it is right."""
        return hmac.compare_digest(given.encode(), self.api_key.encode())

    def knows_session(self, secret: str) -> bool:
        """Whether this is the cookie of a browser that signed in."""
        with self.store.read() as connection:
            return sessions.is_good(connection, self._bound(secret), self.store.clock())

    def open_session(self) -> str:
        """A new cookie's value. It dies with the API key that it was made under."""
        secret = secrets.token_urlsafe(32)
        with self.store.write() as transaction:
            sessions.create(transaction, self._bound(secret))
        return secret

    def _bound(self, secret: str) -> str:
        return hmac.new(self.api_key.encode(), secret.encode(), hashlib.sha256).hexdigest()


class SignInCodes:
    """Single-use codes that a browser swaps for a session, good for a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._expiry: dict[str, int] = {}
        self._lock = threading.Lock()

    def create(self) -> str:
        """A new code."""
        code = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._expiry = {known: expiry for known, expiry in self._expiry.items() if expiry > now}
            self._expiry[code] = now + CODE_SECONDS * 1000
        return code

    def redeem(self, code: str) -> bool:
        """Whether the code is good; it is not any more afterwards."""
        with self._lock:
            expiry = self._expiry.pop(code, 0)
        return expiry > self._clock()


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
            async with self._writes:
                await self._app(scope, receive, _with_fixed_headers(send))
        else:
            await self._app(_got(scope), receive, _with_fixed_headers(send))

    async def _refusal(self, scope: Scope) -> Response | None:
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        reason = foreign(method, headers, self._gate.port)
        if reason is not None:
            return refused(reason, 403)
        if path in _PUBLIC and method in SAFE_METHODS:
            return None
        given = headers.get("authorization")
        if given is not None:
            return None if self._gate.knows_key(given) else _bad_key(path)
        secret = _cookie(headers, self._gate.cookie_name)
        if not secret or not await run_in_threadpool(self._gate.knows_session, secret):
            return _unknown(scope, headers)
        return self._refusal_of_session(scope, headers, secret)

    def _refusal_of_session(self, scope: Scope, headers: Headers, secret: str) -> Response | None:
        if _KEY_ONLY.fullmatch(scope["path"]):
            return refused("This call needs the API key in the Authorization header, not a session.", 403)
        token = _csrf_token(secret)
        if scope["method"] not in SAFE_METHODS and not hmac.compare_digest(
            headers.get(CSRF_HEADER, "").encode(), token.encode()
        ):
            return refused(f"A write by the page has to carry the header {CSRF_HEADER}.", 403)
        scope.setdefault("state", {})["csrf_token"] = token
        return None


@router.get("/health")
def health() -> Response:
    """That the server is there; says nothing else, since anybody may ask."""
    return answer({"status": "ok"})


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
        return sign_in_page(target, 401)
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


def _unknown(scope: Scope, headers: Headers) -> Response:
    path: str = scope["path"]
    if is_api(path) or headers.get("sec-fetch-dest", "document") != "document":
        return refused("The API key is missing: send it as the Authorization header.", 401, BAD_API_KEY)
    query = scope["query_string"].decode("latin-1")
    return sign_in_page(own_path(f"{path}?{query}" if query else path), 401)


def _got(scope: Scope) -> Scope:
    """A HEAD of what is only read as the GET that it asks about; the server then sends no body. Signing in is more."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" and scope["path"] != SIGN_IN else scope


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
