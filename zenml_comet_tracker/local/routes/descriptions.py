"""What Comet tells of an experiment, in lists and alone."""

from __future__ import annotations

from typing import Any


def describe(row: Any) -> dict[str, Any]:
    """The metadata of a row of `standing.rows`; one that fell silent is not running and has crashed."""
    return {
        "experimentKey": row.key,
        "experimentName": row.name,
        "optimizationId": None,
        "userName": row.user_name,
        "projectId": row.project_id,
        "projectName": row.project_name,
        "workspaceName": row.workspace,
        "filePath": row.file_path,
        "fileName": row.file_name,
        "durationMillis": max(0, row.ended_millis - row.start_millis),
        "startTimeMillis": row.start_millis,
        "endTimeMillis": row.ended_millis,
        "archived": row.archived,
        "status": row.status,
        "running": row.status in ("running", "retrying"),
        "hasCrashed": row.status in ("failed", "lost"),
        "error": row.error,
        "throttle": False,
        "throttleMessage": None,
        "throttleReasons": [],
    }
