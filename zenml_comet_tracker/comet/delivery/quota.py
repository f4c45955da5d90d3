"""How fast the documented REST calls may go: one allowance for all processes of this machine that use one API key."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from zenml_comet_tracker.comet import forks
from zenml_comet_tracker.comet.journal.place import state_folder

logger = logging.getLogger(__name__)

REQUESTS = "requests"
VALUES = "values"


@dataclass(frozen=True)
class Limit:
    """At most `count` within any `seconds`."""

    count: float
    seconds: float

    @property
    def burst(self) -> float:
        """What may go at once. Half of the whole, so that a burst and what flows in after it stay within the limit."""
        return self.count / 2

    @property
    def rate(self) -> float:
        """What flows in, per second."""
        return self.count / 2 / self.seconds


# What Comet publishes for one API key.
LIMITS: Mapping[str, Limit] = {REQUESTS: Limit(15_000, 3_600), VALUES: Limit(12_000, 60)}


class Quota:
    """Two token buckets, requests and metric values, in a file that every process with the same key shares.

    The clock must be the machine's, not the process's; its unit is seconds. When the file cannot be used, the allowance
    counts for this process alone, and a warning says so.
    """

    def __init__(
        self,
        path: Path,
        limits: Mapping[str, Limit] = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._limits = limits
        self._clock = clock

    def take(self, values: int = 0, *, must: bool = False) -> float:
        """Takes one request that carries so many metric values; returns 0.0, or the seconds until there is room.

        With `must` it is taken in any case, and whoever comes next waits longer: a heartbeat cannot wait.
        """
        if self._path not in _unshared:
            try:
                return self._take_shared(values, must)
            except OSError as error:
                logger.warning(
                    "%s cannot be used (%s): the allowance of REST requests counts for this process alone.",
                    self._path,
                    error.strerror or error,
                )
        with _unshared_lock:
            return self._take_from(_unshared.setdefault(self._path, {}), values, must)

    def _take_shared(self, values: int, must: bool) -> float:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Opened anew each time: a descriptor from before a fork would share its lock with the parent.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            left = _numbers(os.pread(descriptor, 1_000, 0))
            wait = self._take_from(left, values, must)
            data = orjson.dumps(left)
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
            return wait
        finally:
            # Said, not left to the closing: a child forked meanwhile holds the descriptor too.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _take_from(self, left: dict[str, float], values: int, must: bool) -> float:
        self._flow_into(left)
        wanted = {REQUESTS: 1.0, VALUES: float(values)}
        waits = [(wanted[name] - left[name]) / limit.rate for name, limit in self._limits.items() if wanted[name]]
        wait = 0.0 if must else max(0.0, *waits)
        if wait == 0.0:
            for name, count in wanted.items():
                left[name] -= count
        return wait

    def _flow_into(self, left: dict[str, float]) -> None:
        """Adds what has flowed in since the last look."""
        now = self._clock()
        # A time to come is from before the machine was started anew.
        passed = max(0.0, now - left.get("at", now))
        left["at"] = now
        for name, limit in self._limits.items():
            flowed = left.get(name, limit.burst) + passed * limit.rate
            left[name] = max(-limit.burst, min(limit.burst, flowed))


# The allowances whose files cannot be used.
_unshared: dict[Path, dict[str, float]] = {}
_unshared_lock = forks.Lock()


def shared_quota(root: str, key_fingerprint: str, journals: Path | None) -> Quota:
    """The allowance of this key at this server: in the state folder, beside the journals when there is no home."""
    name = hashlib.sha256(f"{root} {key_fingerprint}".encode()).hexdigest()[:24] + ".json"
    try:
        return Quota(state_folder().parent / "quota" / name)
    except RuntimeError:
        return Quota((journals or Path("/")) / ".quota" / name)


def _numbers(data: bytes) -> dict[str, float]:
    """What the file says; nothing when it is new or not ours, which is a full allowance."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
