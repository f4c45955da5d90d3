"""An experiment's life: handshake, heartbeat, end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport

# The version of Comet's protocol that we speak; who we are stands in the User-Agent.
PROTOCOL_VERSION = "3.58.8"
DEFAULT_BEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Handshake:
    """What the server says of an experiment when it is opened.

    `focus_url` ends with a slash and becomes the experiment's page with the key behind it. `journal_lanes` says that
    the server drops records it has already stored (the local server does, Comet's cloud does not).
    """

    run_id: str
    project_id: str | None
    focus_url: str | None
    journal_lanes: bool

    @property
    def names(self) -> tuple[str | None, str | None]:
        """Workspace and project as the server resolved them, from the focus URL."""
        parts = [unquote(part) for part in urlsplit(self.focus_url or "").path.split("/") if part]
        return (parts[-2], parts[-1]) if len(parts) >= 2 else (None, None)


@dataclass(frozen=True)
class Opening:
    """What the client says when it opens an experiment."""

    experiment_key: str
    workspace: str | None
    project_name: str | None
    started_millis: int
    join: bool


def open_experiment(transport: Transport, api_key: str, opening: Opening) -> Handshake:
    """The handshake of a new experiment under our own key or, with `join`, of the one that has the key already.

    POST clientlib `logger/add/run`; when the experiment exists, `logger/get/run`.
    """
    body = {
        "apiKey": api_key,
        "local_timestamp": opening.started_millis,
        "experimentKey": opening.experiment_key,
        "offline": False,
        "projectName": opening.project_name,
        "teamName": opening.workspace,
        "libVersion": PROTOCOL_VERSION,
        "getOrCreateEnabled": False,
    }
    try:
        answer = transport.post_json(f"{CLIENTLIB}logger/add/run", body)
    except errors.StatusError as error:
        if error.sdk_error_code != errors.EXPERIMENT_EXISTS or not opening.join:
            raise
        answer = transport.post_json(f"{CLIENTLIB}logger/get/run", _join_body(api_key, opening))
    return _handshake(answer)


def _join_body(api_key: str, opening: Opening) -> dict[str, Any]:
    return {
        "apiKey": api_key,
        "local_timestamp": opening.started_millis,
        "previousExperiment": opening.experiment_key,
        "libVersion": PROTOCOL_VERSION,
    }


def _handshake(answer: dict[str, Any]) -> Handshake:
    run_id = answer.get("runId")
    if not run_id:
        raise errors.BrokenAnswerError("The server opened the experiment without giving a runId")
    focus_url = answer.get("focusUrl")
    return Handshake(
        run_id=str(run_id),
        project_id=answer.get("project_id"),
        focus_url=(focus_url if focus_url.endswith("/") else f"{focus_url}/") if focus_url else None,
        journal_lanes=answer.get("journalLanes") == 1,
    )


def report_status(
    transport: Transport,
    api_key: str,
    experiment_key: str,
    handshake: Handshake,
    *,
    alive: bool,
    millis: int,
    attempt: int,
) -> float:
    """Seconds until the server wants the next heartbeat. POST clientlib `status-report/update`."""
    answer = transport.post_json(
        f"{CLIENTLIB}status-report/update",
        {
            "apiKey": api_key,
            "runId": handshake.run_id,
            "experimentKey": experiment_key,
            "projectId": handshake.project_id,
            "is_alive": alive,
            "local_timestamp": millis,
            "offline": False,
            "attempt": attempt,
        },
    )
    beat = answer.get("is_alive_beat_duration_millis")
    return beat / 1000 if isinstance(beat, int | float) and beat > 0 else DEFAULT_BEAT_SECONDS


def report_failure(transport: Transport, experiment_key: str, *, error: str, millis: int, attempt: int) -> None:
    """Marks the experiment failed, with the error's text. POST `write/experiment/update-status`."""
    transport.post_json(
        f"{REST}write/experiment/update-status",
        {
            "experimentKey": experiment_key,
            "isAlive": False,
            "error": error,
            "hasCrashed": True,
            "localTimestamp": millis,
            "attempt": attempt,
        },
    )


def set_file_path(transport: Transport, experiment_key: str, path: str, headers: Headers = None) -> None:
    """Says which file the experiment ran. POST `write/experiment/file-path`."""
    body = {"experimentKey": experiment_key, "filePath": path}
    transport.post_json(f"{REST}write/experiment/file-path", body, headers=headers)
