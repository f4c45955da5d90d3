"""What a server answered, in Comet's JSON or not."""

from __future__ import annotations

from typing import Any

import orjson
import requests

from zenml_comet_tracker.comet import errors


def json_object(what: str, response: requests.Response) -> dict[str, Any]:
    """The JSON object that was answered, `{}` for an empty answer; `BrokenAnswerError` for anything else."""
    if not response.content:
        complete = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
        if complete or response.status_code == 204:
            return {}
        raise errors.BrokenAnswerError(f"{what} was answered with status {response.status_code} and then cut off")
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        kind = response.headers.get("Content-Type", "no content type")
        raise errors.BrokenAnswerError(
            f"{what} was answered with status {response.status_code} but not with JSON ({kind}, "
            f"{len(response.content)} bytes); is a proxy or a sign-in page in between?"
        ) from error
    if not isinstance(answer, dict):
        raise errors.BrokenAnswerError(f"{what} was answered with a JSON {type(answer).__name__}, not an object")
    return answer


def server_message(response: requests.Response) -> tuple[str, int]:
    """What an error in Comet's JSON says, and its own code; empty and 0 for anything else."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return "", 0
    if not isinstance(body, dict):
        return "", 0
    code = body.get("sdk_error_code")
    return str(body.get("msg") or "")[:500], code if isinstance(code, int) else 0
