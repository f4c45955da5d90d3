"""Experiments as a whole: opened under a key of ours or made under one of the server's; their place and file path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import Headers, complete, entries
from zenml_comet_tracker.comet.resources.projects import Place
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport

# The version of Comet's protocol that we speak; who we are stands in the User-Agent.
PROTOCOL_VERSION = "3.58.8"
# Of which attempt somebody is, or what is sent; only the local Comet looks at it.
ATTEMPT_HEADER = "X-Comet-Attempt"
# As many as Comet moves at once.
MAX_MOVED = 100
# The project that Comet puts an experiment in when none is named.
DEFAULT_PROJECT = "general"


@dataclass(frozen=True)
class Handshake:
    """What the server says of an experiment when it is opened.

    `experiment_key` is the one the server knows it by: ours, unless the server would only make one of its own.
    `focus_url` ends with a slash and becomes the experiment's page with the key behind it. `journal_lanes` says that
    the server drops records it has already stored, `facts_at_once` how many facts one request may hold (the local
    server does the one and takes many, Comet's cloud does not and takes one). `output_offset` is the place behind all
    that was printed. With `attempts_apart` the server keeps the values of earlier attempts apart from the newest one's.
    """

    experiment_key: str
    run_id: str | None
    project_id: str | None
    focus_url: str | None
    journal_lanes: bool
    output_offset: int = 0
    facts_at_once: int = 1
    attempts_apart: bool = False

    @property
    def page(self) -> str | None:
        """The experiment's page; None when the server did not say where it is."""
        return self.focus_url + self.experiment_key if self.focus_url else None

    @property
    def names(self) -> tuple[str | None, str | None]:
        """Workspace and project as the server resolved them, from the focus URL."""
        parts = [unquote(part) for part in urlsplit(self.focus_url or "").path.split("/") if part]
        return (parts[-2], parts[-1]) if len(parts) >= 2 else (None, None)


@dataclass(frozen=True)
class Opening:
    """What the client says when it opens an experiment; `attempt` is for those who say how it goes on."""

    experiment_key: str
    workspace: str | None
    project_name: str | None
    started_millis: int
    join: bool
    attempt: int | None = None


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
    headers = None if opening.attempt is None else {ATTEMPT_HEADER: str(opening.attempt)}
    try:
        answer = transport.post_json(f"{CLIENTLIB}logger/add/run", body, headers=headers)
    except errors.StatusError as error:
        if error.sdk_error_code != errors.EXPERIMENT_EXISTS or not opening.join:
            raise
        answer = transport.post_json(f"{CLIENTLIB}logger/get/run", _join_body(api_key, opening), headers=headers)
    return _handshake(opening.experiment_key, answer)


def _join_body(api_key: str, opening: Opening) -> dict[str, Any]:
    return {
        "apiKey": api_key,
        "local_timestamp": opening.started_millis,
        "previousExperiment": opening.experiment_key,
        "libVersion": PROTOCOL_VERSION,
    }


def _handshake(experiment_key: str, answer: dict[str, Any]) -> Handshake:
    run_id = answer.get("runId")
    if not run_id:
        raise errors.BrokenAnswerError("The server opened the experiment without giving a runId")
    focus_url = answer.get("focusUrl")
    return Handshake(
        experiment_key=experiment_key,
        run_id=str(run_id),
        project_id=answer.get("project_id"),
        focus_url=(focus_url if focus_url.endswith("/") else f"{focus_url}/") if focus_url else None,
        journal_lanes=answer.get("journalLanes") == 1,
        output_offset=offset if isinstance(offset := answer.get("lastOffset"), int) else 0,
        facts_at_once=count if isinstance(count := answer.get("factsAtOnce"), int) and count > 0 else 1,
        attempts_apart=answer.get("attemptsApart") is True,
    )


def create(
    transport: Transport, workspace: str | None, project_name: str | None, experiment_name: str | None = None
) -> str:
    """The key of a new experiment, as the server makes it. POST `write/experiment/create`.

    Without a workspace it goes to the account's default one (GET `account-details`).
    """
    body = {
        "workspaceName": workspace or transport.get_json(f"{REST}account-details").get("defaultWorkspaceName"),
        "projectName": project_name or DEFAULT_PROJECT,
    }
    if experiment_name:
        body["experimentName"] = experiment_name
    key = transport.post_json(f"{REST}write/experiment/create", body).get("experimentKey")
    if not key:
        raise errors.BrokenAnswerError("The server made an experiment without saying its experimentKey")
    return str(key)


def join(transport: Transport, experiment_key: str) -> Handshake:
    """What documented REST says of an experiment that exists. GET `experiment/metadata`."""
    answer = transport.get_json(f"{REST}experiment/metadata", {"experimentKey": experiment_key})
    workspace, project = answer.get("workspaceName"), answer.get("projectName")
    return Handshake(
        experiment_key=experiment_key,
        run_id=None,
        project_id=answer.get("projectId"),
        focus_url=page(transport.root, workspace, project, ""),
        journal_lanes=answer.get("journalLanes") == 1,
    )


def may_be_key(text: str) -> bool:
    """Whether an experiment key can look like this: 32 to 50 letters and digits."""
    return 32 <= len(text) <= 50 and text.isascii() and text.isalnum()


def metadata(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """What an experiment is and how it stands. GET `experiment/metadata`.

    `experimentKey`, `experimentName`, `projectId`, `projectName`, `workspaceName`, `startTimeMillis`, `endTimeMillis`,
    `durationMillis`, `archived`, `running`, `hasCrashed`, `filePath`, `fileName`, `optimizationId` and others.
    """
    try:
        found = transport.get_json(f"{REST}experiment/metadata", {"experimentKey": experiment_key})
    except errors.StatusError as error:
        if error.status != 400:
            raise
        # So Comet's cloud answers for a key that it does not know.
        raise errors.NotFoundError(
            f"GET experiment/metadata of {experiment_key!r}",
            status=error.status,
            sdk_error_code=error.sdk_error_code,
            server_message=error.server_message,
        ) from None
    return complete(found, "experimentKey")


def of_project(
    transport: Transport,
    place: Place,
    *,
    archived: bool = False,
    page: int | None = None,
    size: int | None = None,
    sort_by: str | None = None,
    sort_order: str | None = None,
) -> list[dict[str, Any]]:
    """What `metadata` says of each experiment of a project, the newest first. GET `experiments`.

    `page` counts from 1; older servers know neither it nor `size` and answer with all. `sort_by` is startTime or
    endTime, `sort_order` asc or desc.
    """
    params = {"archived": archived, "page": page, "size": size, "sortBy": sort_by, "sortOrder": sort_order}
    answer = transport.get_json(f"{REST}experiments", {**place, **params})
    return entries(answer, "experiments", "experimentKey")


def archive(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Puts an experiment aside. GET `write/experiment/archive`."""
    return transport.get_json(f"{REST}write/experiment/archive", {"experimentKey": experiment_key})


def restore(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Takes an archived experiment back. GET `write/experiment/restore`."""
    return transport.get_json(f"{REST}write/experiment/restore", {"experimentKey": experiment_key})


def stop(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Says that an experiment runs no more. GET `write/experiment/stop`."""
    return transport.get_json(f"{REST}write/experiment/stop", {"experimentKey": experiment_key})


def delete(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Deletes an experiment for good. GET `write/experiment/delete`."""
    return transport.get_json(f"{REST}write/experiment/delete", {"experimentKey": experiment_key})


def move(
    transport: Transport, experiment_keys: Sequence[str], workspace: str, project_name: str, *, symlink: bool
) -> dict[str, Any]:
    """Moves up to 100 experiments to another project of their workspace, or lists them there too with `symlink`.

    POST `write/experiment/move`.
    """
    body = {
        "targetWorkspaceName": workspace,
        "targetProjectName": project_name,
        "experimentKeys": list(experiment_keys),
        "symlink": symlink,
    }
    return transport.post_json(f"{REST}write/experiment/move", body)


def project_page(root: str, workspace: str | None, project_name: str | None) -> str | None:
    """Where a browser finds the experiments of a project; None without workspace or project."""
    if not workspace or not project_name:
        return None
    return f"{root}/{quote(workspace, safe='')}/{quote(project_name, safe='')}"


def page(root: str, workspace: str | None, project_name: str | None, experiment_key: str) -> str | None:
    """Where a browser finds the experiment; None without workspace or project."""
    project = project_page(root, workspace, project_name)
    return None if project is None else f"{project}/{experiment_key}"


def set_file_path(transport: Transport, experiment_key: str, path: str, headers: Headers = None) -> dict[str, Any]:
    """Says which file the experiment ran. POST `write/experiment/file-path`."""
    body = {"experimentKey": experiment_key, "filePath": path}
    return transport.post_json(f"{REST}write/experiment/file-path", body, headers=headers)
