"""Answers in Comet's shapes, and the one error that a route raises for a request it cannot take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from fastapi import Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

# What Comet's clients look for in `sdk_error_code`.
UNKNOWN_EXPERIMENT = 90210
BAD_API_KEY = 90212
EXPERIMENT_EXISTS = 90999
UNKNOWN_WORKSPACE = 90219
# The one code of a handshake with which the official SDK shows the message: for every fault of a project's name.
BAD_PROJECT_NAME = 1341241


class RequestError(Exception):
    """The request is refused: `message` says what was wrong and what was expected."""

    def __init__(self, message: str, *, status: int = 400, sdk_error_code: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.sdk_error_code = sdk_error_code


class OneTimeFile(FileResponse):
    """A file that was made for this answer, and is deleted behind it, however it ends: refused, cut or sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            Path(self.path).unlink(missing_ok=True)


def answer(content: Any, status: int = 200) -> Response:
    """A JSON answer. Its content type has no charset: the official SDK refuses one."""
    return Response(orjson.dumps(content), status, media_type="application/json")


def done() -> Response:
    """The answer to a write that has nothing to say."""
    return answer({"msg": "OK", "code": 200, "data": None, "sdk_error_code": 0})


def refused(message: str, status: int, sdk_error_code: int = 0) -> Response:
    """An error in Comet's shape."""
    return answer({"msg": message, "code": status, "data": None, "sdk_error_code": sdk_error_code}, status)
