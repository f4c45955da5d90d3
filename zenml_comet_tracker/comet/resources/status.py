"""What the server is told of an experiment's life: signs of life, how it ended, when it began and ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zenml_comet_tracker.comet.resources import Headers
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import CLIENTLIB, REST, Transport

DEFAULT_BEAT_SECONDS = 10.0


@dataclass(frozen=True)
class Moment:
    """When something was so, in milliseconds since the epoch, and in which attempt of the step.

    `writer_start_millis` is when the writer began that says it: one that began after an end takes the experiment up
    again.
    """

    millis: int
    attempt: int
    writer_start_millis: int


@dataclass(frozen=True)
class Rhythm:
    """After how many seconds the server wants the next heartbeat, and system metrics, if it says so."""

    beat_seconds: float
    monitor_seconds: float | None = None


def report(transport: Transport, api_key: str, handshake: Handshake, when: Moment, *, alive: bool) -> Rhythm:
    """What the server wants to hear next, and when. POST clientlib `status-report/update`."""
    answer = transport.post_json(
        f"{CLIENTLIB}status-report/update",
        {
            "apiKey": api_key,
            "runId": handshake.run_id,
            "experimentKey": handshake.experiment_key,
            "projectId": handshake.project_id,
            "is_alive": alive,
            "local_timestamp": when.millis,
            "offline": False,
            "attempt": when.attempt,
            "writerStartMillis": when.writer_start_millis,
        },
    )
    return _rhythm(
        answer, "is_alive_beat_duration_millis", "cpu_monitor_interval_millis", "gpu_monitor_interval_millis"
    )


def keep_alive(transport: Transport, experiment_key: str, when: Moment) -> Rhythm:
    """What the server wants to hear next, and when. GET `write/experiment/set-status`."""
    params = {
        "experimentKey": experiment_key,
        "localTimestamp": when.millis,
        "attempt": when.attempt,
        "writerStartMillis": when.writer_start_millis,
    }
    answer = transport.get_json(f"{REST}write/experiment/set-status", params)
    return _rhythm(answer, "isAliveBeatDurationMillis", "cpuMonitorIntervalMillis", "gpuMonitorIntervalMillis")


def beat(transport: Transport, experiment_key: str) -> dict[str, Any]:
    """Says that it is alive; how often to say so and to measure, in milliseconds. GET `write/experiment/set-status`.

    `isAliveBeatDurationMillis`, `gpuMonitorIntervalMillis`, `cpuMonitorIntervalMillis`.
    """
    return transport.get_json(f"{REST}write/experiment/set-status", {"experimentKey": experiment_key})


def write(
    transport: Transport,
    experiment_key: str,
    *,
    alive: bool,
    crashed: bool,
    error: str | None = None,
    ended_as: str | None = None,
) -> dict[str, Any]:
    """Says whether it runs and whether it failed, with `ended_as` as in `report_end`.

    POST `write/experiment/update-status`.
    """
    body = {"experimentKey": experiment_key, "isAlive": alive, "hasCrashed": crashed, "error": error}
    if ended_as is not None:
        body["endedAs"] = ended_as
    return transport.post_json(f"{REST}write/experiment/update-status", body)


def report_end(
    transport: Transport, experiment_key: str, when: Moment, *, error: str | None, ended_as: str | None = None
) -> None:
    """Marks the experiment ended, failed when there is an error's text. POST `write/experiment/update-status`.

    `ended_as` "retrying" marks it as living, since another attempt follows, and "stopped" as ended by somebody: the
    local Comet shows both, others take the first for running and the second for finished.
    """
    retrying = ended_as == "retrying"
    body = {
        "experimentKey": experiment_key,
        "isAlive": retrying,
        "error": None if retrying else error,
        "hasCrashed": error is not None and not retrying,
        "localTimestamp": when.millis,
        "attempt": when.attempt,
        "writerStartMillis": when.writer_start_millis,
    }
    if ended_as is not None:
        body["endedAs"] = ended_as
    transport.post_json(f"{REST}write/experiment/update-status", body)


def set_times(
    transport: Transport,
    experiment_key: str,
    start_millis: int | None = None,
    end_millis: int | None = None,
    headers: Headers = None,
) -> dict[str, Any]:
    """Says when it began, ended, or both; None leaves it open. POST `write/experiment/set-start-end-time`."""
    body = {"experimentKey": experiment_key, "startTimeMillis": start_millis, "endTimeMillis": end_millis}
    return transport.post_json(f"{REST}write/experiment/set-start-end-time", body, headers=headers)


def clear_throttling(transport: Transport, experiment_key: str) -> None:
    """Says that all which the server held back has arrived. POST `write/experiment/{key}/mark-not-throttled`."""
    transport.post_json(f"{REST}write/experiment/{experiment_key}/mark-not-throttled", {})


def _rhythm(answer: Mapping[str, Any], beat: str, *monitors: str) -> Rhythm:
    asked = [seconds for name in monitors if (seconds := _seconds(answer.get(name))) is not None]
    return Rhythm(_seconds(answer.get(beat)) or DEFAULT_BEAT_SECONDS, min(asked, default=None))


def _seconds(millis: Any) -> float | None:
    return millis / 1000 if isinstance(millis, int | float) and millis > 0 else None
