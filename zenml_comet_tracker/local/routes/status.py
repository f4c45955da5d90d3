"""Signs of life and ends: `status-report/update`, `update-status`, `set-status`, start and end times."""

from __future__ import annotations

from fastapi import APIRouter, Response

from zenml_comet_tracker.local.routes.answers import answer, done
from zenml_comet_tracker.local.routes.calls import Call, JsonCall, QueryCall
from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.store import experiments, status
from zenml_comet_tracker.local.store.standing import BEAT_MILLIS
from zenml_comet_tracker.local.store.status import Report

rest = APIRouter()
clientlib = APIRouter()

GPU_MILLIS = 60_000
CPU_MILLIS = 68_000


@clientlib.post("/status-report/update")
def report(call: JsonCall) -> Response:
    """Takes the SDK's heartbeat or end (`is_alive`); answers how often to report."""
    fields = call.fields
    attempt = fields.integer("attempt")
    taken = Report(
        fields.stated_flag("is_alive"),
        attempt=attempt,
        at_millis=fields.moment("local_timestamp"),
        writer_start_millis=fields.moment("writerStartMillis"),
        guest=attempt is None,
    )
    _take(call, taken)
    return answer(
        {
            "is_alive_beat_duration_millis": BEAT_MILLIS,
            "gpu_monitor_interval_millis": GPU_MILLIS,
            "cpu_monitor_interval_millis": CPU_MILLIS,
            "parameter_update_interval_millis": 60_000,
            "pending_rpcs": False,
        }
    )


@clientlib.post("/status-report/offline-metadata")
def offline_times(call: JsonCall) -> Response:
    """Sets start and end of an experiment that ran offline."""
    start, end = call.fields.moment("startTimestamp"), call.fields.moment("endTimestamp")
    return call.write(lambda target: experiments.set_times(target.transaction, target.experiment, start, end))


@rest.post("/write/experiment/update-status")
def update_status(call: JsonCall) -> Response:
    """Sets running or ended (`isAlive`), failed (`hasCrashed`) and the traceback (`error`).

    `endedAs` is `stopped` for what somebody ended, and `retrying` for what lives on in another attempt.
    """
    taken = _report(call.fields)
    return _take(call, taken)


@rest.get("/write/experiment/set-status")
def keep_alive(call: QueryCall) -> Response:
    """Takes a heartbeat; answers how often to send one."""
    fields = call.fields
    taken = Report(
        alive=True,
        attempt=fields.integer("attempt"),
        at_millis=fields.moment("localTimestamp"),
        writer_start_millis=fields.moment("writerStartMillis"),
    )
    _take(call, taken)
    return answer(
        {
            "isAliveBeatDurationMillis": BEAT_MILLIS,
            "gpuMonitorIntervalMillis": GPU_MILLIS,
            "cpuMonitorIntervalMillis": CPU_MILLIS,
        }
    )


@rest.post("/write/experiment/set-start-end-time")
def set_times(call: JsonCall) -> Response:
    """Sets `startTimeMillis`, `endTimeMillis` or both."""
    start, end = call.fields.moment("startTimeMillis"), call.fields.moment("endTimeMillis")
    return call.write(lambda target: experiments.set_times(target.transaction, target.experiment, start, end))


@rest.post("/write/experiment/{key}/mark-not-throttled")
def not_throttled(call: JsonCall, key: str) -> Response:
    """Nothing: a local server throttles nobody."""
    with call.store.read() as connection:
        experiments.require(connection, key)
    return done()


def _take(call: Call, taken: Report) -> Response:
    return call.write(lambda target: status.apply(target.transaction, target.experiment, taken), quiet=True)


def _report(fields: Fields) -> Report:
    ended_as = fields.optional_text("endedAs")
    if ended_as not in (None, "stopped", "retrying"):
        raise fields.error("endedAs", '"stopped" or "retrying"')
    crashed = fields.flag("hasCrashed") if fields.raw("hasCrashed") is not None else None
    return Report(
        alive=fields.stated_flag("isAlive"),
        crashed=crashed,
        error=fields.optional_text("error"),
        ended_as=ended_as,
        attempt=fields.integer("attempt"),
        at_millis=fields.moment("localTimestamp"),
        writer_start_millis=fields.moment("writerStartMillis"),
    )
