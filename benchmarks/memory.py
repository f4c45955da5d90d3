"""How much memory this process holds and held at most. Linux only: macOS cannot forget an earlier peak."""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")


def _status_mb(field: str) -> float:
    line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def resident_mb() -> float:
    """Resident memory now."""
    return _status_mb("VmRSS")


class Peak:
    """The most memory since this object was made."""

    def __init__(self) -> None:
        # Makes the kernel count the peak anew: importing a client may have held more than the client does.
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        self._idle = resident_mb()

    def total_mb(self) -> float:
        """The whole process."""
        return _status_mb("VmHWM")

    def above_idle_mb(self) -> float:
        """What came on top of the process as it was when this object was made."""
        return max(0.0, self.total_mb() - self._idle)
